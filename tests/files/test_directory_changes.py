"""What Windows tells of a folder, by a reader that behaves as watchdog's does there."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clipsearch.files.watching.directory_changes import DirectoryChanges, report, telling
from clipsearch.files.watching.events import UnwatchableError
from tests.files.test_fsevents import Heard

KINDS = ("is_added", "is_removed", "is_removed_self", "is_renamed_new", "is_renamed_old", "is_modified")


def native(kind: str, path: str) -> Any:
    return SimpleNamespace(src_path=path, **{name: name == kind for name in KINDS})


@pytest.fixture
def heard(folder: Path) -> Heard:
    (folder / "there").mkdir()
    (folder / "there" / "a.jpg").touch()
    return Heard(folder)


@pytest.mark.parametrize(
    ("kind", "path", "told"),
    [
        ("is_added", "there\\a.jpg", [("wrote", "there/a.jpg")]),
        ("is_modified", "there\\a.jpg", [("wrote", "there/a.jpg")]),
        ("is_renamed_new", "there\\a.jpg", [("came", "there/a.jpg")]),
        ("is_renamed_old", "there\\b.jpg", [("removed", "there/b.jpg", None)]),
        ("is_removed", "gone", [("removed", "gone", None)]),
        ("is_added", "there", [("appeared", "there")]),
        ("is_renamed_new", "there", [("appeared", "there")]),
        ("is_modified", "there", []),
        ("is_removed_self", ".", [("lost",)]),
    ],
)
def test_records_are_understood(heard: Heard, kind: str, path: str, told: list[object]) -> None:
    report(heard, [native(kind, path)])
    assert heard.told == told


class Reader:
    """watchdog's reader, as far as it is used: answers are what ReadDirectoryChangesW says, in turn."""

    def __init__(self, path: str, *, recursive: bool) -> None:
        self._buf_queue: queue.Queue[tuple[bytes, bool]] = queue.Queue()
        self._should_stop = False
        self.answers: queue.Queue[bytes | OSError] = queue.Queue()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._should_stop = True
        self.answers.put(b"")
        self._thread.join()

    def _run(self) -> None:
        while not self._should_stop:
            self._run_inner(None, None, SimpleNamespace(value=0))

    def _run_inner(self, handle: Any, event_buffer: Any, nbytes: Any) -> None:
        answer = self.answers.get()
        if isinstance(answer, OSError):
            raise answer
        nbytes.value = len(answer)
        self._buf_queue.put((answer, True))


def parse(buffer: bytes, is_extended: bool) -> list[Any]:
    assert is_extended
    return [native("is_modified", buffer.decode())]


def heard_after(heard: Heard, *answers: bytes | OSError) -> list[tuple[object, ...]]:
    changes = DirectoryChanges(heard, telling(Reader, parse))
    for answer in answers:
        changes._reader.answers.put(answer)
    while not (changes._reader.answers.empty() and changes._reader._buf_queue.empty()):
        time.sleep(0.01)
    changes.close()
    return heard.told


def test_an_answer_without_events_is_a_loss(heard: Heard) -> None:
    assert heard_after(heard, b"a.jpg", b"", b"b.jpg").count(("lost",)) == 1
    assert {("wrote", "a.jpg"), ("wrote", "b.jpg")} <= set(heard.told)


def test_the_reader_s_end_is_a_loss(heard: Heard) -> None:
    assert heard_after(heard, OSError(1022, "the buffer was too small")) == [("lost",)]


def test_the_end_that_was_asked_for_is_none(heard: Heard) -> None:
    assert heard_after(heard) == []


def test_a_folder_that_cannot_be_opened_is_told(heard: Heard) -> None:
    class Refused(Reader):
        def start(self) -> None:
            raise OSError(5, "Access is denied")

    with pytest.raises(UnwatchableError, match=r"^it cannot be watched: .*Access is denied"):
        DirectoryChanges(heard, telling(Refused, parse))
