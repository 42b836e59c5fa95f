"""The catalog follows the disk: whatever happens in a folder, it ends like a fresh scan of it."""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clipsearch.errors import CatalogError, ClipsearchError
from clipsearch.files.watching.dirty import Batch, DirtyPlaces
from clipsearch.files.watching.watcher import Pace, Watcher
from clipsearch.library import following
from clipsearch.library.following import Following, Notice, Ready, follow
from clipsearch.library.indexing import removing
from clipsearch.library.indexing.comparing import scan_rules
from clipsearch.library.indexing.lock import indexing_lock
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.library import Library
from clipsearch.library.verify import verify
from clipsearch.records import Change, ChangeKind, Stage
from clipsearch.store.safety import sqlite_file
from tests.conftest import Index
from tests.fakes import InlinePool, fake_library
from tests.pictures import jpeg, paint

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX names and links")

PATIENCE_S = 20.0
QUICK = Pace(listen_s=0.02, look_s=0.05, poll_s=0.2, shortest_pause_s=0.01, longest_pause_s=0.05, polls_per_work=0)

Contents = dict[str, tuple[str, int, int]]


class Follower:
    """Follows a library in a thread, and keeps what it is told."""

    def __init__(self, library: Library, *folders: Path) -> None:
        self.library = library
        self.stop = threading.Event()
        self.changes: list[Change] = []
        self.notices: list[str] = []
        self.ready: list[int] = []
        self.runs = 0
        self.error: Exception | None = None
        self._folders = list(folders)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        watcher = Watcher(scan_rules(self.library), DirtyPlaces(quiet_s=0.1, longest_s=2.0), QUICK)
        try:
            for told in follow(self.library, self.stop, self._folders, watcher):
                if isinstance(told, Notice):
                    self.notices.append(told.sentence)
                elif isinstance(told, Ready):
                    self.ready.append(told.folders)
                else:
                    self.changes += told.changes
                    self.runs += told.stage is Stage.DONE
        except ClipsearchError as error:
            self.error = error

    def close(self) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(change.kind.value, change.path.name) for change in self.changes]

    def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        end_s = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < end_s, (self.changes[-5:], self.notices)
            time.sleep(0.01)

    def until_watching(self) -> None:
        """Wait until the folders are watched and have been looked at since."""
        self.until(lambda: self.ready)
        self.until(lambda: self.runs >= (2 if self._folders else 1))


@pytest.fixture
def followed(colours: Library, inline: type[InlinePool]) -> Iterator[Callable[..., Follower]]:
    """Follow folders in a library without processes."""
    followers: list[Follower] = []

    def begin(*folders: Path) -> Follower:
        follower = Follower(colours, *folders)
        followers.append(follower)
        follower.until_watching()
        return follower

    yield begin
    for follower in followers:
        follower.close()


def contents(library: Library) -> Contents:
    """Return what a catalog knows of every file."""
    hashes = {photo.id: photo.content_hash for photo in library.catalog.photos.get(library.catalog.photos.ids())}
    return {
        f"{place.path}/{path}": (hashes.get(known.photo_id or 0, "a problem"), known.size_bytes, known.mtime_ns)
        for id_, place in library.catalog.folders.places().items()
        for path, known in library.catalog.files.known(id_).items()
    }


def fresh(tmp_path: Path, *folders: Path) -> Contents:
    """Return what a new catalog of the same folders knows."""
    scratch = tmp_path / f"fresh {time.monotonic_ns()}"
    with fake_library(scratch) as library:
        list(index_folders(library, folders))
        return contents(library)


# One change after the other


def test_what_happens_is_told_and_found(followed: Callable[..., Follower], folder: Path, colours: Library) -> None:
    paint(folder / "first.png", "red")
    follower = followed(folder)
    follower.until(lambda: follower.told == [("added", "first.png")])
    paint(folder / "second.png", "blue")
    follower.until(lambda: ("added", "second.png") in follower.told)
    paint(folder / "second.png", "green", (60, 60))
    follower.until(lambda: ("updated", "second.png") in follower.told)
    (folder / "second.png").rename(folder / "third.png")
    follower.until(lambda: ("moved", "third.png") in follower.told)
    (folder / "third.png").unlink()
    follower.until(lambda: ("removed", "third.png") in follower.told)
    (folder / "bad.png").write_bytes(b"no picture")
    follower.until(lambda: ("problem", "bad.png") in follower.told)
    assert len(follower.changes) == 6
    assert follower.changes[3].came_from == folder / "second.png"
    assert follower.changes[5].reason
    follower.until(lambda: verify(colours).ok)


def test_all_added_folders_are_followed(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, colours: Library, index: Index
) -> None:
    other = tmp_path / "other"
    paint(other / "a.png", "red")
    paint(other / "stays.png", "blue")
    index(colours, folder, other)
    (other / "a.png").unlink()
    follower = followed()
    assert follower.ready == [2]
    follower.until(lambda: follower.told == [("removed", "a.png")])
    paint(other / "b.png", "red")
    follower.until(lambda: ("added", "b.png") in follower.told)


def test_only_named_folders_are_followed(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, colours: Library, index: Index
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (folder / "inner").mkdir()
    index(colours, folder, other)
    follower = followed(folder / "inner")
    assert follower.ready == [1]
    paint(other / "a.png", "red")
    paint(folder / "b.png", "red")
    follower.until(lambda: follower.told)
    assert follower.told == [("added", "b.png")]


def test_a_folder_that_is_not_there_is_told(colours: Library, tmp_path: Path) -> None:
    with pytest.raises(ClipsearchError, match="is not there"):
        list(follow(colours, threading.Event(), [tmp_path / "missing"]))


@pytest.mark.parametrize("is_named", [False, True])
def test_a_library_that_can_only_be_read_cannot_follow(
    tmp_path: Path, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    with fake_library(tmp_path / "library") as library:
        index(library, folder)
    monkeypatch.setattr(sqlite_file.os, "access", lambda *_: False)
    with fake_library(tmp_path / "library") as library, pytest.raises(CatalogError, match="can only be read"):
        list(follow(library, threading.Event(), [folder] if is_named else None))


def test_folders_added_and_removed_meanwhile_are_followed(
    followed: Callable[..., Follower],
    folder: Path,
    tmp_path: Path,
    colours: Library,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "_FOLDERS_EVERY_S", 0.05)
    colours.catalog.folders.add(folder)
    follower = followed()
    other = tmp_path / "other"
    paint(other / "a.png", "red")
    added = colours.catalog.folders.add(other)
    follower.until(lambda: follower.told == [("added", "a.png")])
    colours.catalog.folders.remove(added.id)
    follower.until(lambda: follower.ready == [1, 2, 1])
    paint(other / "b.png", "blue")
    paint(folder / "c.png", "blue")
    follower.until(lambda: ("added", "c.png") in follower.told)
    assert ("added", "b.png") not in follower.told


def test_directories_that_move_between_folders_move(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, colours: Library
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for number in range(3):
        paint(folder / "trip" / "day" / f"{number}.png", (80 * number, 0, 0))
    paint(folder / "stays.png", "blue")
    follower = followed(folder, other)
    follower.until(lambda: len(follower.changes) == 4)
    (folder / "trip").rename(folder / "holiday")
    follower.until(lambda: len(follower.changes) == 7)
    (folder / "holiday").rename(other / "away")
    follower.until(lambda: len(follower.changes) == 10)
    assert [kind for kind, _ in follower.told[4:]] == ["moved"] * 6
    wanted = fresh(tmp_path, folder, other)
    follower.until(lambda: contents(colours) == wanted)
    assert len(colours.catalog.photos.ids()) == 4


def test_a_file_that_is_being_written_is_left_alone(
    followed: Callable[..., Follower], folder: Path, inline: type[InlinePool]
) -> None:
    follower = followed(folder)
    data = jpeg("red", (200, 200))
    with (folder / "slow.jpg").open("wb") as stream:
        for start in range(0, len(data), len(data) // 20):
            stream.write(data[start : start + len(data) // 20])
            stream.flush()
            if start == 0:
                paint(folder / "quick.png", "blue")
            time.sleep(0.05)
        follower.until(lambda: follower.told == [("added", "quick.png")] or ("added", "slow.jpg") in follower.told)
    follower.until(lambda: ("added", "slow.jpg") in follower.told)
    assert sorted(follower.told) == [("added", "quick.png"), ("added", "slow.jpg")]
    assert inline.items == 2


def test_a_folder_that_goes_away_keeps_its_photos(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, colours: Library
) -> None:
    paint(folder / "a.png", "red")
    follower = followed(folder)
    follower.until(lambda: follower.changes)
    folder.rename(tmp_path / "away")
    follower.until(colours.catalog.folders.offline)
    (tmp_path / "away").rename(folder)
    follower.until(lambda: not colours.catalog.folders.offline())
    paint(folder / "b.png", "blue")
    follower.until(lambda: len(follower.changes) == 2)
    assert follower.told == [("added", "a.png"), ("added", "b.png")]


# Obstacles


def test_it_waits_for_another_process_that_indexes(
    followed: Callable[..., Follower], folder: Path, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_BUSY_S", 0.05)
    follower = followed(folder)
    with indexing_lock(colours.folder, "window"):
        paint(folder / "a.png", "red")
        follower.until(lambda: len(follower.notices) == 1)
        paint(folder / "b.png", "blue")
        time.sleep(0.5)
    follower.until(lambda: sorted(follower.told) == [("added", "a.png"), ("added", "b.png")])
    assert "has been indexing this library" in follower.notices[0]
    assert len(follower.notices) == 1


def test_it_waits_to_add_folders_while_another_process_indexes(
    folder: Path, colours: Library, inline: type[InlinePool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_BUSY_S", 0.05)
    paint(folder / "a.png", "red")
    with indexing_lock(colours.folder, "index"):
        follower = Follower(colours, folder)
        follower.until(lambda: follower.notices)
    follower.until(lambda: follower.told == [("added", "a.png")])
    follower.close()


def test_a_failure_is_told_once_and_tried_again(
    followed: Callable[..., Follower], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_SHORTEST_PAUSE_S", 0.05)
    follower = followed(folder)
    fails = [3]

    def failing(*arguments: object, **options: object) -> object:
        fails[0] -= 1
        if fails[0] >= 0:
            raise CatalogError("The disk is full.")
        return index_folders(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(following, "index_folders", failing)
    paint(folder / "a.png", "red")
    follower.until(lambda: follower.told == [("added", "a.png")])
    assert follower.notices == ["The disk is full."]


def test_what_was_held_back_is_looked_at_again_with_what_comes(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All photos vanish, which is not believed, and then turn up elsewhere."""
    monkeypatch.setattr(removing, "_EMPTIED", 4)
    for number in range(4):
        paint(folder / "a" / f"{number}.png", (60 * number, 0, 0))
    follower = followed(folder)
    follower.until(lambda: len(follower.changes) == 4)
    (folder / "a").rename(tmp_path / "hidden")
    follower.until(lambda: follower.changes[-1].kind is ChangeKind.PROBLEM)
    follower.until(lambda: len(contents(colours)) == 5)
    shutil.copytree(tmp_path / "hidden", folder / "b")
    follower.until(lambda: [kind for kind, _ in follower.told[5:]].count("moved") == 4)
    wanted = fresh(tmp_path, folder)
    follower.until(lambda: contents(colours) == wanted)


def test_everything_is_looked_at_after_a_sleep_and_once_a_day(
    colours: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recorded(Watcher):
        looks = 0

        def next_batch(self, stop: threading.Event, timeout_s: float = 0.0) -> Batch:
            clock["wall"] += clock.pop("asleep", 0.0) + 5.0
            clock["monotonic"] += 5.0
            return Batch({})

        def look_at_all(self) -> None:
            self.looks += 1

    clock = {"wall": 1e9, "monotonic": 0.0}
    monkeypatch.setattr(following.time, "time", lambda: clock["wall"])
    monkeypatch.setattr(following.time, "monotonic", lambda: clock["monotonic"])
    watcher = Recorded()
    follows = Following(colours, watcher=watcher)
    stop = threading.Event()
    follows._next_batch(stop)
    assert watcher.looks == 0
    clock["asleep"] = 3600.0
    follows._next_batch(stop)
    assert watcher.looks == 1
    clock["monotonic"] += 86_000.0
    follows._next_batch(stop)
    assert watcher.looks == 1
    clock["monotonic"] += 1_000.0
    follows._next_batch(stop)
    assert watcher.looks == 2


# Storms


class Storm:
    """Does to folders what people and programs do, by chance but always the same."""

    def __init__(self, folders: list[Path], seed: int = 0) -> None:
        self._folders = folders
        self._random = random.Random(seed)
        self._made = 0
        self._pictures = [jpeg((number * 40 % 256, number * 7 % 256, number % 256)) for number in range(60)]

    def blow(self, steps: int) -> None:
        deeds = [self._write] * 10 + [self._move] * 4 + [self._delete] * 3 + [self._save_beside] * 2
        deeds += [self._move_directory, self._copy_tree, self._touch, self._rewrite, self._blink]
        for _ in range(steps):
            self._random.choice(deeds)()

    def _directory(self) -> Path:
        directory = (
            self._random.choice(self._folders) / f"d{self._random.randrange(8)}" / f"e{self._random.randrange(4)}"
        )
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def _name(self) -> str:
        self._made += 1
        strange = b"\xe9\xff" if os.name == "posix" and sys.platform != "darwin" else b"e"
        return f"{self._made}{os.fsdecode(strange) if self._made % 10 == 0 else ''}.jpg"

    def _any(self) -> Path | None:
        files = sorted(path for path in self._directory().iterdir() if path.suffix == ".jpg")
        return self._random.choice(files) if files else None

    def _write(self) -> None:
        (self._directory() / self._name()).write_bytes(self._random.choice(self._pictures))

    def _rewrite(self) -> None:
        if path := self._any():
            path.write_bytes(self._random.choice(self._pictures))

    def _move(self) -> None:
        if path := self._any():
            path.rename(self._directory() / self._name())

    def _delete(self) -> None:
        if path := self._any():
            path.unlink()

    def _save_beside(self) -> None:
        if path := self._any():
            scratch = path.with_name(f".{path.name}.tmp")
            scratch.write_bytes(self._random.choice(self._pictures))
            scratch.replace(path)

    def _touch(self) -> None:
        if path := self._any():
            os.utime(path, (self._random.randrange(10**9), self._random.randrange(2 * 10**9)))

    def _blink(self) -> None:
        path = self._directory() / "blink.jpg"
        for _ in range(5):
            path.write_bytes(self._random.choice(self._pictures))
            path.unlink()

    def _move_directory(self) -> None:
        self._directory().rename(self._directory().parent / f"moved {self._name()}")

    def _copy_tree(self) -> None:
        goal = self._random.choice(self._folders) / f"copy {self._name()}"
        shutil.copytree(self._directory(), goal)


def weather(
    follower: Follower, folders: list[Path], tmp_path: Path, *, gusts: int, steps: int, patience_s: float
) -> None:
    """Blow a storm with pauses, and wait until the catalog is like a fresh scan."""
    storm = Storm(folders)
    for gust in range(gusts):
        storm.blow(steps)
        time.sleep(0.3 if gust % 2 else 0.0)
    wanted = fresh(tmp_path, *folders)
    follower.until(lambda: contents(follower.library) == wanted, patience_s)
    assert verify(follower.library).ok


def test_a_storm_ends_like_a_fresh_scan(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, colours: Library
) -> None:
    folders = [folder, tmp_path / "other"]
    folders[1].mkdir()
    weather(followed(*folders), folders, tmp_path, gusts=4, steps=90, patience_s=PATIENCE_S)


@posix
def test_a_storm_with_a_loop_of_links_and_losses_ends_like_a_fresh_scan(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every hundredth event or so is said to be the overflow of the system's queue, and those after it are lost."""
    if not sys.platform.startswith("linux"):
        pytest.skip("losses are injected into inotify")
    from clipsearch.files.watching.inotify import Inotify

    hear, heard, losses = Inotify.on_event, [0], [0]

    def hear_badly(self: Inotify, event: object) -> None:
        heard[0] += 1
        if heard[0] % 150 == 0:
            losses[0] += 1
            self.on_queue_overflow()
        elif heard[0] % 150 < 130:
            hear(self, event)  # type: ignore[arg-type]

    monkeypatch.setattr(Inotify, "on_event", hear_badly)
    (folder / "loop").symlink_to(folder)
    storm = Storm([folder])
    follower = followed(folder)
    for _ in range(3):
        storm.blow(100)
    monkeypatch.setattr(Inotify, "on_event", hear)
    follower.until(lambda: losses[0] > 0)
    storm.blow(10)
    wanted = fresh(tmp_path, folder)
    follower.until(lambda: contents(follower.library) == wanted)


@pytest.mark.slow
def test_a_storm_of_ten_thousand_files_ends_like_a_fresh_scan(
    followed: Callable[..., Follower], folder: Path, tmp_path: Path
) -> None:
    folders = [folder, tmp_path / "other"]
    folders[1].mkdir()
    weather(followed(*folders), folders, tmp_path, gusts=100, steps=240, patience_s=300.0)
