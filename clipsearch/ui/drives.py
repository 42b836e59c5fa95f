"""Notices drives and shares that come and go while the window is open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from clipsearch.records import Folder
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Task, Tasks

_EVERY_MS = 10_000


class Drives(QObject):
    """Looks now and then where the folders are. A look that fails is told by the lane, and is the last one."""

    changed = Signal()  # a folder went out of reach, came back, or followed its drive to another place
    came_back = Signal(list)  # Paths of folders that can be reached again

    def __init__(
        self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None, every_ms: int = _EVERY_MS
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._task: Task | None = None
        self._seen: Sequence[Folder] | None = None
        self._timer = QTimer(self, singleShot=True, interval=every_ms)
        self._timer.timeout.connect(self.look)

    def look(self) -> None:
        """Look now, and from now on every few seconds."""
        if self._task is None:
            self._task = self._tasks.run(self._library.check_folders)
            self._task.succeeded.connect(self._on_looked)
            self._task.finished.connect(self._on_finished)

    def _on_looked(self, folders: tuple[Sequence[Folder], Sequence[Folder]]) -> None:
        """Compare with the look before, which need not have been recorded; the first one with what was recorded."""
        recorded, now = folders
        before = recorded if self._seen is None else self._seen
        self._seen = now
        if now != before:
            self.changed.emit()
        away = {folder.id for folder in before if folder.offline}
        back = [folder.path for folder in now if folder.id in away and not folder.offline]
        if back:
            self.came_back.emit(back)
        self._timer.start()

    def _on_finished(self) -> None:
        self._task = None
