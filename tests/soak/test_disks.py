"""Libraries on disks that are full or may not be written: told in a sentence, nothing lost, completed afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clipsearch.errors import CatalogError
from clipsearch.library import overview, upkeep
from clipsearch.library.search import search_text
from clipsearch.library.verify import repair, verify
from clipsearch.store import database
from clipsearch.store.catalog import Catalog
from clipsearch.store.safety import sqlite_file
from tests.conftest import Index
from tests.fakes import fake_library
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")
FULL = "the disk is full"


class Disk:
    """A file system of its own, of a few megabytes in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "clipsearch", self.place], check=True)

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.place], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", self.place], check=True)

    def fill(self) -> Path:
        """Use up all room but a little."""
        ballast = self.place / "ballast"
        with ballast.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(4096))
            except OSError:
                stream.truncate(stream.tell() - 64 * 1024)
        return ballast


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = Disk(tmp_path / "disk")
    disk.place.mkdir()
    try:
        disk.mount("size=4m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here")
    yield disk
    disk.unmount()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(300):
        paint(tmp_path / "photos" / f"{number}.png", (number % 256, number // 256, 99))
    return tmp_path / "photos"


def clipsearch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clipsearch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# A full disk


def test_a_disk_that_fills_up_while_indexing(disk: Disk, folder: Path, index: Index) -> None:
    library = disk.place / "library"
    with fake_library(library) as opened:
        paint(folder / "first.png", "red")
        index(opened, folder)
        judged = opened.catalog.photos.ids()[:40]
        opened.catalog.labels.judge(opened.catalog.labels.add("Sea"), judged, True)
    ballast = disk.fill()
    for number in range(1500):
        paint(folder / "more" / f"{number}.png", (number % 256, number // 256, 9))
    with fake_library(library) as opened, pytest.raises(CatalogError, match=FULL):
        index(opened)
    said = clipsearch("index", "--library", library)
    assert said.returncode == 1
    assert said.stderr.startswith("error: ")
    assert "Traceback" not in said.stderr
    ballast.unlink()
    disk.remount("size=64m")
    with fake_library(library) as opened:
        index(opened)
        assert verify(opened).findings == []
        status = overview.status(opened)
        assert (status.photos, status.embedded, status.pending, status.problems) == (1801, 1801, 0, 0)
        assert len(opened.catalog.labels.judgements(1)) == 40


def test_no_backup_is_made_on_a_full_disk_and_nothing_else_suffers(disk: Disk, folder: Path, index: Index) -> None:
    with fake_library(disk.place / "library") as opened:
        index(opened, folder)
        disk.fill()
        note = upkeep.back_up(opened)
        assert note.startswith("No backup of the catalog can be made: ")
        assert list((disk.place / "library" / "backups").glob("catalog-*")) == []
        assert search_text(opened, "red")


def test_a_write_that_finds_no_room_is_told_and_undone(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    pages = 0
    with catalog._database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with pytest.raises(CatalogError, match=FULL), catalog._database.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(2000):
            connection.exec_driver_sql(f"INSERT INTO category (name) VALUES ('category {number}')")
    catalog.close()
    with closing(Catalog(tmp_path / "catalog.sqlite")) as again:
        assert again.labels.categories() == {}
        assert again.integrity() == []


def test_a_migration_that_finds_no_room_is_told_and_leaves_the_old_catalog(disk: Disk) -> None:
    old = Path(__file__).parents[1] / "store" / "data" / "catalog-0002.sqlite"
    library = disk.place / "library"
    library.mkdir()
    shutil.copy(old, library / "catalog.sqlite")
    ballast = disk.fill()
    with pytest.raises(CatalogError):
        Catalog(library / "catalog.sqlite")
    ballast.unlink()
    with closing(sqlite3.connect(library / "catalog.sqlite")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)
    Catalog(library / "catalog.sqlite").close()


# A library that may only be read


@pytest.fixture
def written(disk: Disk, folder: Path, index: Index) -> Path:
    with fake_library(disk.place / "library") as library:
        index(library, folder)
        (folder / "0.png").unlink()
    return disk.place / "library"


def test_a_library_on_a_read_only_disk_is_searched(disk: Disk, written: Path, index: Index) -> None:
    disk.remount("ro")
    with fake_library(written) as library:
        assert library.catalog.read_only
        assert len(search_text(library, "blue")) > 0
        assert overview.status(library).photos == 300
        assert overview.problems(library) == []
        assert "no longer there" in verify(library).findings[0]
        assert upkeep.back_up(library) == ""
        for write in (
            lambda: library.catalog.labels.add("Sea"),
            lambda: index(library),
            lambda: overview.remove_folder(library, 1),
            lambda: library.choose_model("starter"),
            lambda: repair(written, lambda: fake_library(written)),
        ):
            with pytest.raises(CatalogError, match=r"may (not|only) be|can only be read"):
                write()
        library.warm_up()
    for command in (["status"], ["problems"]):
        assert clipsearch(*command, "--library", written).returncode == 0
    said = clipsearch("index", "--library", written)
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "may not be written" in said.stderr


def test_an_old_library_on_a_read_only_disk_says_why_it_does_not_open(disk: Disk) -> None:
    shutil.copy(Path(__file__).parents[1] / "store" / "data" / "catalog-0002.sqlite", disk.place / "catalog.sqlite")
    disk.remount("ro")
    with pytest.raises(CatalogError, match="made by an older clipsearch and cannot be brought up to date"):
        Catalog(disk.place / "catalog.sqlite")


def test_a_new_library_on_a_read_only_disk_says_why_there_is_none(disk: Disk) -> None:
    disk.remount("ro")
    with pytest.raises(CatalogError, match=r"cannot be opened: .*Read-only file system"):
        Catalog(disk.place / "library" / "catalog.sqlite")
    with pytest.raises(CatalogError, match="may not be read or written"):
        Catalog(disk.place / "catalog.sqlite")


def test_what_is_logged_and_cannot_be_read_is_not_passed_over(disk: Disk) -> None:
    with closing(Catalog(disk.place / "catalog.sqlite")) as catalog:
        catalog.labels.add("Sea")
        (disk.place / "copy").mkdir()
        for name in ("catalog.sqlite", "catalog.sqlite-wal"):
            shutil.copy(disk.place / name, disk.place / "copy" / name)
    disk.remount("ro")
    with pytest.raises(CatalogError, match="may not be read or written"):
        Catalog(disk.place / "copy" / "catalog.sqlite")


def test_permissions_that_the_system_tells_of_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Catalog(tmp_path / "catalog.sqlite")) as catalog:
        catalog.labels.add("Sea")
    monkeypatch.setattr(sqlite_file.os, "access", lambda *_: False)
    with closing(Catalog(tmp_path / "catalog.sqlite")) as catalog:
        assert catalog.read_only
        assert list(catalog.labels.categories()) == ["Sea"]
        with pytest.raises(CatalogError, match="can only be read"):
            catalog.labels.add("Mountains")


def test_a_disk_that_refuses_though_the_system_permits_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Catalog(tmp_path / "catalog.sqlite").close()
    real = database.connect

    def refusing(path: Path, access: sqlite_file.Access) -> sqlite3.Connection:
        if not access.read_only:
            raise sqlite3.OperationalError("unable to open database file")
        return real(path, access)

    monkeypatch.setattr(database, "connect", refusing)
    with closing(Catalog(tmp_path / "catalog.sqlite")) as catalog:
        assert catalog.read_only
        assert catalog.photos.ids() == []
