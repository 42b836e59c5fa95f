"""What a worker process does with one file: hash it, decode it, make its thumbnail and the models' input."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.encode.preprocess import Preprocess, to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.identity import content_hash, is_sampled, whole_hash
from clipsearch.files.metadata import Metadata
from clipsearch.files.thumbnails import ThumbnailCache
from clipsearch.paths import extended
from clipsearch.records import FoundFile


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file to be read for these models, and the folder it lies in. `known`: the catalog has it as it is.

    `candidates` are the contents that need not be decoded again, should it be one of them. `whole`: a hash of samples
    would not do.
    """

    folder_id: int
    found: FoundFile
    models: tuple[str, ...]
    known: bool = False
    candidates: frozenset[str] = frozenset()
    whole: bool = False

    @property
    def place(self) -> tuple[int, str]:
        """The folder's id and the path in it, by which the catalog knows the file."""
        return self.folder_id, self.found.relative_path


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file that turned out to be one of its candidates: it was moved or copied."""

    content_hash: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read: `squares` are the inputs of the models it is for, uint8 [size, size, 3] each."""

    content_hash: str
    width: int
    height: int
    format: str
    squares: Mapping[str, npt.NDArray[np.uint8]]
    metadata: Metadata


def prepare(
    pending: PendingFile, specs: Mapping[str, Preprocess], thumbnails: ThumbnailCache, max_megapixels: float
) -> Prepared | Recognised:
    """Read one file for the encoders, whose preprocessing `specs` holds by model, and for the window.

    Raises UnreadablePhotoError.
    """
    path = extended(pending.found.path)
    try:
        before = path.stat()
        digest = _digest(path, pending)
        if digest in pending.candidates:
            return Recognised(digest)
        decoded = decode(path, max(specs[model].size for model in pending.models), max_megapixels)
        after = path.stat()
    except OSError as error:
        raise UnreadablePhotoError(f"The file cannot be read: {error.strerror}.", path, temporary=True) from error
    # Else pixels and hash might not belong together, and the photo would keep a wrong vector for good.
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnreadablePhotoError("The file was being written while it was read.", path, temporary=True)
    with suppress(OSError):  # a photo without a thumbnail is found all the same; the window makes it when it can
        thumbnails.write(digest, decoded.image)
    squares = {model: to_square(decoded.image, specs[model]) for model in pending.models}
    return Prepared(digest, decoded.width, decoded.height, decoded.format, squares, decoded.metadata)


def _digest(path: Path, pending: PendingFile) -> str:
    """Return the content hash: of the whole file where samples would not do, or where a candidate is known by that."""
    digest = content_hash(path)
    if not is_sampled(digest):
        return digest
    if pending.whole or not all(map(is_sampled, pending.candidates)):
        whole = whole_hash(path)
        return whole if pending.whole or whole in pending.candidates else digest
    return digest
