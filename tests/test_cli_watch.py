"""`clipsearch watch` as a script sees it: real processes, real events, the real model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clipsearch import cli_watch
from clipsearch.paths import resource_path
from clipsearch.records import Change, ChangeKind
from tests.pictures import paint
from tests.test_cli import assert_one_error, clipsearch, lines, own_home, posix

__all__ = ["own_home"]  # a fixture

DEMO = resource_path("demo")
PATIENCE_S = 60.0


class Watching:
    """The command under way, and what it has said so far."""

    def __init__(self, *arguments: object) -> None:
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clipsearch", "watch", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            creationflags=flags,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, lines: list[str]) -> None:
        with stream:
            lines.extend(line.rstrip("\n") for line in iter(stream.readline, ""))

    def until(self, condition: Callable[[], object]) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end_s and self.process.poll() is None, (self.out, self.err)
            time.sleep(0.02)

    def told(self, **values: object) -> bool:
        return values in [json.loads(line) for line in self.out]

    def end(self, number: int | None = None) -> int:
        self.process.send_signal(number or getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()


@pytest.fixture
def watching() -> Iterator[Callable[..., Watching]]:
    begun: list[Watching] = []

    def begin(*arguments: object) -> Watching:
        begun.append(Watching(*arguments))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def test_changes_are_lines_on_stdout_at_once(watching: Callable[..., Watching], tmp_path: Path) -> None:
    photos, library = tmp_path / "photos", tmp_path / "library"
    photos.mkdir()
    shutil.copy(DEMO / "dog.jpg", photos)
    (photos / "bad.jpg").write_bytes(b"no picture")
    told = watching(photos, "--library", library, "--json")
    told.until(lambda: told.told(change="added", path=str(photos / "dog.jpg")))
    told.until(lambda: "Watching 1 folder." in told.err)
    shutil.copy(DEMO / "cat.jpg", photos)
    told.until(lambda: told.told(change="added", path=str(photos / "cat.jpg")))
    (photos / "cat.jpg").rename(photos / "tom.jpg")
    moved = {"change": "moved", "path": str(photos / "tom.jpg"), "from": str(photos / "cat.jpg")}
    told.until(lambda: told.told(**moved))
    (photos / "tom.jpg").unlink()
    told.until(lambda: told.told(change="removed", path=str(photos / "tom.jpg")))
    assert told.end() == 0
    assert told.err == ["Watching 1 folder.", "Stopped; what is done is kept."]
    assert len(told.out) == 5
    (problem,) = [json.loads(line) for line in told.out if "bad.jpg" in line]
    assert problem.pop("reason")
    assert problem == {"change": "problem", "path": str(photos / "bad.jpg")}
    (status,) = lines(clipsearch("status", "--library", library, "--json"))
    assert (status["photos"], status["pending"]) == (1, 0)


@posix
def test_it_ends_in_an_orderly_way_when_asked_to(watching: Callable[..., Watching], tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "photos")
    told = watching(tmp_path / "photos", "--library", tmp_path / "library")
    told.until(lambda: told.out)
    assert told.end(signal.SIGTERM) == 0
    assert told.err[-1] == "Stopped; what is done is kept."
    assert told.out[0].startswith(f"added {tmp_path / 'photos'}")
    assert clipsearch("verify", "--library", tmp_path / "library").returncode == 0


def test_without_folders_there_is_nothing_to_watch(tmp_path: Path) -> None:
    assert_one_error(clipsearch("watch", "--library", tmp_path / "library"))


def test_a_folder_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    assert_one_error(clipsearch("watch", tmp_path / "missing", "--library", tmp_path / "library"))


@pytest.mark.parametrize("command", ["index", "watch"])
def test_an_empty_name_is_not_the_current_folder(tmp_path: Path, command: str) -> None:
    paint(tmp_path / "a.png")
    done = clipsearch(command, "", "--library", tmp_path / "library", cwd=tmp_path)
    assert_one_error(done)
    assert "empty" in done.stderr
    assert lines(clipsearch("index", ".", "--library", tmp_path / "library", "--json", cwd=tmp_path))[0]["added"] == 1


# Lines, without a process


def told_by(capsys: pytest.CaptureFixture[str], as_json: bool, *changes: Change) -> list[str]:
    news = cli_watch._News(as_json)
    for change in changes:
        news.tell((change,))
    return capsys.readouterr().out.splitlines()


def test_changes_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    strange = Path(os.fsdecode(b"/a\nb\xff.jpg")) if os.name == "posix" else Path("/a\nb.jpg")
    changes = [
        Change(ChangeKind.ADDED, Path("/a.jpg")),
        Change(ChangeKind.MOVED, Path("/b.jpg"), came_from=Path("/a.jpg")),
        Change(ChangeKind.PROBLEM, Path("/c.jpg"), reason="It is empty."),
        Change(ChangeKind.REMOVED, strange),
    ]
    words = told_by(capsys, False, *changes)
    assert words[:3] == [
        f"added {Path('/a.jpg')}",
        f"moved {Path('/a.jpg')} -> {Path('/b.jpg')}",
        f"problem {Path('/c.jpg')}: It is empty.",
    ]
    assert words[3].startswith("removed ")
    assert len(words) == 4


def test_a_problem_is_told_once_until_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Change(ChangeKind.PROBLEM, Path("/a.jpg"), reason="It is empty.")
    another = Change(ChangeKind.PROBLEM, Path("/a.jpg"), reason="It is damaged.")
    added = Change(ChangeKind.ADDED, Path("/a.jpg"))
    words = told_by(capsys, True, problem, problem, another, another, added, problem)
    assert [json.loads(line).get("reason") for line in words] == [
        "It is empty.",
        "It is damaged.",
        None,
        "It is empty.",
    ]


def test_progress_is_shown_on_a_terminal_and_taken_away(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("needs a pseudo-terminal")
    import pty

    shutil.copy(paint(tmp_path / "a.png"), tmp_path / "b.png")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "clipsearch", "watch", str(tmp_path), "--library", str(tmp_path / "library")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, text=True) as process:
        os.close(slave)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("added ")
            process.terminate()
            shown = b""
            while chunk := _read(master):
                shown += chunk
        finally:
            process.kill()
    os.close(master)
    assert b"Scanning" in shown
    assert shown.endswith(b"Stopped; what is done is kept.\r\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""
