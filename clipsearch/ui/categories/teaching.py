"""A lesson: the photos whose judgement would teach a category most, ten at a time, each learned from at once."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from clipsearch.records import Photo
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.categories.teaching_page import TeachingPage
from clipsearch.ui.tasks import Task, Tasks

TEN = 10


class Teaching(QObject):
    """Fills the page with one photo after another; when ten are judged it asks for the next ten."""

    ended = Signal()

    def __init__(self, shelf: Shelf, page: TeachingPage, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._page = page
        self._tasks = tasks
        self._task: Task | None = None
        self._category_id: int | None = None
        self._photos: Sequence[Photo] = ()
        self._at = 0
        self._skipped: set[int] = set()
        self._judged: list[Photo] = []  # in this lesson, the latest last
        self._is_waiting = False  # for the category to have learned from the last ten
        page.answered.connect(self._on_answered)
        page.back_wanted.connect(self._go_back)
        page.closed.connect(self.end)
        shelf.learning_changed.connect(self._on_learning_changed)
        shelf.changed.connect(self._on_changed)
        shelf.undone.connect(lambda _: self._on_undone())

    def begin(self, category_id: int) -> None:
        """Teach this category."""
        self._category_id = category_id
        self._skipped, self._judged = set(), []
        self._fetch()

    def end(self) -> None:
        """Stop asking; what was judged stays."""
        if self._category_id is not None:
            self._category_id, self._is_waiting = None, False
            if self._task is not None:
                self._task.cancel()
            self.ended.emit()

    # Inside

    def _fetch(self) -> None:
        """Look for the next ten, once what was judged has been learned."""
        self._page.show_text(self.tr("Looking for the photos that would teach most…"))
        self._is_waiting = self._shelf.is_learning
        category_id, count = self._category_id, TEN + len(self._skipped)
        if not self._is_waiting and category_id is not None:
            self._task = self._tasks.run(lambda: self._shelf.access.to_judge(category_id, count))
            self._task.succeeded.connect(self._on_fetched)
            self._task.failed.connect(self._on_failed)

    def _on_fetched(self, photos: Sequence[Photo]) -> None:
        if self._category_id is not None:
            self._photos = [photo for photo in photos if photo.id not in self._skipped][:TEN]
            self._at = 0
            self._show()

    def _on_failed(self, error: Exception) -> None:
        self.end()
        self._shelf.failed.emit(error)

    def _show(self) -> None:
        info = self._shelf.info(self._category_id) if self._category_id is not None else None
        if info is None:
            self.end()
        elif not self._photos:
            self._page.show_text(self.tr("There is nothing left to judge."))
        elif self._at == len(self._photos):
            self._fetch()
        else:
            self._page.show_photo(info.name, self._photos[self._at], self._at + 1, len(self._photos))

    def _on_answered(self, is_member: bool | None) -> None:
        photo = self._photos[self._at]
        if is_member is None:
            self._skipped.add(photo.id)
        elif self._category_id is not None:
            self._judged.append(photo)
            self._shelf.judge(self._category_id, [photo.id], is_member)
        self._at += 1
        self._show()

    def _go_back(self) -> None:
        """Ask about the photo before once more; a new answer takes the place of the old one."""
        if self._page.photo is not None and self._at > 0:
            self._at -= 1
            self._skipped.discard(self._photos[self._at].id)
            self._show()

    def _on_undone(self) -> None:
        """Ask once more about the photo whose judgement was undone."""
        if self._category_id is None or not self._judged or self._page.photo is None:
            return
        photo = self._judged.pop()
        if photo not in self._photos:  # it was among the ten before
            self._photos = [*self._photos[: self._at], photo, *self._photos[self._at :]]
        self._at = self._photos.index(photo)
        self._show()

    def _on_learning_changed(self, is_learning: bool) -> None:
        if self._is_waiting and not is_learning:
            self._fetch()

    def _on_changed(self) -> None:
        """The category may have been removed, as by undoing that it was added."""
        if self._category_id is not None and self._shelf.info(self._category_id) is None:
            self.end()
