"""Watches over the other processes of a run, so that none waits for one that is dead, and each can say why it ended.

A process that fails leaves its reason in a store that all of them can reach; process 0 also notices when another one
falls silent, and the others when process 0, or the store, does. Libraries of collectives tell less: NCCL waits for
minutes, Gloo says that a connection was closed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import timedelta

import torch.distributed as dist
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

PATIENCE_S = 25.0  # a process that gives no sign for so long is taken for dead
PAUSE_S = 1.0
GRACE_S = 10.0  # for the program to end by itself once it is known that another process is dead
REASON = "reason"


def started(rank: int, world: int, timeout_s: float = 600.0) -> TCPStore:
    """Meet the other processes at MASTER_ADDR and MASTER_PORT; torchrun keeps the store, else process 0 does."""
    kept = os.environ.get("TORCHELASTIC_USE_AGENT_STORE", "") == "True"
    return _store(is_master=rank == 0 and not kept, world=world, timeout_s=timeout_s)


def _store(is_master: bool, world: int, timeout_s: float) -> TCPStore:
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    limit = timedelta(seconds=timeout_s)
    return TCPStore(address, port, world, is_master=is_master, timeout=limit, wait_for_workers=False)


class Watch:
    """A thread that gives a sign of life each second and looks for the others' signs and reasons."""

    def __init__(self, rank: int, world: int, patience_s: float = PATIENCE_S) -> None:
        self.rank, self.world, self.patience_s = rank, world, patience_s
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        self.store = PrefixStore(f"watch-{attempt}", _store(is_master=False, world=world, timeout_s=patience_s))
        self.told = ""  # why another process has ended
        self._heard = threading.Event()
        self._closed = threading.Event()
        self._signs: dict[int, tuple[bytes, float]] = {}
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()
        self._thread.join(self.patience_s)

    def failed(self, error: BaseException) -> str:
        """Tell the others why this process fails, or return why another one has, where that is the cause."""
        if is_consequence(error) and self._heard.wait(self.patience_s + 5 * PAUSE_S):
            return self.told
        reason = f"{type(error).__name__}: {error}" if not hasattr(error, "message") else error.message
        try:
            first = self.store.compare_set(REASON, "", f"{self.rank}\t{reason}").decode()
            self._linger()
        except RuntimeError:
            return "" if not self.told else self.told
        return "" if first.startswith(f"{self.rank}\t") else sentence(first)

    def _linger(self) -> None:
        """Stay until all have heard the reason, since the store may end with this process."""
        others = [f"heard-{rank}" for rank in range(self.world) if rank != self.rank]
        end = time.monotonic() + GRACE_S
        while self.rank == 0 and time.monotonic() < end and not self.store.check(others):
            time.sleep(PAUSE_S / 5)

    def _watch(self) -> None:
        beat = 0
        while not self._closed.wait(PAUSE_S):
            beat += 1
            try:
                self._look(beat)
            except RuntimeError:
                self.told = "Process 0 has ended without a word; was it killed, or out of memory?"
            if self.told:
                self._heard.set()
                self._end()
                return

    def _look(self, beat: int) -> None:
        self.store.set(f"alive-{self.rank}", str(beat))
        if self.store.check([REASON]):
            first = self.store.get(REASON).decode()
            self.store.set(f"heard-{self.rank}", "")
            self.told = "" if first.startswith(f"{self.rank}\t") else sentence(first)
        for rank in range(1, self.world) if self.rank == 0 else [0]:
            if self._is_silent(rank):
                text = "it has ended without a word; was it killed, or out of memory?"
                self.store.compare_set(REASON, "", f"{rank}\t{text}")

    def _is_silent(self, rank: int) -> bool:
        key, now = f"alive-{rank}", time.monotonic()
        sign = self.store.get(key) if self.store.check([key]) else b""
        before = self._signs.setdefault(rank, (sign, now))
        if before[0] != sign:
            self._signs[rank] = (sign, now)
            return False
        return now - before[1] > self.patience_s

    def _end(self) -> None:
        """End the process if it does not do so by itself: it may wait for the dead one inside a library."""
        if not self._closed.wait(GRACE_S):
            print(self.told, file=sys.stderr, flush=True)
            os._exit(1)


def is_consequence(error: BaseException) -> bool:
    """Say whether an error may come from another process's end."""
    words = ("gloo", "NCCL", "Connection", "connection", "peer", "store")
    return isinstance(error, dist.DistError) or (
        type(error) is RuntimeError and any(word in str(error) for word in words)
    )


def sentence(reason: str) -> str:
    """Make a sentence of a stored reason."""
    rank, text = reason.split("\t", 1)
    return f"Process {rank} has stopped, and so must the others: {text}"
