"""Forget files that are gone from the disk: moved ones at once, and many at a time only when the user confirms it.

A drive that is not connected, a share that is empty for a moment or a folder emptied by mistake look the same to a
scan. So a folder of which everything is missing, or a large part, is listed as a problem and keeps its photos.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from clipsearch.library.indexing.comparing import TRY_AGAIN, Differences
from clipsearch.library.indexing.tally import Tally
from clipsearch.records import ChangeKind, Folder
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.files import KnownFile

_MANY_MISSING = 100  # files; fewer are taken as deleted,
_LARGE_PART = 0.25
_EMPTIED = 10  # but if none is left, only if they were fewer than this
MISSING = "photos are missing from this folder"
_QUESTION = (
    "{missing} of {known} " + MISSING + ". Is its drive connected? "
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
            photos = {path: old.photo_id for path, old in files.items() if old.photo_id is not None}
            self._catalog.files.remove(folder_id, [path for path in files if path not in photos])
            kept = {} if confirmed else self._held_back(folder_id, photos, tally)
            held.update(kept.values())
            self._forget(folder_id, [path for path in photos if path not in kept], tally)
        return held

    def _forget(self, folder_id: int, paths: Sequence[str], tally: Tally) -> None:
        self._catalog.files.remove(folder_id, paths)
        for path in paths:
            tally.note(ChangeKind.REMOVED, self._folders[folder_id].path / path)

    def _held_back(self, folder_id: int, photos: Mapping[str, int], tally: Tally) -> Mapping[str, int]:
        """Return the photos of a folder that stay until the user confirms that they were deleted.

        Those whose file is there were not met because they are to be passed over from now on: they are not missing.
        """
        known = self._catalog.files.count_in([folder_id])
        if not self._is_much(folder_id, len(photos), known):
            return {}
        folder = self._folders[folder_id].path
        missing = {path: photo_id for path, photo_id in photos.items() if not os.path.lexists(folder / path)}
        if not self._is_much(folder_id, len(missing), known):
            return {}
        reason = _QUESTION.format(missing=len(missing), known=known)
        self._catalog.files.store_problem(folder_id, "", 0, TRY_AGAIN, reason)
        tally.note(ChangeKind.PROBLEM, folder, reason=reason)
        return missing

    def _is_much(self, folder_id: int, missing: int, known: int) -> bool:
        """Tell whether so many files of those known are missing that their drive or share may be."""
        if folder_id in self._empty and missing == known:
            return missing >= _EMPTIED
        return missing >= _MANY_MISSING and missing > _LARGE_PART * known
