"""The processes that read and decode beside training: how they begin, how they end, and what is told of a dead one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any
from warnings import catch_warnings, filterwarnings

import torch
from torch.utils.data import DataLoader, Dataset

from training.errors import TrainingError

Made = tuple[Any, ...] | TrainingError  # as it crosses processes: Batch's parts, or why there are none

# A forked copy of this process would keep its sockets open, its GPU, and the locks that its threads hold.
_START = "forkserver" if sys.platform == "linux" else "spawn"
_AHEAD = 2  # batches that a worker has ready


def made_in(dataset: Dataset[Any], workers: int, **options: Any) -> Iterator[tuple[Any, ...]]:
    """Yield what torch's loader makes of a dataset, in order; closing the iterator ends the workers.

    Raises TrainingError, which a worker hands over instead of a result, or a few seconds after a worker has died.
    """
    results = _results(dataset, workers, options)
    try:
        while True:
            made = _next(results, workers)
            if isinstance(made, TrainingError):
                raise made
            yield tuple(made)
    finally:
        del results  # the last reference: its processes end with it


def _results(dataset: Dataset[Any], workers: int, options: dict[str, Any]) -> Iterator[Any]:
    # with a generator of its own the loader takes nothing from torch's, on which the exact resume of a run depends
    options |= {"num_workers": workers, "generator": torch.Generator().manual_seed(0)}
    if workers:
        context = multiprocessing.get_context(_START)
        if _START == "forkserver":
            context.set_forkserver_preload(["training.data.batches"])  # torch is loaded once for all of them
        options |= {"multiprocessing_context": context, "worker_init_fn": begin}
        options |= {"prefetch_factor": _AHEAD}  # no timeout: with one, torch looks for dead workers only after it
    with catch_warnings():
        filterwarnings("ignore", "This DataLoader will create", UserWarning)  # how many there are, the user says
        return iter(DataLoader(dataset, **options))


def _next(results: Iterator[Any], workers: int) -> Any:
    try:
        return next(results)
    except RuntimeError as error:
        if not workers:
            raise
        told = str(error).splitlines()[0]
        raise TrainingError(
            f"A process that reads pictures died ({told}). It may have run out of memory: lower data.workers."
        ) from error


def begin(_worker: int) -> None:
    """Prepare a worker process: it leaves interrupts to its parent, and ends with it, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = tell_unless_cut_off
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # there are as many workers as the user wants threads
    threading.Thread(target=_follow_parent, name="follow parent", daemon=True).start()


def tell_unless_cut_off(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error, unless it is that the parent stopped while a batch was on its way, which is no fault.

    The thread of multiprocessing that hands batches over prints whatever befalls it.
    """
    if not issubclass(kind, EOFError | OSError | multiprocessing.AuthenticationError):
        sys.__excepthook__(kind, error, trace)


def _follow_parent() -> None:
    """End this process when its parent has: torch's own look is at the fork server, which outlives it."""
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)
