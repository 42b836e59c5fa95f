from __future__ import annotations

import sys
import threading
from collections.abc import Generator

import pytest
from PySide6.QtCore import QObject, QThread, Signal

from clipsearch.ui.tasks import Tasks


class _Emitter(QObject):
    emitted = Signal()


def test_emitting_a_signal_costs_no_reference(qapp) -> None:
    """PySide6 6.12.0 on Python 3.11 loses a reference of True at each emit, until the process aborts."""
    emitter = _Emitter()
    before = sys.getrefcount(True)
    for _ in range(100):
        emitter.emitted.emit()
    assert sys.getrefcount(True) >= before - 50


def test_result_arrives_in_the_gui_thread(qtbot, tasks: Tasks) -> None:
    seen: list[tuple[object, bool]] = []
    task = tasks.run(threading.get_ident)
    task.succeeded.connect(lambda result: seen.append((result, QThread.currentThread().isMainThread())))
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][0] != threading.get_ident()
    assert seen[0][1]


def test_generator_reports_progress_then_its_result(qtbot, tasks: Tasks) -> None:
    def steps() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "done"

    seen: list[object] = []
    task = tasks.run(steps)
    task.progressed.connect(seen.append)
    task.succeeded.connect(seen.append)
    task.finished.connect(lambda: seen.append("finished"))
    qtbot.waitUntil(lambda: "finished" in seen)
    assert seen == [1, 2, "done", "finished"]


def _fail() -> None:
    raise ValueError("boom")


def test_failure_without_listener_is_shown_by_the_lane(qtbot, tasks: Tasks) -> None:
    with qtbot.waitSignal(tasks.failed, timeout=2000) as caught:
        tasks.run(_fail)
    assert str(caught.args[0]) == "boom"
    assert not tasks._tasks


def test_failure_with_listener_goes_to_it_alone(qtbot, tasks: Tasks) -> None:
    unheard: list[object] = []
    tasks.failed.connect(unheard.append)
    task = tasks.run(_fail)
    with qtbot.waitSignal(task.failed, timeout=2000):
        pass
    assert unheard == []


def test_failure_in_the_middle_of_a_generator_is_not_lost(qtbot, tasks: Tasks) -> None:
    def steps() -> Generator[int, None, None]:
        yield 1
        raise OSError("disk gone")

    with qtbot.waitSignal(tasks.failed, timeout=2000) as caught:
        tasks.run(steps)
    assert str(caught.args[0]) == "disk gone"


def test_cancel_closes_the_generator_between_steps(qtbot, tasks: Tasks) -> None:
    closed = threading.Event()

    def steps() -> Generator[int, None, None]:
        try:
            for number in range(1_000_000):
                threading.Event().wait(0.002)
                yield number
        finally:
            closed.set()

    task = tasks.run(steps)
    with qtbot.waitSignal(task.progressed, timeout=2000):
        pass
    with qtbot.waitSignal(task.cancelled, timeout=2000):
        task.cancel()
    assert closed.is_set()


def test_cancelled_function_is_dropped(qtbot, tasks: Tasks) -> None:
    go = threading.Event()
    seen: list[object] = []
    task = tasks.run(lambda: go.wait(5))
    task.succeeded.connect(seen.append)
    task.cancel()
    with qtbot.waitSignal(task.cancelled, timeout=2000):
        go.set()
    assert seen == []


@pytest.mark.parametrize("then", ["resume", "cancel"])
def test_pause_holds_until_resumed_or_cancelled(qtbot, tasks: Tasks, then: str) -> None:
    steps_done: list[int] = []

    def steps() -> Generator[int, None, None]:
        for number in range(50):
            threading.Event().wait(0.002)
            yield number

    task = tasks.run(steps)
    task.progressed.connect(steps_done.append)
    qtbot.waitUntil(lambda: len(steps_done) > 2)
    task.pause()
    qtbot.wait(30)
    held = len(steps_done)
    qtbot.wait(60)
    assert len(steps_done) == held < 50
    with qtbot.waitSignal(task.finished, timeout=2000):
        getattr(task, then)()
    assert (len(steps_done) == 50) is (then == "resume")


def test_close_stops_a_paused_generator_and_delivers_nothing(qtbot) -> None:
    lane = Tasks(1)
    closed = threading.Event()

    def steps() -> Generator[int, None, None]:
        try:
            while True:
                yield 0
                threading.Event().wait(0.001)
        finally:
            closed.set()

    task = lane.run(steps)
    with qtbot.waitSignal(task.progressed, timeout=2000):
        pass
    task.pause()
    lane.close()
    assert closed.is_set()
