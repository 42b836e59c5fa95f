"""The files that wait to be read; those in the folder that the user is looking at come first."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator

from clipsearch.library.indexing.prepare import PendingFile
from clipsearch.library.indexing.priority import Priority


class Queue:
    """Hands out files in the order of the scan, the preferred folder's before the others. Safe between threads."""

    def __init__(self, priority: Priority) -> None:
        self._priority = priority
        self._ordered_for = priority.preferred
        self._files: deque[PendingFile] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._files)

    def add(self, files: Iterable[PendingFile]) -> None:
        """Put files at the end."""
        with self._lock:
            self._files.extend(files)
            self._ordered_for = None

    def taken(self) -> Iterator[PendingFile]:
        """Yield the files until there are none."""
        while (file := self._next()) is not None:
            yield file

    def _next(self) -> PendingFile | None:
        with self._lock:
            preferred = self._priority.preferred
            if preferred != self._ordered_for:
                self._ordered_for = preferred
                start = "" if preferred is None else os.path.join(preferred, "")
                self._files = deque(sorted(self._files, key=lambda file: not str(file.found.path).startswith(start)))
            return self._files.popleft() if self._files else None
