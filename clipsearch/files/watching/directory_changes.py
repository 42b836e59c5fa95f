"""Watching a folder on Windows: ReadDirectoryChangesW through watchdog's reader.

The reader passes over an overflow (an answer without events) and ends without a word when the folder is gone; both
are reported here. It also holds events back until there is a pause, so its buffers are taken one at a time.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from clipsearch.files.watching.events import FolderEvents, UnwatchableError
from clipsearch.paths import extended

_TAKE_S = 1.0


class NativeEvent(Protocol):
    """What watchdog makes of a record: `src_path` is relative, with "\\" separators."""

    src_path: str
    is_added: bool
    is_removed: bool
    is_removed_self: bool
    is_renamed_new: bool
    is_renamed_old: bool


class DirectoryChanges:
    """Watches a folder and all below it. Raises UnwatchableError."""

    def __init__(self, events: FolderEvents, reader: Any = None) -> None:
        self._events = events
        self._is_closed = False
        try:
            self._reader = (reader or reader_type())(str(events.folder), recursive=True)
            self._reader.on_lost = self._on_lost
            self._reader.start()
        except (OSError, queue.Empty) as error:
            raise UnwatchableError(f"it cannot be watched: {error}", events.folder) from error
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching; no event is reported any more."""
        self._is_closed = True
        self._reader.stop()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closed:
            report(self._events, self._reader.get_events(_TAKE_S))

    def _on_lost(self) -> None:
        if not self._is_closed:
            self._events.lost()


def report(events: FolderEvents, natives: Iterable[NativeEvent]) -> None:
    """Turn what Windows tells into events. It does not tell whether what is gone was a file."""
    for native in natives:
        relative = native.src_path.replace("\\", "/")
        if native.is_removed_self:
            events.lost()
        elif native.is_removed or native.is_renamed_old:
            events.removed(relative, is_file=None)
        elif os.path.isdir(extended(events.folder / relative)):
            if native.is_added or native.is_renamed_new:
                events.appeared(relative)
        elif native.is_renamed_new:
            events.came(relative)
        else:
            events.wrote(relative)


def reader_type() -> Any:
    """Return watchdog's reader, made to tell of what is lost; there is one on Windows only."""
    from watchdog.observers.winapi import (
        DirectoryChangeReader,
        WinAPINativeEvent,
        _parse_event_buffer,
        _parse_extended_event_buffer,
    )

    def parse(buffer: bytes, is_extended: bool) -> list[Any]:
        records = _parse_extended_event_buffer(buffer) if is_extended else _parse_event_buffer(buffer)
        return [WinAPINativeEvent(*record) for record in records]

    return telling(DirectoryChangeReader, parse)


def telling(base: Any, parse: Callable[[bytes, bool], list[Any]]) -> Any:
    """Return a reader like `base` that calls its `on_lost` for an overflow or its end, and takes buffers singly."""

    class Reader(base):  # type: ignore[misc]
        on_lost: Callable[[], None]

        def _run_inner(self, handle: Any, event_buffer: Any, nbytes: Any) -> None:
            nbytes.value = 0
            try:
                super()._run_inner(handle, event_buffer, nbytes)
            except OSError:
                self._should_stop = True
            if not nbytes.value:
                self.on_lost()

        def get_events(self, timeout: float) -> list[Any]:
            try:
                buffer, is_extended = self._buf_queue.get(timeout=timeout)
            except queue.Empty:
                return []
            return parse(buffer, is_extended) if buffer else []

    return Reader
