"""Looks up the categories of the photo that is shown large."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from clipsearch.records import Photo
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.tasks import Task, Tasks


class CategoriesOfPhoto(QObject):
    """One photo at a time, the latest; again when members may have changed."""

    found = Signal(object, object)  # Photo, list of (Category, probability, "user" or "model")

    def __init__(self, shelf: Shelf, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._tasks = tasks
        self._photo: Photo | None = None
        self._task: Task | None = None
        shelf.members_changed.connect(lambda _: self._ask())

    def look_up(self, photo: Photo | None) -> None:
        """Find the categories that hold this photo from now on; None: of none."""
        self._photo = photo
        self._ask()

    def _ask(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        photo, access = self._photo, self._shelf.access
        if photo is not None and self._shelf.infos:
            self._task = self._tasks.run(lambda: access.categories_of(photo.id))
            self._task.succeeded.connect(lambda found: self.found.emit(photo, found))
