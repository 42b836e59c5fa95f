from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from clipsearch.errors import CatalogError, LibraryBusyError
from clipsearch.library.indexing.lock import indexing_lock

_HOLD = (
    "import sys; from pathlib import Path; from clipsearch.library.indexing.lock import indexing_lock\n"
    "with indexing_lock(Path(sys.argv[1]), activity='window'):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@contextmanager
def other_process(library: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLD, str(library)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@contextmanager
def held(library: Path, **holder: Any) -> Iterator[None]:
    """Hold the lock as someone of whom the holder's file says this."""
    library.mkdir()
    (library / "indexing.json").write_text(json.dumps(holder))
    with FileLock(library / "indexing.lock"):
        yield


def refusal(library: Path) -> str:
    with pytest.raises(LibraryBusyError) as refused, indexing_lock(library):
        pass
    return refused.value.message


def test_the_second_is_told_who_holds_the_library(library: Path) -> None:
    with other_process(library) as process:
        before = datetime.now()
        words = refusal(library)
        times = {
            moment.strftime("%H:%M") for moment in (before, datetime.now(), datetime.fromtimestamp(time.time() - 60))
        }
        assert words in {
            f"The window (process {process.pid}) has been indexing this library since {moment};"
            " wait until it has finished, or stop it."
            for moment in times
        }


def test_two_in_one_process_exclude_each_other(library: Path) -> None:
    with indexing_lock(library, "watch"):
        assert refusal(library).startswith(f"`clipsearch watch` (process {os.getpid()}) ")
    with indexing_lock(library):
        pass


def test_a_killed_holder_lets_go(library: Path) -> None:
    with other_process(library) as process:
        process.kill()
        process.wait()
        assert (library / "indexing.json").exists()
        with indexing_lock(library):
            pass
    assert not (library / "indexing.json").exists()


def test_what_a_killed_holder_left_is_not_taken_for_the_next(library: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    with held(library, activity="index", pid=gone.pid, host=platform.node(), since=time.time()):
        assert refusal(library).startswith("Another clipsearch is indexing this library;")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff\xfe", b'{"since": 1e999}'])
def test_a_holder_that_cannot_be_read_is_another_clipsearch(library: Path, content: bytes) -> None:
    with held(library):
        (library / "indexing.json").write_bytes(content)
        assert refusal(library).startswith("Another clipsearch is indexing this library;")


def test_a_holder_on_another_computer_is_named(library: Path) -> None:
    since = datetime.now().timestamp() - 3 * 86_400
    with held(library, activity="index", pid=7, host="attic", since=since):
        day = datetime.fromtimestamp(since).strftime("%Y-%m-%d %H:%M")
        assert f"`clipsearch index` (process 7 on the computer attic) has been indexing this library since {day};" in (
            refusal(library)
        )


@pytest.mark.parametrize("since", [-5.0, 1e300, time.time() + 1e6])
def test_a_time_that_cannot_be_is_not_told(library: Path, since: float) -> None:
    with held(library, activity="index", pid=os.getpid(), host=platform.node(), since=since):
        assert " since " not in refusal(library)


def test_a_failing_holder_lets_go(library: Path) -> None:
    with pytest.raises(ZeroDivisionError), indexing_lock(library):
        raise ZeroDivisionError
    with indexing_lock(library):
        pass


def test_a_library_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogError, match="may not be written"), indexing_lock(tmp_path / "file" / "library"):
        pass
