"""Follows changes in the folders while the window is open: each batch of them becomes an index run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from clipsearch.errors import LibraryBusyError
from clipsearch.ui.index_runs import IndexRuns
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Tasks

if TYPE_CHECKING:
    from clipsearch.library.following import Batch

_AGAIN_MS = 5_000


class Watching(QObject):
    """Listens in a lane of its own, and asks for a run when none is under way: a paused one is not disturbed."""

    noticed = Signal(str)  # a sentence about how the folders are watched

    def __init__(
        self,
        library: LibraryAccess,
        tasks: Tasks,
        runs: IndexRuns,
        parent: QObject | None = None,
        again_ms: int = _AGAIN_MS,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._runs = runs
        self._stop = threading.Event()
        self._waiting: Batch | None = None
        self._is_due = False
        self._again = QTimer(self, singleShot=True, interval=again_ms)
        self._again.timeout.connect(self._on_due)
        runs.ended.connect(lambda _: self._look())
        runs.unfinished.connect(self._on_unfinished)

    def start(self) -> None:
        """Follow changes from now on, if the user's settings say so; begins anew when they have changed."""
        self.stop()
        stop = self._stop = threading.Event()
        task = self._tasks.run(lambda: self._library.changes(stop))
        task.progressed.connect(self._on_told)

    def stop(self) -> None:
        """Follow changes no more."""
        self._stop.set()

    def _on_told(self, told: Batch | str) -> None:
        if isinstance(told, str):
            self.noticed.emit(told)
        else:
            self._keep(told)
            self._on_due()

    def _on_due(self) -> None:
        self._is_due = True
        self._look()

    def _look(self) -> None:
        """Have looked at what waits, unless a run is under way: after that."""
        if self._waiting is not None and self._is_due and not self._runs.is_running:
            changes, self._waiting, self._is_due = self._waiting, None, False
            self._runs.request_changes(changes)

    def _on_unfinished(self, changes: Batch, error: Exception) -> None:
        """Look again soon if another process is indexing; after another failure with the next changes."""
        self._keep(changes)
        if isinstance(error, LibraryBusyError):
            self._again.start()

    def _keep(self, changes: Batch) -> None:
        self._waiting = changes.with_places(self._waiting) if self._waiting is not None else changes
