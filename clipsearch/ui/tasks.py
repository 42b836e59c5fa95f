"""The one door between worker threads and the window: work goes in, results come out as signals in the GUI thread.

Work is a function, or a generator function whose steps are progress. No failure can vanish: one that nobody
listens to on the task itself is emitted by `Tasks.failed`, which the window always shows.
"""

from __future__ import annotations

import inspect
import itertools
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from enum import Enum, auto
from typing import Any, cast

from PySide6.QtCore import QMetaMethod, QObject, Qt, Signal, Slot


class _Outcome(Enum):
    PROGRESSED = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    CANCELLED = auto()


Report = Callable[[_Outcome, object], None]


class _CancelledError(Exception):
    """Raised inside the worker when its task was cancelled."""


class _Work:
    """The worker's side of a task. It holds no QObject: those may only be let go of in the thread that made them."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.is_cancelled = threading.Event()
        self.may_step = threading.Event()
        self.may_step.set()

    def perform(self, report: Report) -> None:
        """Do the work, and `report` each step and the one outcome."""
        try:
            self._stop_if_cancelled()
            result = self._function()
            if inspect.isgenerator(result):
                result = self._step_through(cast(Generator[Any, None, Any], result), report)
            self._stop_if_cancelled()
        except _CancelledError:
            report(_Outcome.CANCELLED, None)
        except BaseException as error:  # whatever it is, the window must hear of it
            report(_Outcome.FAILED, error)
        else:
            report(_Outcome.SUCCEEDED, result)

    def _step_through(self, steps: Generator[Any, None, Any], report: Report) -> Any:
        with closing(steps):
            while True:
                self.may_step.wait()
                self._stop_if_cancelled()
                try:
                    step = next(steps)
                except StopIteration as end:
                    return end.value
                report(_Outcome.PROGRESSED, step)

    def _stop_if_cancelled(self) -> None:
        if self.is_cancelled.is_set():
            raise _CancelledError


class Task(QObject):
    """One piece of work under way.

    Emits `progressed` for each step of a generator, then exactly one of `succeeded` (with the result), `failed`
    (with the exception) and `cancelled`, then `finished`; all of them in the thread that made the task.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    finished = Signal()

    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work

    def cancel(self) -> None:
        """Stop before the next step: a generator is closed, the result of a function is dropped."""
        self._work.is_cancelled.set()
        self._work.may_step.set()

    def pause(self) -> None:
        """Hold a generator before its next step."""
        if not self.is_cancelled:
            self._work.may_step.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._work.may_step.set()

    @property
    def is_paused(self) -> bool:
        return not self._work.may_step.is_set()

    @property
    def is_cancelled(self) -> bool:
        return self._work.is_cancelled.is_set()

    def has_failure_listener(self) -> bool:
        """Say whether someone has connected to `failed`."""
        return self.isSignalConnected(QMetaMethod.fromSignal(self.failed))

    def deliver(self, outcome: _Outcome, payload: object) -> None:
        """Emit the signal that tells of an outcome; called in the GUI thread."""
        match outcome:
            case _Outcome.PROGRESSED:
                self.progressed.emit(payload)
            case _Outcome.SUCCEEDED:
                self.succeeded.emit(payload)
            case _Outcome.FAILED:
                self.failed.emit(payload)
            case _Outcome.CANCELLED:
                self.cancelled.emit()
        if outcome is not _Outcome.PROGRESSED:
            self.finished.emit()


class Tasks(QObject):
    """A lane of worker threads. Work starts in the order given, on at most `threads` threads at a time."""

    failed = Signal(object)
    _arrived = Signal(int, object, object)  # number of the task, outcome, payload

    def __init__(self, threads: int = 1, name: str = "task", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._tasks: dict[int, Task] = {}
        self._numbers = itertools.count(1)
        self._is_closed = False
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(self, work: Callable[[], Any]) -> Task:
        """Queue `work`; connect to the signals of the task returned before going back to the event loop."""
        number, inner = next(self._numbers), _Work(work)
        task = Task(inner)
        self._tasks[number] = task
        if not self._is_closed:
            self._executor.submit(inner.perform, lambda outcome, payload: self._report(number, outcome, payload))
        return task

    def cancel_all(self) -> None:
        """Ask every task, running or waiting, to stop before its next step."""
        for task in self._tasks.values():
            task.cancel()

    def close(self) -> None:
        """Cancel everything and wait until the threads have stopped; nothing is delivered any more."""
        self._is_closed = True
        self.cancel_all()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._tasks.clear()

    def _report(self, number: int, outcome: _Outcome, payload: object) -> None:
        """Runs in a worker thread."""
        self._arrived.emit(number, outcome, payload)

    @Slot(int, object, object)
    def _deliver(self, number: int, outcome: _Outcome, payload: object) -> None:
        task = self._tasks.get(number)
        if task is None or self._is_closed or (outcome is _Outcome.PROGRESSED and task.is_cancelled):
            return
        if outcome is _Outcome.SUCCEEDED and task.is_cancelled:
            outcome = _Outcome.CANCELLED
        if outcome is not _Outcome.PROGRESSED:
            del self._tasks[number]
        unheard = outcome is _Outcome.FAILED and not task.has_failure_listener()
        task.deliver(outcome, payload)
        if unheard:
            self.failed.emit(payload)
