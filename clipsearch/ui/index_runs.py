"""Indexing runs as the window sees them: one after another, to be paused, resumed and cancelled."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from clipsearch.errors import LibraryBusyError
from clipsearch.records import Folder, IndexCounts, Progress
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Task, Tasks

if TYPE_CHECKING:
    from clipsearch.library.following import Batch


@dataclass(frozen=True, slots=True)
class _Request:
    """What one run is to do."""

    folders: Sequence[Path] | None
    retry_problems: bool = False
    removals_confirmed: bool = False
    changes: Batch | None = None  # a batch of places that changed, to which the run is restricted

    def start(self, library: LibraryAccess) -> Generator[Progress, None, IndexCounts]:
        """Begin the run. Called in its thread."""
        if self.changes is not None:
            return library.index_changes(self.changes)
        if self.removals_confirmed:
            return library.confirm_removals(self.folders or [])
        return library.index(self.folders, self.retry_problems)

    def without(self, folder: Folder) -> _Request | None:
        """Return what is left to do once `folder` is forgotten; None for nothing."""
        if self.folders is None:
            return self
        left = [path for path in self.folders if not Path(os.path.abspath(path)).is_relative_to(folder.path)]
        return replace(self, folders=left) if left else None


class IndexRuns(QObject):
    """Runs wait for each other in a lane of one thread, and so do removals of folders."""

    started = Signal()
    progressed = Signal(object)
    ended = Signal(object)  # the last run's IndexCounts; None when it was cancelled or failed, or nothing had changed
    unfinished = Signal(object, object)  # changes whose run failed, and its error
    paused_changed = Signal(bool)
    folder_removed = Signal()
    refused = Signal(object)  # the error for which the library is not open

    def __init__(self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._runs: dict[int, Task] = {}
        self._requests: dict[int, _Request] = {}  # of the runs that are not cancelled
        self._interrupted: list[_Request] = []  # to be taken up when a folder is removed
        self._numbers = itertools.count(1)
        self._counts: object = None
        self._is_ready = False
        self._obstacle: Exception | None = None
        self._waiting: list[_Request] = []

    @property
    def is_running(self) -> bool:
        return bool(self._runs)

    @property
    def is_paused(self) -> bool:
        return any(run.is_paused for run in self._runs.values())

    def start(self) -> None:
        """The library is open: begin what waits."""
        self._is_ready = True
        waiting, self._waiting = self._waiting, []
        self._run_all(waiting)

    def wait(self) -> None:
        """The library is being opened: keep what is requested until `start`."""
        self._obstacle = None

    def refuse(self, error: Exception) -> None:
        """The library does not open: refuse requests until `wait`. Those made before are kept."""
        self._obstacle = error

    def request(self, folders: Sequence[Path] | None = None, retry_problems: bool = False) -> None:
        """Add `folders` (None: all known ones) and bring them up to date, after the runs under way.

        With `retry_problems`, files that could not be read are read again though they did not change.
        """
        self._request(_Request(folders, retry_problems))

    def confirm_removals(self, folder: Folder) -> None:
        """Forget the photos that are missing from `folder`, which the user says were deleted."""
        self._request(_Request([folder.path], removals_confirmed=True))

    def request_changes(self, changes: Batch) -> None:
        """Index what has changed in the folders; that the library is busy is not told but by `unfinished`."""
        self._request(_Request(None, changes=changes))

    def pause(self) -> None:
        """Hold all runs before their next step."""
        for run in self._runs.values():
            run.pause()
        self.paused_changed.emit(self.is_paused)

    def resume(self) -> None:
        """Go on after `pause`."""
        for run in self._runs.values():
            run.resume()
        self.paused_changed.emit(False)

    def cancel(self) -> None:
        """Stop all runs before their next step; what is done is kept."""
        self._interrupted.clear()
        self._cancel_runs()

    def remove_folder(self, folder: Folder) -> None:
        """Stop indexing, forget the folder, and go on indexing the others."""
        requests = [*self._interrupted, *self._requests.values()]
        self._interrupted = [left for request in requests if (left := request.without(folder))]
        self._cancel_runs()
        task = self._tasks.run(lambda: self._library.remove_folder(folder.id))
        task.succeeded.connect(lambda _: self._on_removed())
        task.failed.connect(self._on_removal_failed)

    def _request(self, request: _Request) -> None:
        if self._obstacle is not None:
            self.refused.emit(self._obstacle)
        elif self._is_ready:
            self._run(request)
        else:
            self._waiting.append(request)

    def _run(self, request: _Request) -> None:
        run = self._tasks.run(lambda: request.start(self._library))
        run.progressed.connect(self.progressed)
        run.succeeded.connect(lambda counts: self._on_succeeded(request, counts))
        if request.changes is not None:
            run.failed.connect(lambda error: self._on_changes_failed(request.changes, error))
        number = next(self._numbers)
        run.finished.connect(lambda: self._on_finished(number))
        self._runs[number] = run
        self._requests[number] = request
        self.resume()
        if len(self._runs) == 1:
            self.started.emit()

    def _run_all(self, requests: Sequence[_Request]) -> None:
        for request in requests:
            self._run(request)

    def _cancel_runs(self) -> None:
        self._requests.clear()
        for run in self._runs.values():
            run.cancel()
        self.paused_changed.emit(False)

    def _on_removed(self) -> None:
        self.folder_removed.emit()
        self._take_up()

    def _on_removal_failed(self, error: Exception) -> None:
        self._tasks.failed.emit(error)
        self._take_up()

    def _take_up(self) -> None:
        interrupted, self._interrupted = self._interrupted, []
        self._run_all(interrupted)

    def _on_succeeded(self, request: _Request, counts: IndexCounts) -> None:
        is_news = counts.added or counts.updated or counts.moved or counts.removed
        self._counts = counts if is_news or request.changes is None else self._counts

    def _on_changes_failed(self, changes: Batch | None, error: Exception) -> None:
        if not isinstance(error, LibraryBusyError):
            self._tasks.failed.emit(error)
        self.unfinished.emit(changes, error)

    def _on_finished(self, number: int) -> None:
        del self._runs[number]
        self._requests.pop(number, None)
        if not self._runs:
            counts, self._counts = self._counts, None
            self.paused_changed.emit(False)
            self.ended.emit(counts)
