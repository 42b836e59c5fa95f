"""A library of photos and texts made by lot, as a model would place them, without pictures or a model."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from clipsearch.library.library import Library
from tests.fakes import FakeEncoder, FakeInstalled, fake_library
from tests.store.filled import MODEL, clustered_vectors, fill, text_vectors

DIM = 16
TEXTS = text_vectors(500, DIM, seed=77)


class TextsByLot(FakeEncoder):
    """Gives each text a vector of its own, float32 [n, DIM], and counts the texts that it was given."""

    model_id = MODEL
    dim = DIM

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += len(texts)
        return TEXTS[[zlib.crc32(text.encode()) % len(TEXTS) for text in texts]]

    @cached_property
    def background(self) -> np.ndarray:
        return clustered_vectors(100, DIM, seed=10**6)


def library_of(folder: Path, photos: int) -> Library:
    """Open a library with so many photos, whose ids count from 1."""
    library = fake_library(folder, installed=FakeInstalled(starter=TextsByLot()))
    if photos:
        fill(library.catalog, vectors_of(photos))
    return library


def vectors_of(photos: int) -> np.ndarray:
    """Return the photos' vectors as the catalog has them, [photos, DIM]."""
    return clustered_vectors(photos, DIM, seed=5).astype(np.float16)
