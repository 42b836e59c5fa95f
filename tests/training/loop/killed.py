"""A run that is killed again and again: `python -m tests.training.loop.killed FOLDER KILLS SEED`.

Each attempt is a process of its own, forked before torch has computed anything, and ends by SIGKILL at a random moment.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from tests.training.loop.tiny import RESNET, Endless, learner_of, run_of
from training.loop import train

#: what every attempt would import by itself, which takes longer than its steps
SLOW = ("matplotlib.backends.backend_agg", "matplotlib.figure", "torch._dynamo", "torch.utils.tensorboard")
STEPS = 25
MOST_STEPS = 5  # of an attempt
LIMIT_S = 120.0


def attempt(out: Path) -> None:
    """Train to the end, or go on from where a kill has left it; every part that changes is in it."""
    torch.set_num_threads(1)
    run = run_of(
        RESNET, steps=STEPS, batch_size=6, checkpoint_every=1, ema=0.9, micro_batch_size=4, half_statistics=True
    )
    train.open_folder(run, out)
    train.fit(run, out, learner_of(RESNET, 3, dropout=0.3), Endless(run))


def forked(out: Path) -> int:
    """Start an attempt; return its process."""
    child = os.fork()
    if child == 0:
        try:
            attempt(out)
        finally:
            os._exit(0 if (out / train.RESULT).exists() else 1)
    return child


def wait(checkpoints: Path, moments: random.Random) -> None:
    """Wait until an attempt has come some steps further, and then for a moment that may fall into anything."""
    last = min(STEPS, reached(checkpoints) + moments.randint(0, MOST_STEPS))
    end = time.monotonic() + LIMIT_S
    while reached(checkpoints) < last and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(moments.uniform(0, 0.3))


def reached(checkpoints: Path) -> int:
    """Return the step of the latest checkpoint, 0 where there is none."""
    return max((int(path.name.removeprefix("step-")) for path in checkpoints.glob("step-*")), default=0)


def main(folder: Path, kills: int, seed: int) -> None:
    for name in SLOW:
        importlib.import_module(name)
    os.waitpid(forked(folder / "whole"), 0)
    moments = random.Random(seed)
    for _ in range(kills):
        child = forked(folder / "killed")
        wait(folder / "killed" / "checkpoints", moments)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        sys.stdout.write(f"{reached(folder / 'killed' / 'checkpoints')}\n")
    os.waitpid(forked(folder / "killed"), 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
