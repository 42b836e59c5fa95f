"""Asks what a category that is not saved would hold, after a short pause in typing; the latest wish wins."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from clipsearch.records import Category
from clipsearch.ui.categories.access import CategoryAccess
from clipsearch.ui.tasks import Task, Tasks

LIMIT = 300  # photos that are shown of a preview

_PAUSE_MS = 120
_LONG_PAUSE_MS = 600  # prompts are not to jump about while a name is typed


class Previewing(QObject):
    """At most one preview is under way; of those asked for meanwhile only the last is made."""

    changed = Signal(object)  # Preview
    suggested = Signal(str, list)  # a name, and prompts for it

    def __init__(self, access: CategoryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._access = access
        self._tasks = tasks
        self._wanted: Category | None = None
        self._task: Task | None = None
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._ask)
        self._name = ""
        self._name_timer = QTimer(self, singleShot=True, interval=_LONG_PAUSE_MS)
        self._name_timer.timeout.connect(lambda: self.suggest(self._name))

    def ask(self, category: Category) -> None:
        """Preview this, soon."""
        self._wanted = category
        self._timer.start()

    def suggest_soon(self, name: str) -> None:
        """Look for prompts once the name stays as it is for a moment."""
        self._name = name
        if name:
            self._name_timer.start()
        else:
            self._name_timer.stop()

    def suggest(self, name: str) -> None:
        """Look for prompts that say what `name` says."""
        task = self._tasks.run(lambda: self._access.prompts_for(name))
        task.succeeded.connect(lambda prompts: self.suggested.emit(name, prompts))

    def stop(self) -> None:
        """Nobody looks any more."""
        self._timer.stop()
        self._name_timer.stop()
        self._wanted = None
        if self._task is not None:
            self._task.cancel()

    def _ask(self) -> None:
        if self._task is not None or self._wanted is None:
            return  # the one under way asks again when it is done
        category, self._wanted = self._wanted, None
        self._task = self._tasks.run(lambda: self._access.preview(category, LIMIT))
        self._task.succeeded.connect(self.changed)
        self._task.finished.connect(self._on_finished)

    def _on_finished(self) -> None:
        self._task = None
        if not self._timer.isActive():
            self._ask()
