"""Folders watched for real, with the system's own events; its limits, losses and other systems' words injected."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clipsearch.files.rules import Rules
from clipsearch.files.scan import Place
from clipsearch.files.watching import inotify
from clipsearch.files.watching import watcher as watch
from clipsearch.files.watching.dirty import DirtyPlaces
from clipsearch.files.watching.watcher import Pace, Watcher

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX names and links")

WHOLE = [Place("")]
QUICK = Pace(
    listen_s=0.02,
    look_s=0.05,
    poll_s=0.2,
    network_s=0.2,
    shortest_pause_s=0.01,
    longest_pause_s=0.05,
    polls_per_work=0,
)
PATIENCE_S = 10.0


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    watcher = Watcher(dirty=DirtyPlaces(quiet_s=0.1, longest_s=2.0), pace=QUICK)
    yield watcher
    watcher.close()


def batch(watcher: Watcher, timeout_s: float = PATIENCE_S) -> dict[Path, list[Place]]:
    return {folder: list(places) for folder, places in watcher.next_batch(threading.Event(), timeout_s).places.items()}


def begin(watcher: Watcher, *folders: Path) -> None:
    """Watch folders until each has been handed out as a whole."""
    watcher.watch(folders)
    seen: set[Path] = set()
    while seen != set(folders):
        seen |= batch(watcher).keys()


def is_calm(watcher: Watcher) -> bool:
    return batch(watcher, 0.3) == {}


def until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


# What is told


def test_a_folder_is_dirty_as_a_whole_when_watching_begins(watcher: Watcher, folder: Path) -> None:
    watcher.watch([folder])
    assert batch(watcher) == {folder: WHOLE}
    assert watcher.is_ready
    assert is_calm(watcher)


def test_a_new_picture_makes_its_directory_dirty(watcher: Watcher, folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    begin(watcher, folder)
    (folder / "a" / "b" / "new.jpg").write_bytes(b"picture")
    assert batch(watcher) == {folder: [Place("a/b", deep=False)]}


def test_every_change_of_a_picture_is_told(watcher: Watcher, folder: Path) -> None:
    for name in ("edited", "touched", "deleted", "renamed", "left"):
        (folder / name).mkdir()
        (folder / name / "a.jpg").write_bytes(b"picture")
    begin(watcher, folder)
    (folder / "edited" / "a.jpg").write_bytes(b"another picture")
    os.utime(folder / "touched" / "a.jpg", (1, 1))
    (folder / "deleted" / "a.jpg").unlink()
    (folder / "renamed" / "a.jpg").rename(folder / "renamed" / "b.png")
    (folder / "left" / "a.jpg").rename(folder.parent / "a.jpg")
    places = {place.directory for place in batch(watcher)[folder]}
    assert places == {"edited", "touched", "deleted", "renamed", "left"}


def test_directories_that_come_are_dirty_with_all_below(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    begin(watcher, folder)
    outside.rename(folder / "inside")
    assert Place("inside") in batch(watcher)[folder]
    (folder / "inside" / "deep" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("inside/deep", deep=False)]}
    (folder / "x" / "y" / "z").mkdir(parents=True)
    assert Place("x") in batch(watcher)[folder]
    (folder / "x" / "y" / "z" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("x/y/z", deep=False)]}


def test_directories_that_go_are_dirty_themselves(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    for name in ("deleted", "left", "renamed"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "deep" / "a.jpg").touch()
    begin(watcher, folder)
    shutil.rmtree(folder / "deleted")
    assert batch(watcher) == {folder: [Place("deleted")]}
    (folder / "left").rename(tmp_path / "left")
    assert batch(watcher) == {folder: [Place("left")]}
    (folder / "renamed").rename(folder / "again")
    assert batch(watcher) == {folder: [Place("again"), Place("renamed")]}
    (tmp_path / "left" / "deep" / "b.jpg").touch()
    assert is_calm(watcher)
    (folder / "again" / "deep" / "b.jpg").touch()
    assert batch(watcher) == {folder: [Place("again/deep", deep=False)]}


def test_a_directory_that_goes_and_comes_back_is_watched(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    (folder / "a" / "deep").mkdir(parents=True)
    begin(watcher, folder)
    for _ in range(3):
        (folder / "a").rename(tmp_path / "away")
        (tmp_path / "away").rename(folder / "b")
        (folder / "b").rename(folder / "a")
    batch(watcher)
    (folder / "a" / "deep" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("a/deep", deep=False)]}


def test_a_move_between_two_folders_is_one_batch(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "b").mkdir(parents=True)
    (folder / "a").mkdir()
    (folder / "a" / "x.jpg").touch()
    begin(watcher, folder, other)
    (folder / "a" / "x.jpg").rename(other / "b" / "x.jpg")
    assert batch(watcher) == {folder: [Place("a", deep=False)], other: [Place("b", deep=False)]}
    (folder / "a").rename(other / "a")
    assert batch(watcher) == {folder: [Place("a")], other: [Place("a")]}


def test_what_concerns_no_photo_is_not_told(folder: Path) -> None:
    library = folder / "library"
    (library / "thumbnails").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "a.jpg").write_bytes(b"picture")
    watcher = Watcher(Rules(leave_out=library), DirtyPlaces(0.1, 2.0), QUICK)
    try:
        begin(watcher, folder)
        (library / "thumbnails" / "a.jpg").touch()
        (library / "new").mkdir()
        (folder / ".hidden" / "a.jpg").touch()
        (folder / ".hidden" / "new").mkdir()
        (folder / ".a.jpg").touch()
        for name in ("a.jpg.tmp", "a.jpg~", "notes.txt", "a.xmp"):
            (folder / name).write_bytes(b"no photo")
            (folder / name).unlink()
        (folder / "a.jpg").read_bytes()
        list(folder.iterdir())
        assert is_calm(watcher)
    finally:
        watcher.close()


def test_a_list_of_what_to_ignore_concerns_all_below_it(watcher: Watcher, folder: Path) -> None:
    (folder / "a").mkdir()
    begin(watcher, folder)
    (folder / "a" / ".clipsearchignore").write_text("*.png\n")
    assert batch(watcher) == {folder: [Place("a")]}
    (folder / "a" / ".clipsearchignore").unlink()
    assert batch(watcher) == {folder: [Place("a")]}


def test_an_editor_that_saves_beside_and_renames_is_one_change(watcher: Watcher, folder: Path) -> None:
    (folder / "a.jpg").write_bytes(b"picture")
    begin(watcher, folder)
    (folder / ".a.jpg.swp").write_bytes(b"another picture")
    (folder / ".a.jpg.swp").replace(folder / "a.jpg")
    assert batch(watcher) == {folder: [Place("", deep=False)]}
    assert is_calm(watcher)


def test_a_slow_writer_is_waited_for(watcher: Watcher, folder: Path) -> None:
    (folder / "slow").mkdir()
    begin(watcher, folder)
    with (folder / "slow" / "a.jpg").open("wb") as stream:
        for _ in range(20):
            stream.write(b"part")
            stream.flush()
            assert batch(watcher, 0.04) == {}
    assert batch(watcher) == {folder: [Place("slow", deep=False)]}


def test_a_slow_writer_does_not_hold_up_others(watcher: Watcher, folder: Path) -> None:
    for name in ("slow", "other"):
        (folder / name).mkdir()
    begin(watcher, folder)
    with (folder / "slow" / "a.jpg").open("wb") as stream:
        (folder / "other" / "b.jpg").touch()
        told = []
        while not told:
            stream.write(b"part")
            stream.flush()
            found = watcher.next_batch(threading.Event(), 0.03)
            told = list(found.places.get(folder, []))
    assert told == [Place("other", deep=False)]
    assert found.unsettled == {folder / "slow" / "a.jpg"}


def test_rapid_creation_and_deletion_ends_in_what_is_there(watcher: Watcher, folder: Path) -> None:
    begin(watcher, folder)
    for _ in range(200):
        (folder / "a.jpg").write_bytes(b"picture")
        (folder / "a.jpg").unlink()
        (folder / "a").mkdir()
        (folder / "a").rmdir()
    (folder / "a").mkdir()
    assert Place("a") in batch(watcher)[folder] or Place("") in batch(watcher)[folder]
    (folder / "a" / "a.jpg").touch()
    until(lambda: Place("a", deep=False) in batch(watcher).get(folder, []))


@posix
def test_any_name_is_told_as_it_is(watcher: Watcher, folder: Path) -> None:
    directory = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9\nbar"))
    directory.mkdir()
    begin(watcher, folder)
    (directory / os.fsdecode(b"\xff.jpg")).touch()
    assert batch(watcher) == {folder: [Place(directory.name, deep=False)]}


@posix
def test_loops_of_links_end(watcher: Watcher, folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "loop").symlink_to(folder)
    begin(watcher, folder)
    (folder / "a" / "again").symlink_to(folder / "a")
    (folder / "a" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("a", deep=False)]}


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may open everything")
def test_a_directory_that_may_be_opened_again_is_watched(watcher: Watcher, folder: Path) -> None:
    (folder / "closed").mkdir(mode=0)
    begin(watcher, folder)
    (folder / "closed").chmod(0o700)
    assert batch(watcher) == {folder: [Place("closed")]}
    (folder / "closed" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("closed", deep=False)]}


# Folders that come and go


def test_a_folder_that_is_away_is_watched_when_it_is_back(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    begin(watcher, folder)
    folder.rename(tmp_path / "away")
    assert batch(watcher) == {folder: WHOLE}
    (tmp_path / "away" / "a.jpg").touch()
    assert is_calm(watcher)
    (tmp_path / "away").rename(folder)
    assert batch(watcher) == {folder: WHOLE}
    (folder / "b.jpg").touch()
    assert batch(watcher) == {folder: [Place("", deep=False)]}


def test_another_folder_in_its_place_is_watched(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    begin(watcher, inner)
    folder.rename(tmp_path / "away")
    inner.mkdir(parents=True)
    until(lambda: batch(watcher, 0.5) == {inner: WHOLE})
    until(lambda: is_calm(watcher))
    (inner / "a.jpg").touch()
    assert batch(watcher) == {inner: [Place("", deep=False)]}


def test_a_folder_that_is_not_there_holds_up_no_other(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    begin(watcher, folder, tmp_path / "missing")
    assert watcher.is_ready


def test_folders_can_be_added_and_left(watcher: Watcher, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    begin(watcher, folder)
    watcher.watch([folder, other])
    assert batch(watcher) == {other: WHOLE}
    watcher.watch([other])
    (folder / "a.jpg").touch()
    assert is_calm(watcher)
    (other / "a.jpg").touch()
    assert batch(watcher) == {other: [Place("", deep=False)]}


def test_waiting_ends_at_once_when_asked_to(watcher: Watcher, folder: Path) -> None:
    begin(watcher, folder)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert watcher.next_batch(stop).places == {}


# Losses and limits


@linux
def test_events_that_were_lost_make_the_whole_folder_dirty(
    watcher: Watcher, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's queue overflows for real: the thread that empties it is held up."""
    (folder / "a").mkdir()
    begin(watcher, folder)
    with monkeypatch.context() as patch:
        held = threading.Event()
        patch.setattr(inotify.Inotify, "on_event", lambda *_: held.wait(PATIENCE_S))
        queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        if queue > 100_000:
            pytest.skip("the kernel's queue is too long to be filled")
        for number in range(queue // 2 + 3_000):
            (folder / "a" / f"{number % 7}.txt").touch()
            (folder / "a" / f"{number % 7}.txt").unlink()
        held.set()
        until(lambda: batch(watcher) == {folder: WHOLE})
    until(lambda: is_calm(watcher))
    (folder / "a" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("a", deep=False)]}


@linux
@pytest.mark.parametrize("added", [0, 2])
def test_beyond_the_system_s_limit_a_folder_is_polled(
    watcher: Watcher, folder: Path, monkeypatch: pytest.MonkeyPatch, added: int
) -> None:
    from watchdog.observers.inotify_c import InotifyFD

    for name in "abc":
        (folder / name).mkdir()
    add, left = InotifyFD.add_callback, [3 + added]

    def limited(*arguments: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "inotify watch limit reached")
        return add(*arguments)

    monkeypatch.setattr(InotifyFD, "add_callback", limited)
    monkeypatch.setattr(watch, "system_limits", lambda: (left[0] > 100,))
    begin(watcher, folder)
    if added:
        assert watcher.take_notices() == []
        for number in range(added):
            (folder / f"new {number}").mkdir()
    until(lambda: watcher._notices)
    (sentence,) = watcher.take_notices()
    assert sentence.startswith(f"{folder} is looked through every minute instead of watched, as this system lets")
    assert sentence.endswith("to raise the limit: sudo sysctl fs.inotify.max_user_watches=524288.")
    for _ in range(3):
        assert batch(watcher) == {folder: WHOLE}
    left[0] = 1_000
    until(lambda: is_calm(watcher))
    (folder / "a" / "a.jpg").touch()
    assert batch(watcher) == {folder: [Place("a", deep=False)]}
    assert watcher.take_notices() == []


@linux
def test_without_an_instance_a_folder_is_polled(
    watcher: Watcher, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchdog.observers.inotify_c import InotifyFD

    def refused(_: type) -> int:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(InotifyFD, "_create_inotify_fd", classmethod(refused))
    begin(watcher, folder)
    (sentence,) = watcher.take_notices()
    assert sentence.endswith("sudo sysctl fs.inotify.max_user_instances=1024.")
    assert batch(watcher) == {folder: WHOLE}


def test_network_shares_are_polled(watcher: Watcher, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "is_on_network", lambda _: True)
    begin(watcher, folder)
    assert watcher.take_notices() == [
        f"{folder} is looked through every minute instead of watched, as it lies on a network share."
    ]
    assert batch(watcher) == {folder: WHOLE}


def test_a_folder_that_takes_long_to_look_through_is_polled_less(folder: Path) -> None:
    watcher = Watcher(pace=Pace(polls_per_work=20))
    assert watcher.poll_s(60.0) == 60.0
    watcher._worked_s = 10.0
    assert watcher.poll_s(60.0) == 200.0
