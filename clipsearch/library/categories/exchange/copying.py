"""Files put into a folder: whole or not at all, and never in place of another one."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from contextlib import suppress
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.replacing import beside
from clipsearch.paths import extended

COPY, LINK, THERE = "copy", "link", "there"
_FULL = {errno.ENOSPC, errno.EDQUOT}


def put(source: Path, target: Path, *, link: bool) -> str:
    """Put a file there, as a hard link where that is wished and possible, else as a copy; return which it is.

    Raises FileExistsError where there is a file, other OSErrors, and ClipsearchError when the disk is full.
    """
    source, target = extended(Path(os.path.realpath(source))), extended(target)
    if link:
        with suppress(OSError):
            target.hardlink_to(source)
            return LINK
    try:
        _copy(source, target)
    except OSError as error:
        if error.errno in _FULL:
            raise ClipsearchError("Disk full", f"There is no room left in {target.parent}.", target.parent) from error
        raise
    return COPY


def is_same(one: Path, other: Path) -> bool:
    """Tell whether two files are one, or hold the same bytes."""
    one, other = extended(one), extended(other)
    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)


def can_link(source: Path, folder: Path) -> bool:
    """Tell whether the file and the folder, which need not be there yet, are on one disk."""
    around = next((path for path in (folder, *folder.parents) if extended(path).exists()), folder)
    with suppress(OSError):
        return extended(source).stat().st_dev == extended(around).stat().st_dev
    return False


def _copy(source: Path, target: Path) -> None:
    scratch = beside(target)
    try:
        shutil.copy2(source, scratch)
        _name_finally(scratch, target)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def _name_finally(scratch: Path, target: Path) -> None:
    """Give a file its name, unless another one has it. A second name and no first does so in one step."""
    try:
        target.hardlink_to(scratch)
    except FileExistsError:
        raise
    except OSError:  # the disk knows no links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        scratch.rename(target)
