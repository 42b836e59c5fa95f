"""Keeps the window up to date with what the library holds, without asking more often than it can bear."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from clipsearch.records import Folder
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Task, Tasks

_SHORTEST_WAIT_MS = 1_000
_WAIT_PER_READ = 10  # reading takes at most a tenth of the time


class LibraryFeed(QObject):
    """Reads an `Overview` when asked to, at most one at a time, and emits it as `changed`."""

    changed = Signal(object)

    def __init__(self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._folder: Folder | None = None
        self._task: Task | None = None
        self._is_stale = False
        self._started_s = 0.0
        self._timer = QTimer(self, singleShot=True, interval=_SHORTEST_WAIT_MS)
        self._timer.timeout.connect(self.refresh)

    def look_at(self, folder: Folder | None) -> None:
        """Read about the photos of `folder` from now on, or about all of them."""
        self._folder = folder
        self.refresh()

    def refresh(self) -> None:
        """Read now, or right after the reading under way."""
        if self._task is not None:
            self._is_stale = True
            return
        self._timer.stop()
        self._started_s = time.monotonic()
        folder = self._folder
        self._task = self._tasks.run(lambda: self._library.overview(folder))
        self._task.succeeded.connect(self.changed)
        self._task.finished.connect(self._on_finished)

    def refresh_soon(self) -> None:
        """Read within a second or so; many calls make one reading."""
        if not self._timer.isActive():
            self._timer.start()

    def _on_finished(self) -> None:
        self._task = None
        took_ms = int(1_000 * (time.monotonic() - self._started_s))
        self._timer.setInterval(max(_SHORTEST_WAIT_MS, _WAIT_PER_READ * took_ms))
        if self._is_stale:
            self._is_stale = False
            self.refresh()
