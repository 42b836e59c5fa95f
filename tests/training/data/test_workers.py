from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from torch.utils.data import Dataset, IterableDataset

from training.data.workers import made_in, tell_unless_cut_off
from training.errors import TrainingError

ROOT = Path(__file__).parents[3]
#: starts two workers, tells their numbers, and waits
PARENT = """
import multiprocessing, sys, time
from tests.training.data.test_workers import Numbers
from training.data.workers import made_in
if __name__ == "__main__":
    made = made_in(Numbers(), 2, batch_size=None)
    next(made)
    print(*(process.pid for process in multiprocessing.active_children()), flush=True)
    time.sleep(600)
"""


class Numbers(IterableDataset[tuple[int]]):
    def __iter__(self) -> Iterator[tuple[int]]:
        while True:
            yield (1,)


class Deadly(Dataset[tuple[int]]):
    def __getitem__(self, number: int) -> tuple[int]:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return (number,)


class Failing(Dataset[tuple[int] | TrainingError]):
    def __getitem__(self, number: int) -> tuple[int] | TrainingError:
        return TrainingError("nothing is left") if number == 2 else (number,)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_workers_sentence_is_raised_in_its_turn(workers: int) -> None:
    made = made_in(Failing(), workers, batch_size=None, sampler=range(9), collate_fn=None)
    assert [next(made), next(made)] == [(0,), (1,)]
    with pytest.raises(TrainingError, match=r"^nothing is left$"):
        next(made)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_a_worker_that_dies_is_told() -> None:
    made = made_in(Deadly(), 2, batch_size=None, sampler=range(99))
    with pytest.raises(TrainingError, match=r"A process that reads pictures died .*lower data\.workers"):
        list(made)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_workers_end_with_their_parent_however_that_ended(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py")]
    surroundings: dict[str, Any] = {"env": os.environ | {"PYTHONPATH": str(ROOT)}, "cwd": ROOT}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}  # semaphores are left behind
    with subprocess.Popen(command, text=True, **surroundings, **pipes) as parent:
        assert parent.stdout is not None
        workers = [psutil.Process(int(number)) for number in parent.stdout.readline().split()]
        parent.kill()
    assert len(workers) == 2
    deadline = time.monotonic() + 60
    while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_parent_that_stopped_is_no_fault_to_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    for error in (EOFError(), ConnectionResetError(), KeyError("a bug")):
        tell_unless_cut_off(type(error), error, None)
    assert capsys.readouterr().err == "KeyError: 'a bug'\n"
