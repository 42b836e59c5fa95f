"""Indexing runs as the window sees them: one after another, to be paused, resumed and cancelled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Task, Tasks


class IndexRuns(QObject):
    """Runs wait for each other in a lane of one thread, and so do removals of folders."""

    started = Signal()
    progressed = Signal(object)
    ended = Signal(object)  # the last run's IndexCounts, or None when it was cancelled or failed
    paused_changed = Signal(bool)
    folder_removed = Signal()

    def __init__(self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._runs: dict[int, Task] = {}
        self._numbers = itertools.count(1)
        self._counts: object = None
        self._is_ready = False
        self._waiting: list[tuple[Sequence[Path] | None, bool]] = []

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
        for request in waiting:
            self.request(*request)

    def request(self, folders: Sequence[Path] | None = None, retry_problems: bool = False) -> None:
        """Add `folders` (None: all known ones) and bring them up to date, after the runs under way.

        With `retry_problems`, files that could not be read are read again though they did not change.
        """
        if not self._is_ready:
            self._waiting.append((folders, retry_problems))
            return
        run = self._tasks.run(lambda: self._library.index(folders, retry_problems))
        run.progressed.connect(self.progressed)
        run.succeeded.connect(self._on_succeeded)
        number = next(self._numbers)
        run.finished.connect(lambda: self._on_finished(number))
        self._runs[number] = run
        self.resume()
        if len(self._runs) == 1:
            self.started.emit()

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
        for run in self._runs.values():
            run.cancel()
        self.paused_changed.emit(False)

    def remove_folder(self, folder_id: int) -> None:
        """Stop indexing, then forget the folder."""
        self.cancel()
        task = self._tasks.run(lambda: self._library.remove_folder(folder_id))
        task.succeeded.connect(lambda _: self.folder_removed.emit())

    def _on_succeeded(self, counts: object) -> None:
        self._counts = counts

    def _on_finished(self, number: int) -> None:
        del self._runs[number]
        if not self._runs:
            counts, self._counts = self._counts, None
            self.paused_changed.emit(False)
            self.ended.emit(counts)
