"""Sidecars: the XMP files beside photos. Programs name them in two ways.

Adobe's and most others name that of a RAW file by its stem, "photo.xmp"; darktable and digiKam by the whole name,
"photo.jpg.xmp". What is there is used; a new one is named as `Naming` says.
"""

from __future__ import annotations

import os
import shutil
from enum import StrEnum
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.decode import reason_of
from clipsearch.files.kinds import PICTURE_SUFFIXES, is_raw
from clipsearch.files.replacing import replacing
from clipsearch.files.xmp.markup import MarkupError
from clipsearch.files.xmp.packet import LARGEST_BYTES, Packet, read
from clipsearch.paths import extended

_SUFFIXES = (".xmp", ".XMP")


class Naming(StrEnum):
    """How new sidecars are named: "photo.xmp" for RAW files and "photo.jpg.xmp" for others, or all in one way."""

    AUTO = "auto"
    ADOBE = "adobe"
    FULL = "full"


class SidecarError(ClipsearchError):
    """A sidecar cannot be read or written; `message` is the reason for the user."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__("Sidecar not usable", message, path)


def existing(photo: Path) -> list[Path]:
    """Return the sidecars of a photo's file that are there."""
    whole = [_with(photo.name, photo, suffix) for suffix in _SUFFIXES]
    short = [_with(photo.stem, photo, suffix) for suffix in _SUFFIXES]
    there = [path for path in whole if extended(path).is_file()]
    there += [path for path in short if extended(path).is_file() and _is_named_after(photo)]
    return _different(there)


def new_path(photo: Path, naming: Naming) -> Path:
    """Return how a photo's sidecar would be named that is not there yet."""
    wants_short = naming is Naming.ADOBE or (naming is Naming.AUTO and is_raw(photo.name))
    return _with(photo.stem if wants_short and _is_named_after(photo) else photo.name, photo, ".xmp")


def check_free(path: Path) -> None:
    """Raise SidecarError where a new sidecar cannot be, since a folder or something else has its name."""
    if os.path.lexists(extended(path)):
        raise SidecarError("The sidecar cannot be written: something that is no file has its name.", path)


def read_sidecar(path: Path) -> tuple[bytes, Packet]:
    """Return what is in a sidecar, and its keywords. Raises SidecarError."""
    try:
        with extended(path).open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
        return data, read(data)
    except (OSError, MarkupError) as error:
        raise SidecarError(_in_words(error), path) from error


def write_sidecar(path: Path, data: bytes, before: bytes | None) -> None:
    """Write a sidecar whole or not at all, in place of what was there `before` (None: nothing). Raises SidecarError.

    One that another program has written meanwhile stays as it is.
    """
    try:
        with replacing(path) as new:
            with new.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _check_unchanged(path, before)
            if before is not None:
                shutil.copymode(extended(path), new)
    except OSError as error:
        raise SidecarError(f"The sidecar cannot be written: {error.strerror}.", path) from error


def _check_unchanged(path: Path, before: bytes | None) -> None:
    there = extended(path)
    now = there.read_bytes() if there.exists() else None
    if now != before:
        raise SidecarError("Another program has just changed the sidecar, so it was left alone; try again.", path)


def _in_words(error: OSError | MarkupError) -> str:
    if isinstance(error, OSError):
        return reason_of(error)
    return f"The sidecar is left alone, since {error}."


def _with(name: str, photo: Path, suffix: str) -> Path:
    return photo.with_name(name + suffix)


def _is_named_after(photo: Path) -> bool:
    """Tell whether a sidecar named by the stem can be this file's only: a RAW goes before a picture of its name."""
    others = (suffix for suffix in PICTURE_SUFFIXES if suffix != photo.suffix.lower())
    rivals = [suffix for suffix in others if is_raw(f"a{suffix}") or not is_raw(photo.name)]
    return not any(
        extended(photo.with_name(photo.stem + written)).exists()
        for suffix in rivals
        for written in (suffix, suffix.upper())
    )


def _different(paths: list[Path]) -> list[Path]:
    """Return each file once, since some disks do not tell large letters from small ones."""
    found: list[Path] = []
    for path in paths:
        if not any(extended(path).samefile(extended(other)) for other in found):
            found.append(path)
    return found
