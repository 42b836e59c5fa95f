"""Asks the library the user's latest question and drops the answers to earlier ones."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from clipsearch.records import Hit
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.questions import Question
from clipsearch.ui.tasks import Task, Tasks


class Searching(QObject):
    """One question at a time; the latest wins. It waits for `start`; after `refuse` it is refused at once."""

    asked = Signal(object)
    answered = Signal(object, list)
    failed = Signal(object, object)
    refused = Signal(object)  # the error for which the library is not open
    ended = Signal()

    def __init__(self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._is_ready = False
        self._obstacle: Exception | None = None
        self._question: Question | None = None
        self._task: Task | None = None
        self._is_stale = False  # the library has changed since the question was asked
        self._ticket = 0  # an answer counts only if nothing was asked since

    @property
    def question(self) -> Question | None:
        """What is shown or under way; None when nothing was asked."""
        return self._question

    def start(self) -> None:
        """The library is open: ask what waits."""
        self._is_ready = True
        self.refresh()

    def wait(self) -> None:
        """The library is being opened: keep what is asked until `start`."""
        self._obstacle = None

    def refuse(self, error: Exception) -> None:
        """The library does not open: keep the latest question, in case it does later, but do not look busy."""
        self._obstacle = error
        self.ended.emit()

    def ask(self, question: Question) -> None:
        """Ask `question`, whatever was asked before; one that is under way already is left to come."""
        if question == self._question and self._task is not None:
            return
        self._drop_task()
        self._question = question
        if self._obstacle is not None:
            self.refused.emit(self._obstacle)
            return
        self.asked.emit(question)
        self.refresh()

    def clear(self) -> None:
        """Ask nothing any more."""
        self._drop_task()
        self._question = None
        self.ended.emit()

    def refresh(self) -> None:
        """Ask the same question again; where an answer is still to come, which may be out of date, after that."""
        if self._question is None or not self._is_ready:
            return
        self._is_stale = self._task is not None
        if self._is_stale:
            return
        question = self._question
        self._ticket += 1
        ticket = self._ticket
        self._task = self._tasks.run(lambda: question.ask(self._library))
        self._task.succeeded.connect(lambda hits: self._on_succeeded(ticket, hits))
        self._task.failed.connect(lambda error: self._on_failed(ticket, error))

    def _drop_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._is_stale = False
        self._ticket += 1

    def _on_succeeded(self, ticket: int, hits: list[Hit]) -> None:
        if ticket == self._ticket:
            self._task = None
            self.ended.emit()
            self.answered.emit(self._question, hits)
            if self._is_stale:
                self.refresh()

    def _on_failed(self, ticket: int, error: Exception) -> None:
        if ticket == self._ticket:
            self._task = None
            self.ended.emit()
            self.failed.emit(self._question, error)
