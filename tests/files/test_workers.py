from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from clipsearch.errors import ClipsearchError, UnreadablePhotoError
from clipsearch.files import workers
from clipsearch.files.workers import WorkerPool
from tests.files.work import Unstartable, die_once, double, misbehave, priority, reserve, slowly
from tests.pictures import paint


def pool(
    function: Callable[[Any], Any], count: int = 2, timeout_s: float = 60, memory_mb: int = 2048
) -> WorkerPool[Any, Any]:
    return WorkerPool(function, count, timeout_s, memory_mb, ahead=4)


def assert_nothing_left() -> None:
    assert multiprocessing.active_children() == []
    assert threading.active_count() == 1 or all("_feed" not in thread.name for thread in threading.enumerate())


def test_every_item_is_answered_once() -> None:
    assert sorted(pool(double).run(range(50))) == [(item, 2 * item) for item in range(50)]
    assert_nothing_left()


def test_no_items_are_no_results() -> None:
    assert list(pool(double).run([])) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("die", "Reading the file made the reader crash or run out of memory."),
        ("hang", "Reading the file took longer than 0.5 seconds."),
        ("refuse", "The file is empty."),
        ("swell", "The picture needs more memory than a photo may use."),
    ],
)
def test_a_bad_item_costs_only_itself(bad: str, reason: str) -> None:
    results = dict(pool(misbehave, timeout_s=0.5).run(["a", bad, "b", "c"]))
    error = results.pop(bad)
    assert isinstance(error, UnreadablePhotoError)
    assert error.message == reason
    assert error.by_reader == (bad != "refuse")
    assert results == {"a": "a", "b": "b", "c": "c"}
    assert_nothing_left()


def test_the_first_death_of_a_worker_is_not_blamed_on_the_photo(tmp_path: Path) -> None:
    items = [str(tmp_path / name) for name in "abc"]
    assert sorted(pool(die_once).run(items)) == [(item, item) for item in items]
    assert_nothing_left()


@pytest.mark.parametrize(("bad", "processes"), [("die", 3), ("hang", 2)])
def test_only_a_death_is_tried_again(bad: str, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = workers._Worker._start

    def counted(worker: Any) -> None:
        started.append(worker)
        start(worker)

    monkeypatch.setattr(workers._Worker, "_start", counted)
    results = list(pool(misbehave, count=1, timeout_s=0.5).run([bad, "a"]))
    assert isinstance(results[0][1], UnreadablePhotoError)
    assert results[1] == ("a", "a")
    assert len(started) == processes


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_the_whole_program_is_not_for_its_workers(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "begun"

    def signal_it() -> None:
        while not mark.exists():
            time.sleep(0.01)
        for child in multiprocessing.active_children():
            survivors.append(child)
            os.kill(child.pid or 0, getattr(signal, name))
        time.sleep(0.2)
        assert all(child.is_alive() for child in survivors)

    survivors: list[Any] = []
    with ThreadPoolExecutor() as executor:
        signalled = executor.submit(signal_it)
        assert list(pool(slowly, count=1).run([str(mark)])) == [(str(mark), str(mark))]
        signalled.result()
    assert len(survivors) == 1


@pytest.mark.skipif(os.name == "nt", reason="asks the system about processes")
def test_workers_end_with_a_program_that_leaves_its_run_open() -> None:
    code = (
        "import multiprocessing\n"
        "from clipsearch.files.workers import WorkerPool\n"
        "from tests.files.work import misbehave\n"
        "run = WorkerPool(misbehave, 1, 60, 2048, 1).run(['a', 'hang', 'hang', 'hang'])\n"
        "next(run)\n"
        "print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "multiprocessing.kept = run\n"  # so that it is not closed before the end
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert ends(int(done.stdout))


def test_a_bug_in_the_work_ends_the_run() -> None:
    with pytest.raises(ClipsearchError, match="KeyError: 'a bug'"):
        list(pool(misbehave).run(["a", "bug", "b"]))
    assert_nothing_left()


def test_a_failing_source_ends_the_run() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the list of files broke off")

    with pytest.raises(OSError, match="broke off"):
        list(pool(double).run(items()))
    assert_nothing_left()


def test_work_that_cannot_be_sent_ends_the_run() -> None:
    with pytest.raises(Exception, match="lambda"):
        list(pool(lambda item: item).run([1]))
    assert_nothing_left()


def test_processes_that_cannot_start_end_the_run_and_blame_no_photo() -> None:
    with pytest.raises(ClipsearchError, match="cannot be started"):
        list(pool(Unstartable()).run([1, 2, 3]))
    assert_nothing_left()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to such a limit")
def test_memory_is_limited() -> None:
    results = dict(pool(reserve, count=1, memory_mb=200).run([400, 1]))
    assert "memory" in results[400].message
    assert results[1] == 1024 * 1024


def test_items_are_drawn_only_as_they_are_needed() -> None:
    drawn = []

    def items() -> Iterator[int]:
        for item in range(1000):
            drawn.append(item)
            yield item

    run = pool(double).run(items())
    next(run)
    time.sleep(0.3)
    run.close()
    assert len(drawn) <= 1 + 4 + 2 * 2  # taken, waiting, and for each worker one done and one in work


def test_a_heartbeat_lets_the_consumer_stop_while_a_worker_is_busy() -> None:
    run = pool(misbehave, count=1).watch(["a", "hang"], 0.05)
    steps = iter(run)
    assert next(step for step in steps if step is not None) == ("a", "a")
    assert [next(steps), next(steps)] == [None, None]
    run.close()
    assert_nothing_left()


def test_closing_stops_busy_workers_at_once() -> None:
    run = pool(misbehave).run(["a", "hang", "hang", "b"])
    assert next(run) == ("a", "a")
    run.close()
    assert_nothing_left()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="asks /proc or ps about processes")
def test_workers_end_with_a_program_that_is_killed() -> None:
    code = (
        "import multiprocessing, os, signal\n"
        "from clipsearch.files.workers import WorkerPool\n"
        "from tests.files.work import double\n"
        "run = WorkerPool(double, 1, 60, 2048, 1).run(range(99))\n"
        "next(run)\n"
        "print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False).stdout
    assert ends(int(out))


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc about processes")
@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_an_interrupt_while_workers_start_prints_no_traceback(tmp_path: Path, delay_s: float) -> None:
    for number in range(40):
        paint(tmp_path / "photos" / f"{number}.png", (number, 0, 0))
    words = ["-m", "clipsearch", "index", str(tmp_path / "photos"), "--library", str(tmp_path / "library")]
    program = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not starts_workers(program.pid) and program.poll() is None:
        time.sleep(0.005)
    time.sleep(delay_s)
    os.killpg(program.pid, signal.SIGINT)
    _, said = program.communicate(timeout=60)
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
    assert program.returncode in {0, 130, -signal.SIGINT}  # the last while Python itself is ending


def starts_workers(pid: int) -> bool:
    """Tell whether a process has children that it spawned: the worker processes."""
    try:
        children = [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
        return any(b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children)
    except OSError:
        return False


def ends(pid: int) -> bool:
    """Wait some seconds for a process to end."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if b") Z" in stat_of(pid):
            return True
        time.sleep(0.1)
    return False


def stat_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(os.name == "nt", reason="Windows has classes of priority")
def test_workers_let_others_go_first() -> None:
    ((_, (nice, at_the_disk)),) = pool(priority).run([0])
    assert nice == min(19, os.nice(0) + 5)
    assert at_the_disk in {7, None}


def test_windows_workers_let_others_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        """A process of Windows, as psutil sees it."""

        def nice(self, value: object) -> None:
            asked.append(value)

        ionice = nice

    asked: list[object] = []
    monkeypatch.setattr("clipsearch.files.workers.os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", "below normal", raising=False)
    monkeypatch.setattr(psutil, "IOPRIO_LOW", "low", raising=False)
    workers._yield_to_others()
    assert asked == ["below normal", "low"]
