"""What a scan passes over by name: litter of other programs, the user's patterns, and `.clipsearchignore` files.

The patterns are those of gitignore (https://git-scm.com/docs/gitignore): the last one that matches decides, "!" takes
back, and what lies in an ignored folder cannot be taken back, since that is never entered. A `.clipsearchignore` holds
for its own folder and those below, over the ones further up, over the user's patterns, over the list of litter.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

IGNORE_FILE = ".clipsearchignore"

#: Folders that programs and systems make, full of pictures that are no photos of the user's or are copies of them.
LITTER = (
    *("@eaDir/", "\\#recycle/", "\\#snapshot/"),  # Synology
    *("@Recycle/", "@Recently-Snapshot/", ".@__thumb/"),  # QNAP
    *("$RECYCLE.BIN/", "RECYCLER/", "System Volume Information/"),  # Windows
    *("lost+found/", ".Trash/", ".Trash-*/", ".Trashes/", ".thumbnails/"),  # Linux, macOS, Android
    *("*.lrdata/", ".dtrash/"),  # previews of Lightroom, what was deleted in digiKam
    # Apple Photos keeps its own reduced copies beside the originals ("Masters" in its older versions).
    *("**/*.photoslibrary/*/", "!**/*.photoslibrary/originals/", "!**/*.photoslibrary/Masters/"),
)
_INSIDE_PHOTOS = ("/*/", "!/originals/", "!/Masters/")
_PHOTOS_LIBRARY = ".photoslibrary"
_IGNORES_CASE = sys.platform in {"win32", "darwin"}  # as git does there


class Pattern(NamedTuple):
    """One line: what it matches is hidden, or with "!" shown after all. Matched against paths with "/"."""

    regex: re.Pattern[str]
    hides: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Ignoring:
    """The patterns in force in a folder: its own, then those around it.

    `base` is what the patterns' paths are relative to: "" for the added folder, "trip/" for the folder trip in it.
    `touches_files` is False where only folders can be hidden, so that files need not be asked about.
    """

    base: str
    patterns: tuple[Pattern, ...]
    outer: Ignoring | None
    touches_files: bool

    def hides(self, path: str, is_folder: bool) -> bool:
        """Tell whether a file or folder is passed over; `path` is relative to the added folder."""
        level: Ignoring | None = self
        path = path if path.isascii() else unicodedata.normalize("NFC", path)
        while level is not None:
            verdict = _verdict(level.patterns, path[len(level.base) :], is_folder)
            if verdict is not None:
                return verdict
            level = level.outer
        return False


def ignoring(base: str, patterns: Iterable[Pattern], outer: Ignoring | None = None) -> Ignoring:
    """Return the patterns in force below `base`, a folder's relative path with "/" at its end."""
    patterns = tuple(patterns)
    touches_files = any(not pattern.folders_only for pattern in patterns)
    base = base if base.isascii() else unicodedata.normalize("NFC", base)
    return Ignoring(base, patterns[::-1], outer, touches_files or (outer is not None and outer.touches_files))


def at_root(folder: Path, chosen: Sequence[str]) -> Ignoring:
    """Return what is passed over in an added folder before any file is read: litter, then the user's patterns.

    Raises ValueError for a pattern that is none.
    """
    lines = (*LITTER, *_INSIDE_PHOTOS) if folder.name.lower().endswith(_PHOTOS_LIBRARY) else LITTER
    litter = ignoring("", _parse_all(lines, ignores_case=True))
    return ignoring("", _parse_all(chosen, _IGNORES_CASE), litter) if chosen else litter


def read(path: Path) -> tuple[list[Pattern], list[int]]:
    """Return the patterns of a `.clipsearchignore` in UTF-8, and the numbers of the lines that are none.

    Raises OSError.
    """
    patterns, wrong = [], []
    for number, line in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            patterns += _parse(line.decode("utf-8"), _IGNORES_CASE)
        except ValueError:
            wrong.append(number)
    return patterns, wrong


def _parse_all(lines: Iterable[str], ignores_case: bool) -> list[Pattern]:
    return [pattern for line in lines for pattern in _parse(line, ignores_case)]


def _parse(line: str, ignores_case: bool) -> list[Pattern]:
    """Return the line's pattern; none for a comment, an empty line or a range that git passes over, too.

    The slash that restricts a pattern to folders is taken off, so that the expression is about the path alone.
    """
    from pathspec import GitIgnoreSpec

    text = unicodedata.normalize("NFC", line if line.endswith("\\ ") else line.rstrip())
    folders_only = len(text) > 1 and text.endswith("/") and not text.startswith("#")
    return [
        Pattern(re.compile(parsed.regex.pattern, re.IGNORECASE if ignores_case else 0), parsed.include, folders_only)
        for parsed in GitIgnoreSpec.from_lines([text.removesuffix("/") if folders_only else text]).patterns
        if parsed.include is not None and parsed.regex is not None
    ]


def _verdict(patterns: Sequence[Pattern], path: str, is_folder: bool) -> bool | None:
    """Return what the last pattern that matches says; None where none does. `patterns` are in reverse order.

    An expression's only group marks a folder around the path; that folder has been judged when it was entered.
    """
    for regex, hides, folders_only in patterns:
        if is_folder or not folders_only:
            match = regex.search(path)
            if match is not None and match.lastgroup is None:
                return hides
    return None
