from __future__ import annotations

from pathlib import Path

from clipsearch.library.indexing.prepare import PendingFile
from clipsearch.library.indexing.priority import Priority
from clipsearch.library.indexing.queue import Queue
from clipsearch.records import FoundFile


def file(path: str) -> PendingFile:
    return PendingFile(1, FoundFile(Path("/photos"), path, 1, 1), ("model",))


def test_the_preferred_folder_comes_first_from_the_moment_of_the_wish() -> None:
    priority = Priority()
    queue = Queue(priority)
    queue.add(map(file, ["a/1", "b/1", "a/2", "b/2", "bc/3"]))
    taken = queue.taken()
    assert next(taken).found.relative_path == "a/1"
    priority.prefer(Path("/photos/b"))
    assert [next(taken).found.relative_path for _ in range(2)] == ["b/1", "b/2"]
    queue.add(map(file, ["a/9", "b/9"]))
    assert next(taken).found.relative_path == "b/9"
    priority.prefer(None)
    assert [one.found.relative_path for one in taken] == ["a/2", "bc/3", "a/9"]
    assert len(queue) == 0
