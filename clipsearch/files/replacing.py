"""A file written whole or not at all: beside its place first, and then into it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clipsearch.paths import extended


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a new file to write, which then takes the place of `path`, or of what that links to.

    Where the block fails, nothing is left of it. Raises OSError.
    """
    target = extended(Path(os.path.realpath(path)))
    scratch = beside(target)
    try:
        yield scratch
        scratch.replace(target)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """Return a path in the same folder at which nothing lies, for a file that is not finished."""
    return path.with_name(f".{uuid.uuid4().hex}.clipsearch-new")
