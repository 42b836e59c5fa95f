"""What a system tells about one folder, as dirty places; what concerns no photo is dropped here.

Whoever watches (`inotify`, `fsevents`, `directory_changes`) reports relative paths with "/" separators. Reports may
come too often or too late, but none may be missing: what was lost is said by `lost`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from clipsearch.errors import ClipsearchError
from clipsearch.files.ignore import IGNORE_FILE
from clipsearch.files.kinds import is_picture, is_video
from clipsearch.files.rules import Rules
from clipsearch.files.scan import Place, way_to
from clipsearch.files.watching.dirty import DirtyPlaces, parent


class UnwatchableError(ClipsearchError):
    """The system cannot watch a folder; `message` says why and what to do about it."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Folder not watched", message, path)


class Watch(Protocol):
    """A folder being watched."""

    def close(self) -> None:
        """Stop watching; no event is reported any more."""


class FolderEvents:
    """Takes events of one folder. May be called from any thread.

    Of the rules, hidden folders and the one to leave out (the library with its thumbnails) are left out here; what
    patterns pass over is looked at and passed over again. `lost` is to be called when events were lost or the folder
    itself is gone.
    """

    def __init__(self, folder: Path, rules: Rules, dirty: DirtyPlaces, lost: Callable[[], None]) -> None:
        self.folder = folder
        self.lost = lost
        self._dirty = dirty
        self._skip_hidden = not rules.hidden
        self._left_out = way_to(folder, rules.leave_out) if rules.leave_out else None

    def enters(self, relative_path: str) -> bool:
        """Tell whether a directory is looked into, if the one that holds it is."""
        hidden = self._skip_hidden and relative_path.rpartition("/")[2].startswith(".")
        return not hidden and relative_path != self._left_out

    def wrote(self, relative_path: str) -> None:
        """A file was made, written or got other permissions; it may not be whole yet."""
        name = relative_path.rpartition("/")[2]
        if name == IGNORE_FILE:
            self._mark(Place(parent(relative_path)))
        elif self._is_wanted(name) and self._reaches(parent(relative_path)):
            self._dirty.wrote(self.folder, relative_path)

    def came(self, relative_path: str) -> None:
        """A file was moved here, or got this name, which is done when it is whole."""
        name = relative_path.rpartition("/")[2]
        if name == IGNORE_FILE or self._is_wanted(name):
            self._mark(Place(parent(relative_path), deep=name == IGNORE_FILE))

    def removed(self, relative_path: str, is_file: bool | None) -> None:
        """A file or directory is gone from here; `is_file` is None where the system does not tell which."""
        name = relative_path.rpartition("/")[2]
        if name == IGNORE_FILE:
            self._mark(Place(parent(relative_path)))
        elif is_file is not False and self._is_wanted(name):
            self._mark(Place(parent(relative_path), deep=False))
        if not is_file and name != IGNORE_FILE:
            self._mark(Place(relative_path))

    def appeared(self, relative_path: str) -> None:
        """A directory was made, moved here, got other permissions, or events below it were lost."""
        self._mark(Place(relative_path))

    def _mark(self, place: Place) -> None:
        if self._reaches(place.directory):
            self._dirty.mark(self.folder, place)

    def _reaches(self, directory: str) -> bool:
        """Tell whether a directory is looked into; so is every one above it."""
        while directory:
            if not self.enters(directory):
                return False
            directory = parent(directory)
        return True

    def _is_wanted(self, name: str) -> bool:
        hidden = self._skip_hidden and name.startswith(".")
        return not hidden and (is_picture(name) or is_video(name))
