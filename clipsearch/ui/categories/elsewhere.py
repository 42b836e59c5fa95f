# ruff: noqa: N802 - Qt's own names
"""Notices what the command line, or another window, does with the categories while this window is open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from clipsearch.ui.categories.access import Revision
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.tasks import Task, Tasks

_EVERY_MS = 2_000


class Elsewhere(QObject):
    """Between `start` and `stop`, looks every now and then, and at once when the user comes back to the window.

    Has the shelf read anew when somebody else has changed the catalog. A look that fails is told by the lane, and is
    the last one until the user comes back.
    """

    def __init__(self, shelf: Shelf, tasks: Tasks, parent: QObject | None = None, every_ms: int = _EVERY_MS) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._tasks = tasks
        self._window: QWidget | None = None
        self._task: Task | None = None
        self._noticed: Revision | None = None
        self._is_on = False
        self._timer = QTimer(self, singleShot=True, interval=every_ms)
        self._timer.timeout.connect(self.look)

    def follow(self, window: QWidget) -> None:
        """Look while this window can be seen."""
        self._window = window
        window.installEventFilter(self)

    def start(self) -> None:
        """The library is open."""
        self._is_on = True
        self._timer.start()

    def stop(self) -> None:
        """The library is about to be closed."""
        self._is_on = False
        self._timer.stop()

    def look(self) -> None:
        """Look now, unless all is read anew anyway, and again in a few seconds."""
        if not self._is_on or not self._can_be_seen or self._task is not None:
            return
        if not self._shelf.is_ready or self._shelf.is_reading:
            self._timer.start()
            return
        before = self._shelf.revision
        self._task = self._tasks.run(self._shelf.access.revision)
        self._task.succeeded.connect(lambda revision: self._on_looked(before, revision))
        self._task.finished.connect(self._on_finished)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Show, QEvent.Type.WindowActivate, QEvent.Type.WindowStateChange}:
            self.look()
        return super().eventFilter(watched, event)

    @property
    def _can_be_seen(self) -> bool:
        return self._window is not None and self._window.isVisible() and not self._window.isMinimized()

    def _on_looked(self, before: Revision, revision: Revision) -> None:
        """What this window has done itself since the look began is known already."""
        is_own = self._shelf.is_reading or self._shelf.revision != before
        if not is_own and revision not in {before, self._noticed}:
            self._noticed = revision
            self._shelf.refresh()
        if self._is_on:
            self._timer.start()

    def _on_finished(self) -> None:
        self._task = None
