"""Rows for a catalog with one folder, whose id is 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clipsearch.records import FoundFile
from clipsearch.store.tables.intake import NewFile

MODEL = "model-1"
PHOTOS = Path("/photos")


def new_file(name: str, content: str | None = None) -> NewFile:
    """Return a file with a vector of dimension 4; its content is its name unless told."""
    found = FoundFile(PHOTOS, name, 10, 1)
    return NewFile(1, found, content or name, 40, 30, "JPEG", {MODEL: np.full(4, 0.5, np.float32)})
