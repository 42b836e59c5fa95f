"""Run a package's towers with ONNX Runtime on the CPU: the default engine, which starts in a fraction of a second."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipsearch.encode.package import Package
from clipsearch.encode.tokenizer import pad
from clipsearch.errors import PackageError

_PIXELS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_TOKENS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class OnnxEngine:
    """Both towers of a package; each is loaded when it is first used. `threads` 0 means one a core.

    A tower's input names, its types, a fixed batch of one and a fixed number of tokens are read from the file, so
    that other programs' exports run as they are.
    """

    batch_size = 4  # more falls out of the CPU's caches beside the processes that decode photos

    def __init__(self, package: Package, threads: int = 0) -> None:
        self._package = package
        self._threads = threads
        self._loading = threading.Lock()

    def __str__(self) -> str:
        return "ONNX Runtime on the CPU"

    def image_features(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map float32 [n, 3, size, size] to float32 [n, dim], not normalised. Raises PackageError."""
        with self._loading:
            tower = self._image
        return tower([pixels])

    def text_features(
        self, input_ids: npt.NDArray[np.int64], attention_mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Map int64 [n, l] token ids and mask to float32 [n, dim], not normalised. Raises PackageError."""
        with self._loading:
            tower = self._text
        length = tower.length or input_ids.shape[1]
        return tower(pad(input_ids, attention_mask, length, self._package.pad_id))

    @cached_property
    def _image(self) -> _Tower:
        return _Tower(self._package.image_model, self._threads, self._package.dim, {"pixels": _PIXELS})

    @cached_property
    def _text(self) -> _Tower:
        kinds = {"token ids": _TOKENS, "their mask": _TOKENS}
        return _Tower(self._package.text_model, self._threads, self._package.dim, kinds)


class _Tower:
    """A network with one or two inputs, [n, ...] each, whose first output is [n, dim]."""

    def __init__(self, path: Path, threads: int, dim: int, kinds: dict[str, dict[str, Any]]) -> None:
        self._path, self._dim = path, dim
        self._session = _session(path, threads)
        inputs = sorted(self._session.get_inputs(), key=lambda value: "mask" in value.name)
        if not 1 <= len(inputs) <= len(kinds):
            raise self._error(f"takes {len(inputs)} inputs instead of {' and '.join(kinds)}")
        for value, (meaning, types) in zip(inputs, kinds.items(), strict=False):
            if value.type not in types:
                raise self._error(f"takes {value.type} for {meaning}")
        self._types = {value.name: types[value.type] for value, types in zip(inputs, kinds.values(), strict=False)}
        self._one_by_one = inputs[0].shape[0] == 1
        #: of a text tower: how many tokens it takes, if it takes no other number
        self.length = inputs[0].shape[1] if isinstance(inputs[0].shape[1], int) else None

    def __call__(self, arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Map arrays [n, ...] (a mask that the network does not take is left out) to float32 [n, dim]."""
        count = len(arrays[0])
        parts = [slice(row, row + 1) for row in range(count)] if self._one_by_one else [slice(0, count)]
        vectors = [self._run([array[part] for array in arrays]) for part in parts if count]
        return np.concatenate(vectors) if vectors else np.zeros((0, self._dim), np.float32)

    def _run(self, arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        values = zip(self._types.items(), arrays, strict=False)
        inputs = {name: array.astype(kind, copy=False) for (name, kind), array in values}
        try:
            vectors = self._session.run([self._session.get_outputs()[0].name], inputs)[0]
        except Exception as error:  # the library has no common base class for its errors
            given = " and ".join(str(list(array.shape)) for array in arrays)
            raise self._error(f"cannot be run on inputs of {given}: it is damaged, or memory is short") from error
        if vectors.shape != (len(arrays[0]), self._dim):
            raise self._error(f"gives {list(vectors.shape)}, not one vector of {self._dim} numbers for each input")
        features: npt.NDArray[np.float32] = vectors.astype(np.float32, copy=False)
        return features

    def _error(self, what: str) -> PackageError:
        return PackageError(f"The model package's {self._path.name} {what}.", self._path)


def _session(path: Path, threads: int) -> Any:
    """Open a model. Idle threads sleep: spinning would steal the cores from the processes that decode photos."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has no common base class for its errors
        message = f"The model package's {path.name} cannot be loaded: it is damaged, or needs a newer ONNX Runtime."
        raise PackageError(message, path) from error
