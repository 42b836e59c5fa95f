"""Walk a folder and yield the picture files in it; nothing is opened, each file costs one stat."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clipsearch.records import FoundFile, Unreadable

RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef"}
    | {".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw"}
)
PICTURE_SUFFIXES = RAW_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif", ".hif", ".jxl"),
}

_LATEST_NS = 2**63 - 1


def scan(folder: Path, leave_out: Path | None = None) -> Iterator[FoundFile | Unreadable]:
    """Yield every picture file under `folder` by name, depth first, and every place that cannot be read.

    Hidden files and folders (a leading dot) are passed over; links to folders are not followed, so that no loop
    can arise. A RAW file beside a picture of the same name is that picture's negative, and passed over.
    `leave_out` is a folder not to enter: the library itself, whose thumbnails are no photos.
    An unreadable folder is yielded as Unreadable, never raised. Relative paths use "/" everywhere.
    """
    pending = [""]
    left_out = leave_out and _comparable(leave_out)
    while pending:
        relative = pending.pop()
        if left_out and _comparable(folder / relative) == left_out:
            continue
        try:
            with os.scandir(folder / relative) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield Unreadable(folder, relative, _folder_reason(error))
            continue
        subfolders = []
        developed = _developed(entries)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = f"{relative}/{entry.name}" if relative else entry.name
            if _is_real_folder(entry):
                subfolders.append(path)
            elif is_picture(entry.name) and not (is_raw(entry.name) and _stem(entry.name) in developed):
                yield from _found(folder, path, entry)
        pending.extend(reversed(subfolders))


def reaches(folder: Path, inner: Path) -> bool:
    """Tell whether a scan of `folder` comes to the folder `inner`: it lies there, not hidden and behind no link."""
    if not Path(_comparable(inner)).is_relative_to(_comparable(folder)):
        return False
    steps = inner.parts[len(folder.parts) :]
    places = [folder.joinpath(*steps[: count + 1]) for count in range(len(steps))]
    return not any(place.name.startswith(".") or place.is_symlink() for place in places)


def is_picture(name: str) -> bool:
    """Tell by its suffix whether a file is one that the decoder should try."""
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def is_raw(name: str) -> bool:
    """Tell by its suffix whether a file comes straight from a camera's sensor; inside, many look like TIFF."""
    return os.path.splitext(name)[1].lower() in RAW_SUFFIXES


def _developed(entries: list[os.DirEntry[str]]) -> set[str]:
    """Return the names, without suffix, of the pictures that are no RAW files."""
    return {_stem(entry.name) for entry in entries if is_picture(entry.name) and not is_raw(entry.name)}


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].lower()


def _comparable(path: Path) -> str:
    return os.path.normcase(os.path.abspath(path))


def mtime_ns(stat: os.stat_result) -> int:
    """Return the time of the last change in ns since 1970; times beyond 64 bits (a broken clock) become the limit."""
    return max(-_LATEST_NS, min(stat.st_mtime_ns, _LATEST_NS))


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    """Tell a folder from a link to one; Windows has junctions besides, which Python 3.12 and later know."""
    try:
        is_junction = getattr(entry, "is_junction", None)
        return entry.is_dir(follow_symlinks=False) and not (is_junction and is_junction())
    except OSError:
        return False


def _found(folder: Path, relative_path: str, entry: os.DirEntry[str]) -> Iterator[FoundFile | Unreadable]:
    try:
        if entry.is_file():
            stat = entry.stat()
            yield FoundFile(folder, relative_path, stat.st_size, mtime_ns(stat))
    except FileNotFoundError:
        return
    except OSError as error:
        yield Unreadable(folder, relative_path, f"The file cannot be looked at: {error.strerror}.")


def _folder_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "You do not have permission to open this folder."
    return f"The folder cannot be opened: {error.strerror}."
