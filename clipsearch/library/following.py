"""Follow the folders: look at all of them, then at what changes in them, until asked to stop.

`Following` tells what is to be looked at, and `follow` looks. The window, which has index runs of its own, asks the
first alone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from clipsearch.errors import CatalogError, ClipsearchError, LibraryBusyError
from clipsearch.files.scan import Place, way_to
from clipsearch.files.watching.dirty import Batch
from clipsearch.files.watching.watcher import Watcher
from clipsearch.library import roots
from clipsearch.library.indexing.comparing import scan_rules
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.indexing.throttle import Throttle
from clipsearch.library.library import Library
from clipsearch.records import ChangeKind, IndexCounts, Progress

__all__ = ["Batch", "Following", "Notice", "Ready", "follow"]

_FOLDERS_EVERY_S = 5.0  # another process may add a folder
_AWAY_EVERY_S = 30.0  # a drive may be connected elsewhere
_ALL_EVERY_S = 86_400.0  # whatever was missed is found then
_ASLEEP_S = 60.0  # a wait that took so much longer than asked for was a sleep of the computer
_BUSY_S = 2.0  # until another process may have finished
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 60.0  # after a failure


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about following itself."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Ready:
    """From now on no change in so many folders is missed."""

    folders: int


class Following:
    """What is to be looked at in a library's folders, all of them or those of some ids."""

    def __init__(
        self, library: Library, folder_ids: Collection[int] | None = None, watcher: Watcher | None = None
    ) -> None:
        self._library = library
        self._folder_ids = folder_ids
        self._watcher = watcher or Watcher(scan_rules(library))
        self._checked_s = self._looked_at_all_s = time.monotonic()
        self._count: int | None = None
        self._held = Batch({})

    def batches(self, stop: threading.Event) -> Generator[Batch | Notice | Ready, None, None]:
        """Yield every folder as a whole, then what changes. Ends soon after `stop` is set."""
        try:
            while not stop.is_set():
                self._watcher.watch(self._paths())
                batch = self._next_batch(stop)
                yield from self._news()
                if batch.places:
                    held, self._held = self._held, Batch({})
                    yield batch.with_places(held)
        finally:
            self._watcher.close()

    def index(self, batch: Batch, throttle: Throttle, activity: str) -> Generator[Progress, None, IndexCounts]:
        """Index what a batch names; return the counts. Raises what `index_folders` does."""
        is_held = False
        run = index_folders(
            self._library, places=batch.places, unsettled=batch.unsettled, throttle=throttle, activity=activity
        )
        with closing(run) as steps:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    if is_held:
                        self._hold(batch)
                    counts: IndexCounts = end.value
                    return counts
                is_held = is_held or _is_held(step, batch.places)
                yield step

    def put_back(self, batch: Batch) -> None:
        """Yield a batch again, since nobody could look at it."""
        self._watcher.put_back(batch)

    def _hold(self, batch: Batch) -> None:
        """Yield these places again with the next batch: what is missing from them may turn up there.

        That it is missing is listed as a problem of the folder itself, which is looked at again, too.
        """
        itself = Batch({folder: [Place("", deep=False)] for folder in batch.places})
        self._held = self._held.with_places(batch).with_places(itself)

    def _paths(self) -> list[Path]:
        """Return where the folders are, as the catalog knows it; nothing on a disk is touched."""
        now_s = time.monotonic()
        if self._watcher.is_any_away and now_s - self._checked_s > _AWAY_EVERY_S:
            self._checked_s = now_s
            roots.check(self._library)
        places = self._library.catalog.folders.places()
        return [place.path for id_, place in places.items() if self._folder_ids is None or id_ in self._folder_ids]

    def _next_batch(self, stop: threading.Event) -> Batch:
        started_s, started_at = time.monotonic(), time.time()
        batch = self._watcher.next_batch(stop, _FOLDERS_EVERY_S)
        now_s = time.monotonic()
        took_s = max(now_s - started_s, time.time() - started_at)  # sleep is not counted by every clock
        if took_s > _FOLDERS_EVERY_S + _ASLEEP_S or now_s - self._looked_at_all_s > _ALL_EVERY_S:
            self._looked_at_all_s = now_s
            self._watcher.look_at_all()
        return batch

    def _news(self) -> Iterator[Notice | Ready]:
        yield from map(Notice, self._watcher.take_notices())
        count = len(self._paths())
        if self._watcher.is_ready and count != self._count:
            self._count = count
            yield Ready(count)


def follow(
    library: Library,
    stop: threading.Event,
    folders: Sequence[Path] | None = None,
    watcher: Watcher | None = None,
) -> Generator[Progress | Notice | Ready, None, None]:
    """Add `folders` and index them, or all that were added; then index what changes in them, until `stop` is set.

    While another process indexes, and after a failure that may pass, it is tried again. Raises ClipsearchError for one
    of `folders` that is not there, CatalogError for a library that was opened only to be read.
    """
    if library.catalog.read_only:
        raise CatalogError("The library can only be read: its folder or file may not be written.", library.folder)
    runs = _Runs(library, stop)
    ids = None
    if folders:
        yield from runs.add(folders)
        ids = _ids(library, folders)
    following = Following(library, ids, watcher)
    with closing(following.batches(stop)) as batches:
        for told in batches:
            if isinstance(told, Batch):
                yield from runs.look_at(told, following)
            else:
                yield told


class _Runs:
    """Index runs one after the other, each until it is done or `stop` is set."""

    def __init__(self, library: Library, stop: threading.Event) -> None:
        self._library = library
        self._stop = stop
        self._throttle = Throttle(library.settings)
        self._pause_s = _SHORTEST_PAUSE_S
        self._said = ""

    def add(self, folders: Sequence[Path]) -> Generator[Progress | Notice, None, None]:
        """Add folders and index them, as soon as no other process does."""
        while not self._stop.is_set():
            try:
                yield from self._until_stopped(
                    index_folders(self._library, folders, throttle=self._throttle, activity="watch")
                )
            except LibraryBusyError as error:
                yield from self._say(error.message)
                self._stop.wait(_BUSY_S)
            else:
                return

    def look_at(self, batch: Batch, following: Following) -> Generator[Progress | Notice, None, None]:
        """Index what a batch names; what fails is put back, and told once."""
        try:
            yield from self._until_stopped(following.index(batch, self._throttle, "watch"))
        except ClipsearchError as error:
            following.put_back(batch)
            yield from self._say(error.message)
            self._rest(error)
        else:
            self._said, self._pause_s = "", _SHORTEST_PAUSE_S

    def _until_stopped(self, run: Generator[Progress, None, IndexCounts]) -> Generator[Progress, None, None]:
        with closing(run):
            for step in run:
                yield step
                if self._stop.is_set():
                    return

    def _say(self, sentence: str) -> Generator[Notice, None, None]:
        if sentence != self._said:
            self._said = sentence
            yield Notice(sentence)

    def _rest(self, error: ClipsearchError) -> None:
        if isinstance(error, LibraryBusyError):
            self._stop.wait(_BUSY_S)
        else:
            self._stop.wait(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)


def _is_held(step: Progress, folders: Mapping[Path, object]) -> bool:
    """Tell whether so much was missing from a folder that nothing of it was removed."""
    return any(change.kind is ChangeKind.PROBLEM and change.path in folders for change in step.changes)


def _ids(library: Library, named: Sequence[Path]) -> set[int]:
    """Return the ids of the folders that hold those that were named."""
    places = library.catalog.folders.places().items()
    paths = [Path(os.path.abspath(path)) for path in named]
    return {id_ for id_, place in places if any(way_to(place.path, path) is not None for path in paths)}
