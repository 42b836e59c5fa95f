"""A file written whole or not at all: beside its place first, and then into it."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clipsearch.paths import extended

_SUFFIX = ".clipsearch-new"
_IN_USE_S = 600.0  # a file as young as this may be another process's


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
    """Return a path in the same folder at which nothing lies, for a file that is not finished.

    It is the same one each time, so that what a writer left there that was killed goes with the next one.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    usual = path.with_name(f".{name}{_SUFFIX}")
    with suppress(OSError):
        there = usual.stat()
        if time.time() - max(there.st_mtime, there.st_ctime) < _IN_USE_S:
            return path.with_name(f".{name}-{uuid.uuid4().hex}{_SUFFIX}")
        usual.unlink()
    return usual
