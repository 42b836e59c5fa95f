"""One process at a time indexes a library; the second is told who holds it.

The lock is a file that the system lets go of when its process ends, however it ends. What stands in `indexing.json`
beside it is only for people: {"activity", "pid", "host", "since"}, the last in seconds since 1970.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from clipsearch.errors import CatalogError, LibraryBusyError

_LOCK = "indexing.lock"
_HOLDER = "indexing.json"
_WHO = {  # activity -> how the user knows it
    "window": "The window",
    "index": "`clipsearch index`",
    "watch": "`clipsearch watch`",
    "folders": "`clipsearch folders remove`",
    "verify": "`clipsearch verify --repair`",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who indexes: what it is, its process on which computer, and since when (seconds since 1970)."""

    activity: str
    pid: int
    host: str
    since: float

    def told(self, now: float) -> str:
        """Return who holds the library since when, as the beginning of a sentence."""
        who = _WHO.get(self.activity, "Another clipsearch")
        where = f"process {self.pid}" + ("" if self.host == _this_host() else f" on the computer {self.host}")
        return f"{who} ({where}) has been indexing this library{_since(self.since, now)}"

    def may_live(self) -> bool:
        """Tell whether the process is still there; one on another computer may be."""
        import psutil

        return self.host != _this_host() or (0 < self.pid < 2**31 and psutil.pid_exists(self.pid))


@contextmanager
def indexing_lock(folder: Path, activity: str = "index") -> Iterator[None]:
    """Be the one process that indexes the library in `folder`, which is made if it is not there.

    `activity` is "window", "index", "watch", "folders" or "verify". Raises LibraryBusyError while another process
    indexes it (or this one does, elsewhere), and CatalogError when the library may not be written.
    """
    lock = _acquire(folder)
    try:
        _write_holder(folder, Holder(activity, os.getpid(), _this_host(), time.time()))
        yield
    finally:
        with suppress(OSError):
            (folder / _HOLDER).unlink()
        lock.release()


def _acquire(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not thread-local: a generator may be closed by another thread than the one that ran it.
        lock = FileLock(folder / _LOCK, thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise LibraryBusyError(f"{_told(folder)}; wait until it has finished, or stop it.", folder) from None
    except OSError as error:
        raise CatalogError(f"The library may not be written ({error.strerror}).", folder) from error
    return lock


def _told(folder: Path) -> str:
    holder = _read_holder(folder)
    if holder is None or not holder.may_live():  # left behind by a process that was killed
        return "Another clipsearch is indexing this library"
    return holder.told(time.time())


def _read_holder(folder: Path) -> Holder | None:
    """Return who holds the library as far as it says so."""
    try:
        values = json.loads((folder / _HOLDER).read_text("utf-8"))
        return Holder(str(values["activity"]), int(values["pid"]), str(values["host"]), float(values["since"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _write_holder(folder: Path, holder: Holder) -> None:
    """Say who holds the library, whole or not at all; where that cannot be said, the lock holds all the same."""
    scratch = folder / f"{_HOLDER}.new"
    with suppress(OSError):
        scratch.write_text(json.dumps(asdict(holder)), "utf-8")
        scratch.replace(folder / _HOLDER)


def _since(since: float, now: float) -> str:
    """Return " since 10:32", with the date unless it was in the last day; nothing for a time that cannot be."""
    if not 0 < since <= now:
        return ""
    try:
        return datetime.fromtimestamp(since).strftime(
            " since %H:%M" if now - since < 86_400 else " since %Y-%m-%d %H:%M"
        )
    except (OSError, ValueError, OverflowError):
        return ""


def _this_host() -> str:
    return platform.node()
