"""What a worker process does with one file: hash it, decode it, make its thumbnail and the model's input."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.encode.preprocess import Preprocess, to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.identity import content_hash
from clipsearch.files.thumbnails import ThumbnailCache
from clipsearch.records import FoundFile


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file to be read, and the id of the added folder it lies in."""

    folder_id: int
    found: FoundFile


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read: `square` is the model's input, uint8 [size, size, 3]."""

    content_hash: str
    width: int
    height: int
    format: str
    square: npt.NDArray[np.uint8]


def prepare(pending: PendingFile, spec: Preprocess, thumbnails: ThumbnailCache, max_megapixels: float) -> Prepared:
    """Read one file for the encoder and the window. Raises UnreadablePhotoError."""
    path = pending.found.path
    try:
        before = path.stat()
        decoded = decode(path, spec.size, max_megapixels)
        digest = content_hash(path)
        after = path.stat()
    except OSError as error:
        raise UnreadablePhotoError(f"The file cannot be read: {error.strerror}.", path, temporary=True) from error
    # Else pixels and hash might not belong together, and the photo would keep a wrong vector for good.
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnreadablePhotoError("The file was being written while it was read.", path, temporary=True)
    with suppress(OSError):  # a photo without a thumbnail is found all the same; the window makes it when it can
        thumbnails.write(digest, decoded.image)
    return Prepared(digest, decoded.width, decoded.height, decoded.format, to_square(decoded.image, spec))
