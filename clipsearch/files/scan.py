"""Walk a folder and yield the picture files in it; nothing is opened, each file costs one stat."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clipsearch.records import FoundFile, Unreadable

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
)


def scan(folder: Path) -> Iterator[FoundFile | Unreadable]:
    """Yield every picture file under `folder` by name, depth first, and every place that cannot be read.

    Hidden files and folders (a leading dot) are passed over; links to folders are not followed, so that no loop
    can arise. An unreadable folder is yielded as Unreadable, never raised. Relative paths use "/" everywhere.
    """
    pending = [""]
    while pending:
        relative = pending.pop()
        try:
            with os.scandir(folder / relative) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield Unreadable(folder, relative, _folder_reason(error))
            continue
        subfolders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(path)
            elif is_picture(entry.name):
                yield from _found(folder, path, entry)
        pending.extend(reversed(subfolders))


def is_picture(name: str) -> bool:
    """Tell by its suffix whether a file is one that the decoder should try."""
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def _found(folder: Path, relative_path: str, entry: os.DirEntry[str]) -> Iterator[FoundFile | Unreadable]:
    try:
        if entry.is_file():
            stat = entry.stat()
            yield FoundFile(folder, relative_path, stat.st_size, stat.st_mtime_ns)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Unreadable(folder, relative_path, f"The file cannot be looked at: {error.strerror}.")


def _folder_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "You do not have permission to open this folder."
    return f"The folder cannot be opened: {error.strerror}."
