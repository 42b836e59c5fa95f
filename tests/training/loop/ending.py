"""Processes that end badly: `python -m tests.training.loop.ending FOLDER`.

For each way to end, two processes are forked before torch has computed anything. What they wrote to stderr goes into
the folder, with their exit status: "raising-0.txt", the status on its first line.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from training.loop.processes import Processes, joined

WORLD, PATIENCE_S = 2, 4.0


def raising(group: Processes) -> None:
    """Let the last process fail while the other one waits for it."""
    if not group.is_first:
        raise ValueError("the disk is full")
    group.wait()


def dying(group: Processes) -> None:
    """Let the last process be killed while the other one waits for it."""
    group.wait()
    if not group.is_first:
        os.kill(os.getpid(), signal.SIGKILL)
    group.sum(torch.zeros(1))


def first_dying(group: Processes) -> None:
    """Let the process be killed that keeps the store, while the other one waits for what will never come."""
    group.wait()
    if group.is_first:
        os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


WAYS: list[Callable[[Processes], None]] = [raising, dying, first_dying]


def begin(way: Callable[[Processes], None], rank: int, port: int, told: Path) -> int:
    """Fork one process; return its number."""
    if child := os.fork():
        return child
    os.dup2(os.open(told, os.O_CREAT | os.O_WRONLY), 2)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(WORLD), "RANK": str(rank)}
    try:
        with joined("cpu", PATIENCE_S) as group:
            way(group)
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main(folder: Path) -> None:
    """Let all of them end, side by side."""
    children: dict[Path, int] = {}
    for way in WAYS:
        port = free_port()
        for rank in range(WORLD):
            told = folder / f"{way.__name__}-{rank}.txt"
            children[told] = begin(way, rank, port, told)
    for told, child in children.items():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told.write_text(f"{status}\n{told.read_text()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
