"""Looks up the burst of the photo that is shown large."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from clipsearch.records import Photo
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Task, Tasks


class Bursts(QObject):
    """One photo at a time; the latest counts."""

    found = Signal(object, list)  # Photo, the photos of its burst

    def __init__(self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._task: Task | None = None

    def look_up(self, photo: Photo) -> None:
        """Find the photos shot in one go with this one; one whose time or camera is not known has none."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if photo.captured_at and photo.camera:
            self._task = self._tasks.run(lambda: self._library.burst(photo.id))
            self._task.succeeded.connect(lambda burst: self.found.emit(photo, burst))
