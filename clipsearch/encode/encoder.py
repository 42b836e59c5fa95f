"""Encoder: pictures or texts in, unit vectors of one common space out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from clipsearch.encode.engine import Choice, Engine, choose, known
from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.package import Package, load_package
from clipsearch.encode.preprocess import Preprocess, normalise
from clipsearch.encode.tokenizer import Tokenizer
from clipsearch.errors import EngineError

Result = TypeVar("Result")

#: So many texts are left to ONNX Runtime, which is ready in a fraction of a second, while torch takes some.
_FEW_TEXTS = 64


class Encoder:
    """A model package with an engine. Making one is cheap; engine, towers and tokenizer load when first used.

    `engine` is "auto", "onnx" or "torch" (see `clipsearch.encode.engine`), `threads` the CPU's (0: one a core), and
    `batch_size` how many pictures ONNX Runtime is best given at once: more falls out of the CPU's caches beside the
    processes that decode photos.
    """

    def __init__(self, package: Package, threads: int = 0, engine: str = "auto", batch_size: int = 4) -> None:
        self.package = package
        self._wanted = engine
        self._cpu_batch_size = batch_size
        self._onnx = OnnxEngine(package, threads)
        self._choosing = threading.Lock()

    @classmethod
    def from_folder(cls, folder: Path, threads: int = 0, engine: str = "auto", batch_size: int = 4) -> Encoder:
        """Open the package in `folder`. Raises PackageError."""
        return cls(load_package(folder), threads, engine, batch_size)

    @property
    def engine_reason(self) -> str:
        """Which engine encodes pictures, and why, as a sentence; may take as long as torch takes to load."""
        with self._choosing:
            return self._choice.reason

    @property
    def engine_known(self) -> str:
        """`engine_reason`, as far as it can be told at once: "" while torch would have to be loaded for it."""
        choice = vars(self).get("_choice") or known(self.package, self._wanted)
        return choice.reason if choice else ""

    @property
    def batch_size(self) -> int:
        """How many pictures to encode at once."""
        return self._run(lambda engine: self._cpu_batch_size if engine is self._onnx else engine.batch_size)

    @property
    def model_id(self) -> str:
        return self.package.model_id

    @property
    def dim(self) -> int:
        return self.package.dim

    @property
    def preprocess(self) -> Preprocess:
        return self.package.preprocess

    def encode_images(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Map squares of `to_square`, uint8 [n, size, size, 3], to unit vectors, float32 [n, dim]."""
        pixels = normalise(squares, self.preprocess)
        return unit(self._run(lambda engine: engine.image_features(pixels)))

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Map texts to unit vectors, float32 [n, dim]."""
        ids, mask = self._tokenizer(texts)
        if self._wanted != "torch" and len(texts) <= _FEW_TEXTS:
            return unit(self._onnx.text_features(ids, mask))
        return unit(self._run(lambda engine: engine.text_features(ids, mask)))

    @cached_property
    def background(self) -> npt.NDArray[np.float32]:
        """Unit vectors of the package's background pictures, float32 [m, dim]."""
        return self.package.background()

    def _run(self, use: Callable[[Engine], Result]) -> Result:
        """Use the engine; where it fails, go over to ONNX Runtime for good: search goes on, if more slowly."""
        try:
            return use(self._engine())
        except EngineError as error:
            with self._choosing:
                self._choice = Choice("onnx", f"ONNX Runtime on the CPU: {error.message}")
            return use(self._onnx)

    def _engine(self) -> Engine:
        with self._choosing:
            return self._torch if self._choice.engine == "torch" else self._onnx

    @cached_property
    def _choice(self) -> Choice:
        return choose(self.package, self._wanted)

    @cached_property
    def _torch(self) -> Engine:
        from clipsearch.encode.engine_torch import TorchEngine

        return TorchEngine(self.package, self._choice.device)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        package = self.package
        parts = (package.context_length, package.pad_id, package.cleaning, package.eot_id)
        return Tokenizer(package.tokenizer, *parts)


def unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scale each row to length 1 in float32; a row of zeros stays zeros."""
    vectors = vectors.astype(np.float32, copy=False)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: npt.NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
    return units
