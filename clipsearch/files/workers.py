"""A pool of worker processes that may be killed: one bad item costs its own result, never the run.

The standard pools give up when a worker dies. Here each worker process has one thread that feeds it, waits for its
answer within a time limit, and replaces the process when it hangs or dies.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, Generic, TypeVar

from clipsearch.errors import ClipsearchError, UnreadablePhotoError

Item = TypeVar("Item")
Result = TypeVar("Result")

_SPAWN = multiprocessing.get_context("spawn")
_POLL_S = 0.1
_START_LIMIT_S = 120.0
_NICER = 5
_TRIES = 2  # the system may kill a worker that harmed nobody
_LAST_AT_THE_DISK = 7  # of the levels 0 to 7 of Linux's best-effort class


class WorkerPool(Generic[Item, Result]):
    """Runs `function(item)` in `count` processes, with at most `ahead` results waiting for the consumer.

    `function` must be importable by name. An item for which it raises a ClipsearchError yields that error. An item
    that takes longer than `timeout_s`, or whose worker dies twice (memory beyond `memory_mb`, a crash in a decoder),
    yields an UnreadablePhotoError with `by_reader` set; the first death may be another program's doing. Any other
    exception of `function`, or a worker that cannot start, ends the run.
    """

    def __init__(
        self, function: Callable[[Item], Result], count: int, timeout_s: float, memory_mb: int, ahead: int
    ) -> None:
        self._function = function
        self._count = count
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._results: queue.Queue[tuple[Item, Result | ClipsearchError] | None] = queue.Queue(max(1, ahead))
        self._stop = threading.Event()
        self._abandoned = False
        self._failure: BaseException | None = None

    def run(self, items: Iterable[Item]) -> Generator[tuple[Item, Result | ClipsearchError], None, None]:
        """Yield (item, result or error) as each is ready, in no fixed order; `items` is drawn lazily, in order.

        Closing the iterator stops the workers at once. A failure of the iterable or of a worker's code is raised.
        """
        with closing(self.watch(items, None)) as steps:
            for step in steps:
                if step is not None:
                    yield step

    def watch(
        self, items: Iterable[Item], heartbeat_s: float | None
    ) -> Generator[tuple[Item, Result | ClipsearchError] | None, None, None]:
        """Do the same, but yield None, too, whenever nothing was ready for `heartbeat_s` (None: wait for ever)."""
        source, lock = iter(items), threading.Lock()
        threads = [threading.Thread(target=self._feed, args=(source, lock), daemon=True) for _ in range(self._count)]
        for thread in threads:
            thread.start()
        try:
            yield from self._finished(len(threads), heartbeat_s)
        finally:
            self._abandoned = True
            self._stop.set()
            for thread in threads:
                thread.join()
        if self._failure:
            raise self._failure

    def _finished(
        self, running: int, heartbeat_s: float | None
    ) -> Iterator[tuple[Item, Result | ClipsearchError] | None]:
        while running:
            try:
                result = self._results.get(timeout=heartbeat_s)
            except queue.Empty:
                yield None
                continue
            if result is None:
                running -= 1
            else:
                yield result

    def _feed(self, source: Iterator[Item], lock: threading.Lock) -> None:
        """Serve one worker until the items end or the run stops."""
        worker = _Worker(self._function, self._memory_mb, self._timeout_s, self._stop)
        try:
            while not self._stop.is_set():
                with lock:
                    item = next(source)
                self._put((item, worker.ask(item)))
        except (StopIteration, _StoppedError):
            pass
        except BaseException as error:  # handed to the consumer, which raises it
            self._failure = error
            self._stop.set()
        finally:
            worker.kill()
            self._put(None)

    def _put(self, result: tuple[Item, Result | ClipsearchError] | None) -> None:
        """Hand over a result, waiting for room; once the consumer has gone nobody waits for it."""
        while not self._abandoned:
            try:
                self._results.put(result, timeout=_POLL_S)
                return
            except queue.Full:
                continue


class _StoppedError(Exception):
    """The run was stopped while a worker was busy."""


class _DiedError(Exception):
    """A worker process ended before it answered."""


@dataclass(frozen=True)
class _Failed:
    """An exception of the worker's own code, as text, since not every exception survives a pipe."""

    text: str


class _Worker(Generic[Item, Result]):
    """A process and the pipe to it, started when first asked and again after it was lost."""

    def __init__(
        self, function: Callable[[Item], Result], memory_mb: int, timeout_s: float, stop: threading.Event
    ) -> None:
        self._target = (function, memory_mb)
        self._timeout_s = timeout_s
        self._stop = stop
        self._process: Any = None
        self._pipe: Any = None
        self._at_exit: Any = None

    def ask(self, item: Item) -> Result | ClipsearchError:
        """Return the function's result, or the error that stands for it."""
        for _ in range(_TRIES):
            try:
                return self._ask(item)
            except _DiedError:
                self.kill()
                if self._stop.is_set():
                    raise _StoppedError from None
        return _given_up("Reading the file made the reader crash or run out of memory.")

    def _ask(self, item: Item) -> Result | ClipsearchError:
        """Do so with one process. Raises _DiedError when it is lost."""
        if self._process is None:
            self._start()
        try:
            self._pipe.send(item)
            if not self._answered(self._timeout_s):
                self.kill()
                return _given_up(f"Reading the file took longer than {self._timeout_s:g} seconds.")
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise _DiedError from error
        if isinstance(answer, _Failed):
            raise ClipsearchError("Reading photos failed", answer.text)
        result: Result | ClipsearchError = answer
        return result

    def _start(self) -> None:
        """Start the process and wait until it is ready, so that no photo is blamed for a start that fails."""
        pipe, theirs = _SPAWN.Pipe()
        with theirs:
            process = _SPAWN.Process(target=_serve, args=(theirs, *self._target), daemon=True)
            with _no_signals():
                process.start()
        self._process, self._pipe = process, pipe
        self._at_exit = Finalize(None, self._end, exitpriority=0)
        try:
            ready = self._answered(_START_LIMIT_S) and pipe.recv()
        except (EOFError, OSError):
            ready = False
        if not ready:
            raise ClipsearchError("Reading photos failed", "A process that reads photos cannot be started.")

    def _answered(self, limit_s: float) -> bool:
        """Wait for the answer, the death of the process (which reads as an end of file) or the time limit."""
        deadline = time.monotonic() + limit_s
        while not self._pipe.poll(_POLL_S):
            if self._stop.is_set():
                raise _StoppedError
            if time.monotonic() > deadline:
                return False
        return True

    def _end(self) -> None:
        """End with a program that leaves its run open; the standard way is to ask, which workers do not hear."""
        self._stop.set()
        self._process.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._at_exit.cancel()
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None


def _serve(pipe: Connection, function: Callable[[Any], Any], memory_mb: int) -> None:
    """The worker process: answer items until the other end closes, which handles signals, too."""
    _ignore_signals()
    _yield_to_others()
    _limit_memory(memory_mb)
    try:
        pipe.send(True)
        while True:
            pipe.send(_answer(function, pipe.recv()))
    except (EOFError, OSError):
        return


def _answer(function: Callable[[Any], Any], item: Any) -> Any:
    try:
        return function(item)
    except ClipsearchError as error:
        return error
    except MemoryError:
        return _given_up("The picture needs more memory than a photo may use.")
    except Exception as error:  # told to the parent, which ends the run with it
        return _Failed(f"{type(error).__name__}: {error}")


def _given_up(reason: str) -> UnreadablePhotoError:
    return UnreadablePhotoError(reason, by_reader=True)


@contextmanager
def _no_signals() -> Iterator[None]:
    """Let a process that is started here hold back, from its beginning, what ends a whole group of processes.

    That is Ctrl+C and a closed terminal, and a service that is stopped. Windows cannot; there it may print a traceback
    if it is interrupted while it starts.
    """
    if os.name == "nt":
        yield
        return
    from multiprocessing import resource_tracker  # of POSIX systems

    before = signal.pthread_sigmask(signal.SIG_BLOCK, _of_a_group())
    try:
        resource_tracker.ensure_running()  # now, since starting it lets some signals through again
        signal.pthread_sigmask(signal.SIG_BLOCK, _of_a_group())
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_signals() -> None:
    """Leave it to the other end of the pipe to stop, and forget what was held back (see `_no_signals`)."""
    for number in _of_a_group():
        signal.signal(number, signal.SIG_IGN)
    if os.name != "nt":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _of_a_group())


def _of_a_group() -> set[signal.Signals]:
    """Return the signals that reach every process of a program, which its main process answers."""
    return {each for each in signal.Signals if each.name in {"SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"}}


def _yield_to_others() -> None:
    """Run below the encoder, which everything waits for, and below the user's other programs, at the disk as well."""
    import psutil

    this = psutil.Process()
    with suppress(OSError, psutil.Error):  # a system may refuse; then the work is done at the usual priority
        this.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else this.nice() + _NICER)
        if os.name == "nt":
            this.ionice(psutil.IOPRIO_LOW)
        elif hasattr(this, "ionice"):  # Linux
            this.ionice(psutil.IOPRIO_CLASS_BE, _LAST_AT_THE_DISK)


def _limit_memory(megabytes: int) -> None:
    """Let this process take so much more address space, where the system can (Windows cannot, macOS ignores it)."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _address_space() + megabytes * 1024 * 1024
    size = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))
    except (ValueError, OSError):
        return


def _address_space() -> int:
    """Return the bytes mapped so far, which grow with the cores (each thread reserves some); 0 where unknown."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[0]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
