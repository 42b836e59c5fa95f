"""Encoder: pictures or texts in, unit vectors of one common space out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.package import Package, load_package
from clipsearch.encode.preprocess import Preprocess, normalise
from clipsearch.encode.tokenizer import Tokenizer


class Encoder:
    """A model package with an engine. Making one is cheap; towers and tokenizer load when first used."""

    def __init__(self, package: Package, threads: int = 0) -> None:
        self.package = package
        self._engine = OnnxEngine(package, threads)

    @classmethod
    def from_folder(cls, folder: Path, threads: int = 0) -> Encoder:
        """Open the package in `folder`. Raises PackageError."""
        return cls(load_package(folder), threads)

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
        return unit(self._engine.image_features(normalise(squares, self.preprocess)))

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Map texts to unit vectors, float32 [n, dim]."""
        return unit(self._engine.text_features(*self._tokenizer(texts)))

    @cached_property
    def background(self) -> npt.NDArray[np.float32]:
        """Unit vectors of the package's background pictures, float32 [m, dim]."""
        return self.package.background()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self.package.tokenizer, self.package.context_length, self.package.pad_id)


def unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scale each row to length 1 in float32; a row of zeros stays zeros."""
    vectors = vectors.astype(np.float32, copy=False)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: npt.NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
    return units
