"""Processes are killed at random moments; what they leave is sound, and completed it is as if none had been killed."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from clipsearch.library.library import Library
from clipsearch.library.verify import verify
from clipsearch.settings import Settings
from clipsearch.store.catalog import Catalog
from clipsearch.store.database import Database
from clipsearch.store.safety.backups import Backups
from tests.fakes import fake_library
from tests.pictures import paint
from tests.soak import actor

ROOT = Path(__file__).parents[2]
OLD = Path(__file__).parents[1] / "store" / "data"
PHOTOS = 240
ACTOR = (sys.executable, "-m", "tests.soak.actor")
FILES = (
    "SELECT path, relative_path, content_hash FROM file "
    "JOIN folder f ON f.id = folder_id JOIN photo p ON p.id = photo_id"
)
LABELS = (
    "SELECT name, content_hash, is_member FROM judgement "
    "JOIN category c ON c.id = category_id JOIN photo p ON p.id = photo_id"
)
VECTORS = "SELECT content_hash, name, data FROM vector JOIN photo p ON p.id = photo_id JOIN model m ON m.id = model_id"


@dataclass
class Disk:
    """Two folders of photos, in which photos come, go, move and change."""

    root: Path
    choose: random.Random
    photos: int = PHOTOS
    made: int = 0
    folders: tuple[Path, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.folders = (self.root / "one", self.root / "zwei")
        for _ in range(self.photos):
            self.add()

    def add(self) -> None:
        self.made += 1
        paint(self._place(), tuple(self.choose.choices(range(256), k=3)))  # type: ignore[arg-type]

    def _place(self) -> Path:
        return self.choose.choice(self.folders) / f"dir {self.made % 7}" / f"{self.made}.png"

    def change(self) -> None:
        """Let a fifth of the photos be added, edited, moved, copied or deleted."""
        for path in self.choose.sample(sorted(self.root.rglob("*.png")), self.photos // 5):
            self.made += 1
            match self.choose.randrange(5):
                case 0:
                    self.add()
                case 1:
                    size = (40 + self.made % 50, 30)
                    paint(path, tuple(self.choose.choices(range(256), k=3)), size)  # type: ignore[arg-type]
                case 2:
                    self._place().parent.mkdir(parents=True, exist_ok=True)
                    path.rename(self._place())
                case 3:
                    shutil.copy(path, path.with_name(f"{self.made}.png"))
                case 4:
                    path.unlink()


@dataclass
class Killer:
    """Starts processes and kills them at a moment drawn by lot, of the time that the last of their kind took."""

    choose: random.Random
    took_s: dict[str, float] = field(default_factory=dict)
    killed: int = 0
    survived: int = 0

    def run(self, kind: str, command: Sequence[str], waits_for: str = "ready\n") -> bool:
        """Run a command and kill it; tell whether that came before its end. The first of a kind is timed only."""
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stderr
            if waits_for:
                assert process.stdout.readline() == waits_for, process.stderr.read()
            started = time.monotonic()
            try:
                process.wait(self.choose.uniform(0, self.took_s[kind]) if kind in self.took_s else None)
            except subprocess.TimeoutExpired:
                process.kill()
                self.killed += 1
                return True
            assert process.wait() == 0, process.stderr.read()
            self.took_s[kind] = time.monotonic() - started
            self.survived += 1
            return False

    def report(self) -> None:
        sys.stdout.write(f"\n{self.killed} killed, {self.survived} ended before, {self.took_s} s\n")


def rows(catalog: Path, query: str) -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(catalog)) as connection:
        return set(connection.execute(query))


def assert_equal(killed: Path, whole: Path) -> None:
    """Hold photos, vectors and labels of one library to the other's."""
    for query in (FILES, LABELS, "SELECT content_hash FROM photo"):
        assert rows(killed / "catalog.sqlite", query) == rows(whole / "catalog.sqlite", query)
    one, other = ({row[:2]: row[2] for row in rows(path / "catalog.sqlite", VECTORS)} for path in (killed, whole))
    assert one.keys() == other.keys()
    for key in one:
        first, second = (np.frombuffer(vectors[key], "<f2") for vectors in (one, other))  # type: ignore[call-overload]
        assert np.allclose(first, second, atol=2e-3)


def assert_sound(library: Library) -> None:
    assert library.catalog.integrity() == []
    assert not list(library.folder.glob("*damaged*"))


def assert_agrees(library: Library) -> None:
    assert verify(library).findings == []


def soak(tmp_path: Path, kills: int, seed: int, photos: int = PHOTOS) -> Killer:
    """Kill `kills` processes that index, remove and judge; complete and compare after each."""
    choose = random.Random(seed)
    disk, killer = Disk(tmp_path / "photos", choose, photos), Killer(choose)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    folders = [str(folder) for folder in disk.folders]
    first = True
    while killer.killed < kills:
        kind = "index" if first else choose.choice(["index", "index", "remove", "judge"])
        steps = {
            "index": ("index", *folders),
            "remove": ("remove", folders[1]),
            "judge": ("judge", str(choose.random())),
        }
        arguments = steps[kind]
        if kind != "judge":
            disk.change()
        killer.run("first" if first else kind, (*ACTOR, kind, str(killed), *arguments[1:]))
        for place in (killed, whole):
            with fake_library(place) as library:
                assert_sound(library)
                actor.ACTIONS[kind](library, *arguments[1:])
                if kind != "judge":
                    actor.index(library, *folders)
                assert_agrees(library)
        assert_equal(killed, whole)
        first = False
    return killer


@pytest.fixture(autouse=True)
def decode_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo afterwards what the actor sets for its own process."""
    monkeypatch.setattr(actor.reading, "WorkerPool", actor.reading.WorkerPool)
    monkeypatch.setattr(actor.reading, "_STORED_TOGETHER", actor.reading._STORED_TOGETHER)


def test_a_few_kills_of_indexing_removing_and_judging(tmp_path: Path) -> None:
    soak(tmp_path, kills=4, seed=1, photos=60)


@pytest.mark.slow
def test_kills_of_indexing_removing_and_judging(tmp_path: Path) -> None:
    killer = soak(tmp_path, kills=120, seed=2)
    killer.report()


# Migrating


def grown(version: str, path: Path, photos: int) -> Path:
    """Copy the kept catalog of an old schema and let it grow, so that the upgrade takes a while."""
    shutil.copy(OLD / f"catalog-{version}.sqlite", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        contents = [(f"{number:032x}",) for number in range(photos)]
        connection.executemany(
            "INSERT INTO photo (content_hash, width, height, format) VALUES (?, 4, 3, 'JPEG')", contents
        )
        connection.execute(
            "INSERT INTO file (folder_id, relative_path, size_bytes, mtime_ns, photo_id)"
            " SELECT 1, content_hash, 1, 1, id FROM photo WHERE length(content_hash) = 32"
        )
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def migrate(tmp_path: Path, kills: int, seed: int, photos: int = 20_000) -> Killer:
    """Kill processes that bring an old catalog up to date; afterwards it is the old one or the new one."""
    killer = Killer(random.Random(seed))
    expected: dict[str, list[str]] = {}
    for version in ("0001", "0002", "0003"):
        (tmp_path / version).mkdir()
        Database(grown(version, tmp_path / version / "catalog.sqlite", photos)).close()
        expected[version] = dump(tmp_path / version / "catalog.sqlite")
    while killer.killed < kills:
        version = killer.choose.choice(["0001", "0002", "0003"])
        path = tmp_path / "killed" / "catalog.sqlite"
        path.parent.mkdir()
        before = dump(grown(version, path, photos))
        was_killed = killer.run("upgrade", (*ACTOR, "upgrade", str(path)))
        assert not was_killed or dump(path) in (before, expected[version])
        with closing(Catalog(path)) as catalog:
            assert catalog.integrity() == []
        assert dump(path) == expected[version]
        assert dump(Backups(path).all()[-1].path) == before
        shutil.rmtree(path.parent)
    return killer


def test_a_few_kills_of_migrating(tmp_path: Path) -> None:
    migrate(tmp_path, kills=2, seed=3, photos=5000)


@pytest.mark.slow
def test_kills_of_migrating(tmp_path: Path) -> None:
    killer = migrate(tmp_path, kills=40, seed=4)
    killer.report()


# The program itself, with its workers and the starter model


@pytest.mark.slow
def test_kills_of_the_program(tmp_path: Path) -> None:
    choose = random.Random(5)
    disk, killer = Disk(tmp_path / "photos", choose), Killer(choose)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    program = (sys.executable, "-m", "clipsearch", "index", *map(str, disk.folders), "--library")
    while killer.killed < 40:
        disk.change()
        killer.run("program" if killed.exists() else "first", (*program, str(killed)), waits_for="")
        for place in (killed, whole):
            with Library.open(place, Settings(decode_workers=2)) as library:
                assert_sound(library)
            subprocess.run([*program, str(place)], cwd=ROOT, check=True, capture_output=True)
            with Library.open(place, Settings(decode_workers=2)) as library:
                assert_agrees(library)
        assert_equal(killed, whole)
    killer.report()
