"""A pair's picture, whatever it is given as -> upright, RGB, within limits."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from training.data.pairs import BadPairError, Pair

MOST_MEGAPIXELS = 100.0  # of a picture to be learned from; more takes longer than it is worth

_DESCRIPTORS = Path("/proc/self/fd")
HAS_MEMORY_FILES = sys.platform == "linux" and _DESCRIPTORS.is_dir()


def picture_of(pair: Pair, least_side: int) -> Image.Image:
    """Return the picture, which may be smaller than the original by as much as `least_side` pixels allow.

    It is what the program sees: transparency is laid on white, CMYK and deep colours become sRGB. Raises BadPairError.
    """
    if isinstance(pair.picture, Image.Image):
        return pair.picture
    try:
        if isinstance(pair.picture, Path):
            return decode(pair.picture, least_side, MOST_MEGAPIXELS).image
        return _of_bytes(pair.picture, least_side)
    except UnreadablePhotoError as error:
        raise BadPairError(f"{pair.key}: {error.message}") from error


def _of_bytes(data: bytes, least_side: int) -> Image.Image:
    """Decode by way of a file, so that the same limits, formats and colours hold for all pictures."""
    with _file_in_memory(data) if HAS_MEMORY_FILES else _file_on_disk(data) as path:
        return decode(path, least_side, MOST_MEGAPIXELS).image


@contextmanager
def _file_in_memory(data: bytes) -> Iterator[Path]:
    """Give a file that is on no disk and leaves nothing behind, whatever becomes of this process."""
    assert sys.platform == "linux"  # as HAS_MEMORY_FILES says
    with os.fdopen(os.memfd_create("picture"), "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        yield _DESCRIPTORS / str(file.fileno())


@contextmanager
def _file_on_disk(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="clipsearch-") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(data)
        yield path
