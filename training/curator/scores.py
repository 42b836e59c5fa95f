"""Vectors of pairs by an installed model: how well caption and picture agree, and which pictures are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.preprocess import Preprocess

#: Pairs encoded at once.
BATCH = 16


@dataclass(frozen=True, slots=True)
class Scored:
    """`vectors` float32 [n, dim], unit vectors of the pictures; `scores` float32 [n], their cosines with the texts."""

    vectors: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]


class Judge:
    """A package of the program, such as the starter. Raises PackageError where the folder holds none."""

    def __init__(self, folder: Path) -> None:
        self._encoder = Encoder.from_folder(folder)

    @property
    def preprocess(self) -> Preprocess:
        return self._encoder.preprocess

    @property
    def dim(self) -> int:
        return self._encoder.dim

    def judge(self, squares: Sequence[npt.NDArray[np.uint8]], texts: Sequence[str]) -> Scored:
        """Encode the model's inputs, uint8 [size, size, 3] each, and their captions."""
        pictures = self._encoder.encode_images(np.stack(squares))
        captions = self._encoder.encode_texts(texts)
        return Scored(pictures, np.einsum("nd,nd->n", pictures, captions))
