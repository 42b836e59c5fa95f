"""Run a package's towers with ONNX Runtime on the CPU: the default engine, which starts in a fraction of a second."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipsearch.encode.package import Package
from clipsearch.errors import PackageError


class OnnxEngine:
    """Both towers of a package; each is loaded when it is first used. `threads` 0 means one a core."""

    def __init__(self, package: Package, threads: int = 0) -> None:
        self._package = package
        self._threads = threads
        self._loading = threading.Lock()

    def image_features(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map float32 [n, 3, size, size] to float32 [n, dim], not normalised."""
        with self._loading:
            tower = self._image
        features: npt.NDArray[np.float32] = tower.run(["embedding"], {"pixels": pixels})[0]
        return features

    def text_features(
        self, input_ids: npt.NDArray[np.int64], attention_mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Map int64 [n, l] token ids and mask to float32 [n, dim], not normalised."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        with self._loading:
            tower = self._text
        features: npt.NDArray[np.float32] = tower.run(["embedding"], inputs)[0]
        return features

    @cached_property
    def _image(self) -> Any:
        return _session(self._package.image_model, self._threads)

    @cached_property
    def _text(self) -> Any:
        return _session(self._package.text_model, self._threads)


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
        raise PackageError(f"The model package's {path.name} cannot be loaded: {error}", path) from error
