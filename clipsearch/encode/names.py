"""Names that other people chose, made into files and folders here: harmless on every operating system, or refused."""

from __future__ import annotations

import re

#: Windows' names of devices, with or without a suffix, and what its file names may not hold
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_BARRED = re.compile(r'[<>:"|?*/\\\x00-\x1f]')
_LONGEST_BYTES = 200  # of the 255 that file systems take, so that a number may follow
_PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._+-]{0,98}[A-Za-z0-9_+-])?")


def is_plain(name: str) -> bool:
    """Return whether the name holds letters, digits and . _ + - only, at most 100, and no full stop at either end."""
    return bool(_PLAIN.fullmatch(name))


def is_harmless(name: str) -> bool:
    """Return whether the name is of one file or folder, which lies where it is made; "..", "a/b" and "nul" are not."""
    return bool(name) and name[-1] not in ". " and not _BARRED.search(name) and not _DEVICE.fullmatch(name)


def made_harmless(name: str) -> str:
    """Return a name like this one that is harmless, at most 200 bytes long: what some system refuses becomes "_"."""
    name = _BARRED.sub("_", "".join(letter if letter.isprintable() else "_" for letter in name))
    name = name.encode("utf-8")[:_LONGEST_BYTES].decode("utf-8", "ignore").strip().rstrip(". ")
    return f"_{name}" if not name or _DEVICE.fullmatch(name) else name
