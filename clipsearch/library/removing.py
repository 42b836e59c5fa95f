"""Forget files that are gone from the disk: moved ones at once, and many at a time only when the user confirms it.

A drive that is not connected, a share that is empty for a moment or a folder emptied by mistake look the same to a
scan. So a folder of which everything is missing, or a large part, is listed as a problem and keeps its photos.
"""

from __future__ import annotations

from pathlib import Path

from clipsearch.library.comparing import TRY_AGAIN, Differences
from clipsearch.library.tally import Tally
from clipsearch.records import ChangeKind, Folder
from clipsearch.store.catalog import Catalog
from clipsearch.store.files import KnownFile

_MANY_MISSING = 100  # files; fewer are taken as deleted,
_LARGE_PART = 0.25
_EMPTIED = 10  # but if none is left, only if they were fewer than this
_MISSING = (
    "{missing} of {known} photos are missing from this folder. Is its drive connected? "
    "If they were deleted, confirm it here, or with `clipsearch verify --repair`."
)


class Gone:
    """The files that a run's scans did not meet again."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._folders: dict[int, Folder] = {}
        self._empty: set[int] = set()
        self._files: dict[int, dict[str, KnownFile]] = {}  # by folder id and relative path
        self._places: dict[tuple[int, bool], list[tuple[int, str]]] = {}  # by photo id, companions apart
        self._moved: list[tuple[int, str]] = []

    def add(self, differences: Differences) -> None:
        """Take up what a scan did not meet."""
        folder = differences.folder
        self._folders[folder.id] = folder
        self._files.setdefault(folder.id, {}).update(differences.gone)
        if differences.is_empty:
            self._empty.add(folder.id)
        for path, old in differences.gone.items():
            if old.photo_id is not None:
                self._places.setdefault((old.photo_id, old.is_companion), []).append((folder.id, path))

    def take(self, photo_id: int, *, companion: bool = False) -> Path | None:
        """Return where a photo that turned up, or a companion of it, lay before, if that is gone: it has moved."""
        places = self._places.get((photo_id, companion))
        if not places:
            return None
        folder_id, path = places.pop()
        self._moved.append((folder_id, path))
        del self._files[folder_id][path]
        return self._folders[folder_id].path / path

    def forget_moved(self) -> None:
        """Forget the places that photos have moved away from."""
        for folder_id, path in self._moved:
            self._catalog.files.remove(folder_id, [path])
        self._moved = []

    def forget(self, tally: Tally, confirmed: bool = False) -> set[int]:
        """Forget what is gone, and return the photos held back because too many are missing from their folder."""
        held: set[int] = set()
        for folder_id, files in self._files.items():
            photos = {path: old for path, old in files.items() if old.photo_id is not None}
            self._catalog.files.remove(folder_id, [path for path in files if path not in photos])
            if photos and not confirmed and self._is_held(folder_id, len(photos), tally):
                held |= {old.photo_id for old in photos.values() if old.photo_id is not None}
            else:
                self._catalog.files.remove(folder_id, list(photos))
                for path in photos:
                    tally.note(ChangeKind.REMOVED, self._folders[folder_id].path / path)
        return held

    def _is_held(self, folder_id: int, missing: int, tally: Tally) -> bool:
        """Tell whether so many are missing that the user is asked, and if so, list it as a problem of the folder."""
        known = self._catalog.files.count_in([folder_id])
        emptied = folder_id in self._empty and missing == known >= _EMPTIED
        if not emptied and (missing < _MANY_MISSING or missing <= _LARGE_PART * known):
            return False
        reason = _MISSING.format(missing=missing, known=known)
        self._catalog.files.store_problem(folder_id, "", 0, TRY_AGAIN, reason)
        tally.note(ChangeKind.PROBLEM, self._folders[folder_id].path, reason=reason)
        return True
