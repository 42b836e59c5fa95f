"""Names that other people chose, made into files and folders here: harmless on every operating system, or refused."""

from __future__ import annotations

import re

#: Windows' names of devices, with or without a suffix, and what its file names may not hold
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_BARRED = re.compile(r'[<>:"|?*/\\\x00-\x1f]')
_PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._+-]{0,98}[A-Za-z0-9_+-])?")


def is_plain(name: str) -> bool:
    """Return whether the name holds letters, digits and . _ + - only, at most 100, and no full stop at either end."""
    return bool(_PLAIN.fullmatch(name))


def is_harmless(name: str) -> bool:
    """Return whether the name is of one file or folder, which lies where it is made; "..", "a/b" and "nul" are not."""
    return bool(name) and name[-1] not in ". " and not _BARRED.search(name) and not _DEVICE.fullmatch(name)
