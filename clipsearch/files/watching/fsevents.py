"""Watching a folder on macOS: one FSEvents stream, whose raw flags are read here.

watchdog passes over the flag by which the system says that it lost events; and it guesses moves and histories, which
nobody here needs.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from typing import Any

from clipsearch.files.watching.events import FolderEvents, UnwatchableError

# FSEventStreamEventFlags, as in CoreServices' FSEvents.h
_MUST_SCAN_BELOW, _USER_DROPPED, _KERNEL_DROPPED = 0x1, 0x2, 0x4
_ROOT_CHANGED, _MOUNT, _UNMOUNT = 0x20, 0x40, 0x80
_RENAMED, _IS_DIRECTORY = 0x800, 0x20000
_LOST = _MUST_SCAN_BELOW | _USER_DROPPED | _KERNEL_DROPPED | _MOUNT | _UNMOUNT


class FsEvents:
    """Watches a folder and all below it. Raises UnwatchableError."""

    def __init__(self, events: FolderEvents) -> None:
        self._reports = FsEventReports(events)
        try:
            self._stream = _stream(str(events.folder), self._reports)
            self._stream.start()
        except Exception as error:  # the stream says SystemError, ValueError and others
            raise UnwatchableError(f"it cannot be watched: {error}", events.folder) from error

    def close(self) -> None:
        """Stop watching; no event is reported any more."""
        self._reports.is_closed = True
        self._stream.stop()
        self._stream.join()


class FsEventReports:
    """Turns the paths and flags of a stream into events. Its paths are real ones: links on the way are followed."""

    def __init__(self, events: FolderEvents) -> None:
        self._events = events
        self._roots = [_plain_steps(os.path.realpath(events.folder)), _plain_steps(os.path.abspath(events.folder))]
        self.is_closed = False

    def report(self, paths: Sequence[bytes | str], flags: Sequence[int]) -> None:
        """Report what a stream has told; called in the thread of the stream."""
        for path, flag in zip(paths, flags, strict=True):
            if not self.is_closed:
                self._report_one(os.fsdecode(path), flag)

    def _report_one(self, path: str, flag: int) -> None:
        relative = self._relative(path)
        if flag & _ROOT_CHANGED:
            self._events.lost()
        elif relative is None:  # a name that is written in another way, or a loss somewhere above
            self._events.appeared("")
        elif flag & _LOST:
            self._events.appeared(relative)
        elif flag & _IS_DIRECTORY:
            self._on_directory(relative, is_there=os.path.isdir(path))
        elif not os.path.lexists(path):
            self._events.removed(relative, is_file=True)
        elif flag & _RENAMED:
            self._events.came(relative)
        else:
            self._events.wrote(relative)

    def _on_directory(self, relative: str, is_there: bool) -> None:
        """A directory came, went, or was only touched, which one flag for several events does not tell apart."""
        if is_there:
            self._events.appeared(relative)
        else:
            self._events.removed(relative, is_file=False)

    def _relative(self, path: str) -> str | None:
        """Return the path inside the folder, None if it does not lie there."""
        steps, plain = path.rstrip("/").split("/"), _plain_steps(path.rstrip("/"))
        for root in self._roots:
            if plain[: len(root)] == root:
                return "/".join(steps[len(root) :])
        return None


def _plain_steps(path: str) -> list[str]:
    """Return the names on the way to a path, written so that two ways to write them in Unicode, or case, are one."""
    return unicodedata.normalize("NFC", path).casefold().split("/")


def _stream(folder: str, reports: FsEventReports) -> Any:
    """Return watchdog's thread around a stream, which hands over what the system tells as it is."""
    from watchdog.observers.api import EventQueue, ObservedWatch
    from watchdog.observers.fsevents import FSEventsEmitter

    class Stream(FSEventsEmitter):
        def events_callback(self, paths: list[bytes], inodes: list[int], flags: list[int], ids: list[int]) -> None:
            reports.report(paths, flags)

    return Stream(EventQueue(), ObservedWatch(unicodedata.normalize("NFC", folder), recursive=True))
