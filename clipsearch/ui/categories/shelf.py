"""The categories of the open library as the window sees them; every change goes through here, behind the window.

A change is written first, quickly, on the lane of changes; what it means to the heads and memberships is worked out
after it on the lane of learning, once for all the changes that have come meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from clipsearch.errors import CatalogError, ClipsearchError
from clipsearch.records import Category, CategoryInfo, Step
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.access import CategoryAccess, Revision, ShelfState
from clipsearch.ui.categories.number_keys import NumberKeys
from clipsearch.ui.tasks import Task, Tasks


class Shelf(QObject):
    """What views show stands in `infos`, `undoable` and `redoable`; signals tell when to look again."""

    changed = Signal()  # categories or numbers are new
    members_changed = Signal(object)  # set of category ids whose members may have changed; None: any
    history_changed = Signal()
    added = Signal(object)  # Category, as it is in the catalog
    failed = Signal(object)
    recovered = Signal(object)  # a change has worked after this failure
    told = Signal(str)  # what was done, in a sentence; it can be undone
    undone = Signal(str)  # what was undone, in a sentence; it can be done again
    learning_changed = Signal(bool)  # whether heads and memberships are being brought up to date

    def __init__(self, access: CategoryAccess, changes: Tasks, learning: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.access = access
        self.keys = NumberKeys()
        self._changes = changes
        self._learning = learning
        self._state = ShelfState()
        self._lesson: Task | None = None  # the retraining that is under way or waits
        self._pending = 0  # changes that are not written yet
        self._reading = 0  # how often the categories are about to be read, after a change or without one
        self._failure: Exception | None = None  # the last one, until a change has worked again
        self._is_outdated = False  # something was changed since it began
        self._is_ready = False

    @property
    def infos(self) -> Sequence[CategoryInfo]:
        return self._state.infos

    @property
    def undoable(self) -> Step | None:
        return self._state.undoable

    @property
    def redoable(self) -> Step | None:
        return self._state.redoable

    @property
    def is_learning(self) -> bool:
        """Whether something was changed that heads and memberships do not tell of yet."""
        return self._lesson is not None or self._pending > 0

    @property
    def revision(self) -> Revision:
        """Up to which step of the catalog's this tells."""
        return self._state.revision

    @property
    def is_reading(self) -> bool:
        """Whether the categories are about to be read anew anyway."""
        return self._reading > 0

    @property
    def is_ready(self) -> bool:
        """Whether the categories have been read once."""
        return self._is_ready

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be changed, since the library may only be read."""
        return self.access.is_read_only

    def info(self, category_id: int) -> CategoryInfo | None:
        """Return a category by its id, None when there is none (any more)."""
        return next((info for info in self.infos if info.category.id == category_id), None)

    def refresh(self) -> None:
        """Read the categories anew, and bring their members up to date: the photos may be others."""
        self._run(lambda: None).succeeded.connect(lambda result: self._on_read(result[1]))

    def look_again(self) -> None:
        """Read the categories anew: an index run has put new photos into them, or one is gone."""
        self._run(lambda: None).succeeded.connect(lambda result: self._on_looked(result[1]))

    # Changes

    def add(self, category: Category, photo_ids: Sequence[int] = ()) -> Task:
        """Add a category; `photo_ids` are the first that belong to it."""
        task = self._change(lambda: self.access.add(category, photo_ids), None)
        task.succeeded.connect(lambda result: self.added.emit(result[0]))
        return task

    def change(self, category: Category, seen: Category) -> Task:
        """Let the category with this id be as given; what the user left as `seen` stays as it is by now."""
        return self._change(lambda: self.access.change(category, seen), None)

    def nest(self, category_id: int, parent_id: int | None) -> None:
        """Let a category belong to another one; None: to none."""
        self._change(lambda: self.access.nest(category_id, parent_id), None)

    def remove(self, category_id: int) -> None:
        info = self.info(category_id)
        if info is not None:
            self._change(lambda: self.access.remove(info.name), None)

    def judge(self, category_id: int, photo_ids: Sequence[int], is_member: bool | None) -> None:
        """Put photos in (True) or out (False), or leave them to the model again (None)."""
        if photo_ids:
            self._change(lambda: self.access.judge(category_id, photo_ids, is_member), {category_id})

    def move(self, source_id: int, target_id: int, photo_ids: Sequence[int]) -> None:
        """Take photos out of one category and put them into another, in one step."""
        if photo_ids:
            self._change(lambda: self.access.move(source_id, target_id, photo_ids), {source_id, target_id})

    def assign_paths(self, category_id: int, paths: Sequence[Path]) -> None:
        """Put the photos at these paths, which the library knows, into a category."""
        self._change(lambda: self.access.assign_paths(category_id, paths), {category_id})

    def undo(self) -> None:
        """Undo the step that the user sees, unless something was changed elsewhere meanwhile."""
        step = self.undoable
        if step is not None:
            self._turn(lambda: self.access.undo(step), lambda one: self.undone.emit(sentences.undone(one)))

    def redo(self) -> None:
        """Redo the step that the user sees, unless something was changed elsewhere meanwhile."""
        step = self.redoable
        if step is not None:
            self._turn(lambda: self.access.redo(step), lambda one: self.told.emit(sentences.done(one)))

    def learn(self) -> None:
        """Bring heads and memberships up to date; again afterwards, if that is under way."""
        if self.is_read_only:
            return
        if self._lesson is not None:
            self._is_outdated = True
            return
        self._is_outdated = False
        self._lesson = self._learning.run(self._learn)
        self._lesson.succeeded.connect(self._on_learned)
        self._lesson.failed.connect(self._on_failed)
        self._lesson.finished.connect(self._on_lesson_finished)
        self.learning_changed.emit(True)

    def recover(self) -> None:
        """A change has worked, here or beside the shelf: what failed before needs no telling any more."""
        error, self._failure = self._failure, None
        if error is not None:
            self.recovered.emit(error)

    # Inside

    def _change(self, work: Callable[[], Any], touched: Collection[int] | None) -> Task:
        """Make a change that can be undone, tell of it, and learn from it."""
        self._pending += 1
        task = self._run(work)
        task.succeeded.connect(lambda result: self._on_changed(result[1], touched))
        task.failed.connect(self._on_refused)
        task.finished.connect(self._on_change_finished)
        return task

    def _turn(self, work: Callable[[], Step | None], tell: Callable[[Step], None]) -> None:
        """Undo or redo a step, and tell of it."""
        task = self._run(work)
        task.succeeded.connect(lambda result: self._on_turned(result[0], result[1], tell))
        task.failed.connect(self._on_refused)

    def _run(self, work: Callable[[], Any]) -> Task:
        """Do `work` and read the categories; the result is what `work` returned, and the state after it."""
        self._reading += 1
        task = self._changes.run(lambda: (work(), self.access.state()))
        task.failed.connect(self._on_failed)
        task.finished.connect(self._on_read_finished)
        return task

    def _take(self, state: ShelfState) -> None:
        """What is in the catalog now."""
        old, self._state = self._state, state
        self.keys.give([info.category.id for info in state.infos])
        if not self._is_ready or old.infos != state.infos:
            self._is_ready = True
            self.changed.emit()
        if (old.undoable, old.redoable) != (state.undoable, state.redoable):
            self.history_changed.emit()

    def _on_read(self, state: ShelfState) -> None:
        self._on_looked(state)
        self.learn()

    def _on_read_finished(self) -> None:
        self._reading -= 1

    def _on_looked(self, state: ShelfState) -> None:
        self._take(state)
        self.members_changed.emit(None)

    def _on_changed(self, state: ShelfState, touched: Collection[int] | None) -> None:
        before = self.undoable
        self.recover()
        self._take(state)
        if state.undoable is not None and state.undoable != before:
            self.told.emit(sentences.done(state.undoable))
        self.members_changed.emit(touched)
        self.learn()

    def _on_turned(self, step: Step | None, state: ShelfState, tell: Callable[[Step], None]) -> None:
        self._take(state)
        if step is None:
            self.told.emit(sentences.changed_elsewhere(state.undoable))
        else:
            self.recover()
            tell(step)
            self.members_changed.emit(None)
            self.learn()

    def _on_failed(self, error: Exception) -> None:
        self._failure = error
        self.failed.emit(error)

    def _on_refused(self, error: Exception) -> None:
        """The catalog may hold something else than what is shown: a category may be gone."""
        if isinstance(error, ClipsearchError) and not isinstance(error, CatalogError):
            self.look_again()

    def _learn(self) -> ShelfState:
        """Runs in a worker thread."""
        self.access.refresh()
        return self.access.state()

    def _on_learned(self, state: ShelfState) -> None:
        if not self._is_outdated:  # else a change has read what is newer, and this is done again anyway
            self._take(state)
            self.members_changed.emit(None)

    def _on_lesson_finished(self) -> None:
        self._lesson = None
        if self._is_outdated:
            self.learn()
        self._tell_if_done()

    def _on_change_finished(self) -> None:
        self._pending -= 1
        self._tell_if_done()

    def _tell_if_done(self) -> None:
        if not self.is_learning:
            self.learning_changed.emit(False)
