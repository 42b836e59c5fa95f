"""Which files and folders a scan passes over, besides by patterns: hidden ones, links, small files, the library."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_JUNCTION = 0xA0000003  # Windows: IO_REPARSE_TAG_MOUNT_POINT
#: whether this system keeps "hidden" as a mark on the file; elsewhere the leading dot says it
HAS_MARKS = hasattr(os.stat_result, "st_file_attributes") or hasattr(os.stat_result, "st_flags")

#: in a library, any library: pictures of photos, which are no photos themselves, and what tells that it is one
THUMBNAILS, CATALOG = "thumbnails", "catalog.sqlite"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a scan yields. `hidden`: hidden files, too; `patterns`: the user's, in gitignore syntax, passed over.

    Files under `min_bytes` are passed over. `follow_links` enters links to folders, `videos` yields videos that
    accompany no photo. `leave_out` is a folder not to enter: the library itself. Thumbnails of any library are no
    photos.
    """

    hidden: bool = False
    patterns: tuple[str, ...] = ()
    min_bytes: int = 0
    follow_links: bool = False
    videos: bool = False
    leave_out: Path | None = None


def is_marked_hidden(status: os.stat_result) -> bool:
    """Tell whether Windows or macOS has a file marked as hidden."""
    attributes, flags = getattr(status, "st_file_attributes", 0), getattr(status, "st_flags", 0)
    return bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN or flags & stat.UF_HIDDEN)


def is_link(status: os.stat_result) -> bool:
    """Tell whether what was looked at without following is a link, or a junction of Windows."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION
