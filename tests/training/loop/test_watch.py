"""One process ends; the others end, too, and say which one it was and why."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.loop.starting import ROOT
from training.errors import TrainingError
from training.loop.watch import is_consequence, sentence

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="a process is killed as POSIX does")


@needs_signals
def test_the_others_stop_with_the_reason(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.training.loop.ending", str(tmp_path)], check=True, cwd=ROOT, timeout=300
    )
    ended = {path.stem: path.read_text().partition("\n")[::2] for path in tmp_path.iterdir()}
    status = {name: int(first) for name, (first, _) in ended.items()}
    told = {name: text for name, (_, text) in ended.items()}

    assert (status["raising-0"], status["raising-1"]) == (1, 1)
    assert "Process 1 has stopped, and so must the others: ValueError: the disk is full" in told["raising-0"]
    assert "ValueError: the disk is full" in told["raising-1"]

    assert (status["dying-0"], status["dying-1"]) == (1, -signal.SIGKILL)
    assert "Process 1 has stopped, and so must the others: it has ended without a word" in told["dying-0"]

    assert (status["first_dying-0"], status["first_dying-1"]) == (-signal.SIGKILL, 1)
    assert "Process 0 has ended without a word" in told["first_dying-1"]


def test_only_what_comes_from_elsewhere_is_a_consequence() -> None:
    assert is_consequence(RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1"))
    assert is_consequence(torch.distributed.DistBackendError("NCCL error"))
    assert not is_consequence(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_consequence(TrainingError("The loss is nan at step 3."))
    assert sentence("3\tno memory") == "Process 3 has stopped, and so must the others: no memory"
