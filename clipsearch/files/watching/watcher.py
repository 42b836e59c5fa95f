"""Watch folders: what changes in them comes as quiet batches of places to be looked at again.

A folder is dirty as a whole whenever watching it begins: at the start, after events were lost, after it was away. So
nothing is missed between a scan and the watch, and whoever looks at each batch knows the folders as they are. What
cannot be watched (the system's limits, network shares) is dirty as a whole now and then instead.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from clipsearch.files.rules import Rules
from clipsearch.files.scan import Place
from clipsearch.files.volumes import volume_of
from clipsearch.files.watching.dirty import Batch, DirtyPlaces
from clipsearch.files.watching.events import FolderEvents, UnwatchableError, Watch


class Pace(NamedTuple):
    """How often things are looked at, in seconds."""

    listen_s: float = 0.5  # whether something is dirty
    look_s: float = 5.0  # whether a folder is still there, and still the same
    poll_s: float = 60.0  # a folder that cannot be watched
    network_s: float = 300.0  # a folder on a network share
    retry_s: float = 1800.0  # whether a folder can be watched by now
    shortest_pause_s: float = 1.0  # before watching again what was lost,
    longest_pause_s: float = 60.0  # the longer the more often it is lost
    polls_per_work: float = 20.0  # looking through polled folders takes at most so small a part of the time


_USUAL_RULES, _USUAL_PACE = Rules(), Pace()


class Watcher:
    """Watches folders in threads of their own, so that none that hangs or is large holds up another."""

    def __init__(self, rules: Rules = _USUAL_RULES, dirty: DirtyPlaces | None = None, pace: Pace = _USUAL_PACE) -> None:
        self._rules = rules
        self._dirty = dirty or DirtyPlaces()
        self._pace = pace
        self._watched: dict[Path, _FolderWatch] = {}
        self._notices: list[str] = []
        self._taken_s: float | None = None
        self._worked_s = 0.0

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders from now on, and no others."""
        wanted = set(folders)
        for folder in self._watched.keys() - wanted:
            self._watched.pop(folder).close()
            self._dirty.forget(folder)
        for folder in sorted(wanted - self._watched.keys()):
            self._watched[folder] = _FolderWatch(folder, self._rules, self._dirty, self._pace, self)
            self._watched[folder].start()

    @property
    def is_ready(self) -> bool:
        """Whether every folder is watched, is polled, or is not there."""
        return all(watched.is_ready.is_set() for watched in self._watched.values())

    @property
    def is_any_away(self) -> bool:
        """Whether a folder is not there, so that its drive may turn up elsewhere."""
        return any(watched.is_away for watched in self._watched.values())

    def next_batch(self, stop: threading.Event, timeout_s: float = float("inf")) -> Batch:
        """Wait until something is dirty and all is quiet; an empty batch after `timeout_s`, or when `stop` is set."""
        now_s = time.monotonic()
        self._worked_s = now_s - self._taken_s if self._taken_s is not None else 0.0
        self._taken_s = None
        end_s = now_s + timeout_s
        while not stop.is_set():
            due_s = self._dirty.due_in()
            if due_s == 0 and (batch := self._of_watched(self._dirty.take())).places:
                self._taken_s = time.monotonic()
                return batch
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                break
            stop.wait(min(left_s, self._pace.listen_s, due_s or self._pace.listen_s))
        return Batch({})

    def put_back(self, batch: Batch) -> None:
        """Hand a batch out again with the next one, as nobody could look at it."""
        self._dirty.put_back(batch)

    def look_at_all(self) -> None:
        """Make every folder dirty as a whole."""
        for folder in self._watched:
            self._dirty.mark(folder, Place(""), at_once=True)

    def take_notices(self) -> list[str]:
        """Return what there is to say about folders that cannot be watched, once, a sentence each."""
        notices, self._notices = self._notices, []
        return notices

    def note(self, sentence: str) -> None:
        """Keep a sentence for `take_notices`."""
        self._notices.append(sentence)

    def poll_s(self, usual_s: float) -> float:
        """Return the time between two looks at a polled folder: longer where a look takes long."""
        return max(usual_s, self._pace.polls_per_work * self._worked_s)

    def close(self) -> None:
        """Stop watching. Returns before the threads of folders that hang have ended."""
        for watched in self._watched.values():
            watched.close()
        for watched in self._watched.values():
            watched.join(timeout=5.0)
        self._watched = {}

    def _of_watched(self, batch: Batch) -> Batch:
        places = {folder: places for folder, places in batch.places.items() if folder in self._watched}
        return batch._replace(places=places)


class _FolderWatch(threading.Thread):
    """Watches one folder, or polls it, as long as it is wanted."""

    def __init__(self, folder: Path, rules: Rules, dirty: DirtyPlaces, pace: Pace, watcher: Watcher) -> None:
        super().__init__(name=f"watch {folder.name}", daemon=True)
        self._folder = folder
        self._dirty = dirty
        self._rules = rules
        self._pace = pace
        self._watcher = watcher
        self._wake = threading.Event()
        self._is_closed = False
        self._is_lost = False
        self._pause_s = pace.shortest_pause_s
        self._said = ""
        self.is_ready = threading.Event()
        self.is_away = False

    def run(self) -> None:
        while not self._is_closed:
            if is_on_network(self._folder):
                self._poll("it lies on a network share", self._pace.network_s)
            elif (identity := _identity(self._folder)) is None:
                self._wait_until_there()
            else:
                self._watch(identity)

    def close(self) -> None:
        """Ask the thread to end soon."""
        self._is_closed = True
        self._wake.set()

    def _on_lost(self) -> None:
        self._is_lost = True
        self._wake.set()

    def _watch(self, identity: tuple[int, int]) -> None:
        began_s = time.monotonic()
        self._is_lost = False
        try:
            watch = begin(FolderEvents(self._folder, self._rules, self._dirty, self._on_lost))
        except UnwatchableError as error:
            self._poll(error.message, self._pace.poll_s)
            return
        self._said = ""
        self._begin_anew()
        while not (self._is_closed or self._is_lost) and _identity(self._folder) == identity:
            self._sleep(self._pace.look_s)
        watch.close()
        self._pause(time.monotonic() - began_s)

    def _begin_anew(self) -> None:
        """What happened before is not known: all of the folder is to be looked at."""
        self._dirty.mark(self._folder, Place(""), at_once=True)
        self.is_ready.set()

    def _pause(self, held_s: float) -> None:
        """Wait before watching again: longer each time, if watching does not hold."""
        if held_s > self._pace.longest_pause_s:
            self._pause_s = self._pace.shortest_pause_s
        self._is_lost = False
        self._sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, self._pace.longest_pause_s)

    def _wait_until_there(self) -> None:
        self.is_away = True
        self._begin_anew()
        while not self._is_closed and _identity(self._folder) is None:
            self._sleep(self._pace.look_s)
        self.is_away = False

    def _poll(self, reason: str, usual_s: float) -> None:
        """Look through the folder now and then, until it may be watched."""
        self._say(reason, usual_s)
        until_s, limits = time.monotonic() + self._pace.retry_s, system_limits()
        while not self._is_closed:
            self._begin_anew()
            self._sleep(self._watcher.poll_s(usual_s))
            if time.monotonic() > until_s or system_limits() != limits:
                return

    def _say(self, reason: str, usual_s: float) -> None:
        often = "minute" if usual_s <= 60 else f"{usual_s / 60:.0f} minutes"
        sentence = f"{self._folder} is looked through every {often} instead of watched, as {reason}."
        if sentence != self._said:
            self._said = sentence
            self._watcher.note(sentence)

    def _sleep(self, seconds: float) -> None:
        """Wait, but not when the watch is lost or not wanted any more."""
        if not (self._is_closed or self._is_lost):
            self._wake.wait(seconds)
        self._wake.clear()


def begin(events: FolderEvents) -> Watch:
    """Watch a folder as this system does it. Raises UnwatchableError."""
    if sys.platform.startswith("linux"):
        from clipsearch.files.watching.inotify import Inotify

        return Inotify(events)
    if sys.platform == "darwin":
        from clipsearch.files.watching.fsevents import FsEvents

        return FsEvents(events)
    if sys.platform == "win32":
        from clipsearch.files.watching.directory_changes import DirectoryChanges

        return DirectoryChanges(events)
    raise UnwatchableError("this system has no way to watch it", events.folder)


def is_on_network(folder: Path) -> bool:
    """Tell whether a folder lies on a network share, where only changes made on this machine would be told."""
    volume = volume_of(folder)
    return volume is not None and volume.kind == "network"


def system_limits() -> tuple[str, ...]:
    """Return the system's limits for watching, to be compared."""
    if sys.platform.startswith("linux"):
        from clipsearch.files.watching.inotify import limits

        return limits()
    return ()


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one of the same path; None while it is not there."""
    try:
        stat = folder.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
