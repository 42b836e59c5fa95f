"""Places to be looked at again: gathered from events, merged, and handed out once their files are still.

A file is still when two looks at it, a while apart, find the same size and time. The wall clock is not asked: it
jumps, and a copy keeps the time of what it was copied from.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from clipsearch.files.scan import Place
from clipsearch.paths import extended

_MANY = 5_000  # so many places in one folder are not worth more than looking through all of it

Dirty = dict[str, bool]  # relative directory -> whether what lies below it is dirty, too


class Batch(NamedTuple):
    """What is to be looked at again, by folder, but for the files that are still being written."""

    places: Mapping[Path, Sequence[Place]]
    unsettled: frozenset[Path] = frozenset()

    def with_places(self, other: Batch) -> Batch:
        """Return this batch with the places of another one, which are looked at again."""
        folders = self.places.keys() | other.places.keys()
        both = {folder: [*self.places.get(folder, ()), *other.places.get(folder, ())] for folder in folders}
        return self._replace(places=both)


class _Look(NamedTuple):
    """A file's size and mtime in ns, None where it was not there, and when (s) that was first seen."""

    seen: tuple[int, int] | None
    at_s: float


class DirtyPlaces:
    """Safe to use from several threads. All times are seconds on `clock`."""

    def __init__(
        self, quiet_s: float = 1.0, longest_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[Path, Dirty] = {}
        self._looks: dict[Path, dict[str, _Look]] = {}
        self._first_s: float | None = None  # when the first event since the last batch came, None while all is clean
        self._last_s = 0.0

    def mark(self, folder: Path, place: Place, at_once: bool = False) -> None:
        """Note that a place of a folder has changed; `at_once` does not wait for quiet."""
        with self._lock:
            _add(self._places.setdefault(folder, {}), place)
            self._note_event(at_once)

    def wrote(self, folder: Path, relative_path: str) -> None:
        """Note that a file was written; its directory is dirty as soon as it is still."""
        look = _Look(_look(folder / relative_path), self._clock())
        with self._lock:
            looks = self._looks.setdefault(folder, {})
            before = looks.get(relative_path)
            looks[relative_path] = before if before and before.seen == look.seen else look
            self._note_event()

    def put_back(self, batch: Batch) -> None:
        """Take back what could not be looked at; it is handed out again with what comes next."""
        with self._lock:
            for folder, places in batch.places.items():
                for place in places:
                    _add(self._places.setdefault(folder, {}), place)
            if batch.places:
                self._note_event()

    def forget(self, folder: Path) -> None:
        """Drop what is known of a folder that is watched no more."""
        with self._lock:
            self._places.pop(folder, None)
            self._looks.pop(folder, None)

    def due_in(self) -> float | None:
        """Return in how many seconds a batch should be taken; None while all is clean."""
        with self._lock:
            if self._first_s is None:
                return None
            due_s = min(self._last_s + self._quiet_s, self._first_s + self._longest_s)
            return max(0.0, due_s - self._clock())

    def take(self) -> Batch:
        """Return what is dirty, which is then clean. Files that still change stay for the next batch."""
        with self._lock:
            self._settle()
            dirty, self._places = self._places, {}
            unsettled = frozenset(folder / path for folder, looks in self._looks.items() for path in looks)
            self._first_s = self._last_s = self._clock()
            if not unsettled:
                self._first_s = None
        return Batch({folder: tidy(places) for folder, places in dirty.items()}, unsettled)

    def _note_event(self, at_once: bool = False) -> None:
        self._last_s = self._clock()
        if self._first_s is None:
            self._first_s = self._last_s
        if at_once:
            self._first_s = self._last_s - self._longest_s

    def _settle(self) -> None:
        """Look at the written files again: the directories of those that are still become dirty."""
        now_s = self._clock()
        for folder, looks in list(self._looks.items()):
            moving: dict[str, _Look] = {}
            for path, look in looks.items():
                again = _Look(_look(folder / path), now_s)
                if again.seen is None or (again.seen == look.seen and now_s - look.at_s >= self._quiet_s):
                    _add(self._places.setdefault(folder, {}), Place(parent(path), deep=False))
                else:
                    moving[path] = look if again.seen == look.seen else again
            self._looks[folder] = moving
        self._looks = {folder: looks for folder, looks in self._looks.items() if looks}


def parent(relative_path: str) -> str:
    """Return the directory that a relative path lies in; "" is the folder itself."""
    return relative_path.rpartition("/")[0]


def tidy(dirty: Dirty) -> list[Place]:
    """Return the places once each, without those below a deep one; the whole folder instead of very many."""
    if len(dirty) > _MANY:
        return [Place("")]
    return [Place(directory, dirty[directory]) for directory in sorted(dirty) if not _is_covered(directory, dirty)]


def _is_covered(directory: str, dirty: Dirty) -> bool:
    while directory:
        directory = parent(directory)
        if dirty.get(directory):
            return True
    return False


def _add(dirty: Dirty, place: Place) -> None:
    dirty[place.directory] = dirty.get(place.directory, False) or place.deep


def _look(path: Path) -> tuple[int, int] | None:
    try:
        stat = extended(path).stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
