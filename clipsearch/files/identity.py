"""What makes a photo the same photo: the hash of its file's content."""

from __future__ import annotations

import hashlib
from pathlib import Path


def content_hash(path: Path) -> str:
    """Return the BLAKE2b hash (20 bytes, as 40 hex digits) of the file's bytes. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
