from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clipsearch.store.catalog import Catalog
from clipsearch.store.safety import backups as module
from clipsearch.store.safety.backups import Backup, Backups, StoppedError, too_many
from tests.store.rows import MODEL, new_file

DAY_S = 86_400
COPIES = pytest.mark.parametrize("copy", [module.copy_whole, module.copy_without_vectors])


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.folders.add(Path("/photos"))
    ids = catalog.store({MODEL: 4}, [new_file(f"{number}.jpg") for number in range(5)]).photo_ids
    catalog.labels.judge(catalog.labels.add("Ärger"), ids[:2], True)
    yield catalog
    catalog.close()


@pytest.fixture
def backups(catalog: Catalog, tmp_path: Path) -> Backups:
    return Backups(tmp_path / "catalog.sqlite")


def backup(number: int, schema: str = "0004") -> Backup:
    return Backup(Path(str(number)), schema, "2026-11-21", number, 0.0)


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def age(backups: Backups, seconds: float) -> None:
    for one in backups.all():
        os.utime(one.path, (time.time() - seconds,) * 2)


def test_a_backup_is_a_whole_catalog(backups: Backups, tmp_path: Path) -> None:
    made = backups.make_if_due("0004")
    assert made is not None
    assert made.path.name == f"catalog-0004-{made.day}-1.sqlite"
    assert [path.name for path in sorted(backups.folder.iterdir())] == [made.path.name, "making.lock"]
    (tmp_path / "other").mkdir()
    shutil.copy(made.path, tmp_path / "other" / "catalog.sqlite")
    with closing(Catalog(tmp_path / "other" / "catalog.sqlite")) as other:
        assert len(other.photos.ids()) == other.embeddings.count(MODEL) == 5
        assert len(other.labels.judgements(other.labels.categories()["Ärger"])) == 2
        assert other.integrity() == []


def test_a_large_catalog_is_saved_without_vectors(
    backups: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WITH_VECTORS_BYTES", 1000)
    made = backups.make_if_due("0004")
    assert made is not None
    assert (rows(made.path, "vector"), rows(made.path, "file"), rows(made.path, "judgement")) == (0, 5, 2)
    assert rows(made.path, "sqlite_sequence") == 1  # so that no step is given the number of an older one
    (tmp_path / "other").mkdir()
    shutil.copy(made.path, tmp_path / "other" / "catalog.sqlite")
    with closing(Catalog(tmp_path / "other" / "catalog.sqlite")) as other:
        assert len(other.embeddings.lacking(MODEL)) == 5
        assert other.integrity() == []


def test_one_backup_a_day(backups: Backups) -> None:
    assert backups.make_if_due("0004")
    assert backups.make_if_due("0004") is None
    age(backups, DAY_S)
    assert backups.make_if_due("0004")
    assert [one.number for one in backups.all()] == [2, 1]


@pytest.mark.parametrize("jump_s", [-20 * 365 * DAY_S, 20 * 365 * DAY_S])
def test_a_clock_that_jumps_neither_stops_backups_nor_deletes_them(backups: Backups, jump_s: float) -> None:
    for _ in range(6):
        backups.make_if_due("0004")
        age(backups, DAY_S)
    age(backups, jump_s)  # as if the clock had jumped after these were made
    assert backups.make_if_due("0004") is not None
    assert backups.make_if_due("0004") is None
    assert [one.number for one in backups.all()] == [7, 6, 5, 4, 3, 2, 1]


def test_seven_newest_and_four_older_are_kept() -> None:
    made: list[Backup] = []
    for number in range(1, 101):
        made.append(backup(number))
        made = [one for one in made if one not in too_many(made)]
    assert [one.number for one in made] == [70, 77, 84, 91, 94, 95, 96, 97, 98, 99, 100]


def test_the_newest_of_each_schema_is_kept() -> None:
    made = [backup(1, "0001"), backup(2, "0001"), *(backup(number) for number in range(3, 30))]
    assert backup(2, "0001") not in too_many(made)
    assert backup(1, "0001") in too_many(made)


def test_other_files_are_left_alone(backups: Backups) -> None:
    backups.folder.mkdir()
    (backups.folder / "catalog-before-holiday.sqlite").touch()
    backups.make_if_due("0004")
    assert (backups.folder / "catalog-before-holiday.sqlite").exists()
    assert len(backups.all()) == 1


@COPIES
def test_a_copy_stands_still_while_others_write(
    catalog: Catalog, backups: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copy: object
) -> None:
    monkeypatch.setattr(module, "_STEP_PAGES", 1)
    monkeypatch.setattr(module, "_STEP_OPCODES", 1)
    steps = 0

    def write_meanwhile() -> bool:
        nonlocal steps
        steps += 1
        if steps < 50:
            catalog.store({MODEL: 4}, [new_file(f"meanwhile {steps}.jpg")])
        return False

    copy(tmp_path / "catalog.sqlite", tmp_path / "copy", write_meanwhile)  # type: ignore[operator]
    assert rows(tmp_path / "copy", "file") == rows(tmp_path / "copy", "photo") == 5
    assert len(catalog.photos.ids()) > 5


@COPIES
def test_a_backup_can_be_stopped(
    backups: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copy: object
) -> None:
    monkeypatch.setattr(module, "_STEP_PAGES", 1)
    monkeypatch.setattr(module, "_STEP_OPCODES", 1)
    monkeypatch.setattr(module, "copy_whole", copy)
    with pytest.raises(StoppedError):
        backups.make_if_due("0004", stop=lambda: True)
    assert backups.all() == []
    assert [path.name for path in backups.folder.iterdir()] == ["making.lock"]


def test_a_damaged_catalog_does_not_take_a_backups_place(backups: Backups, catalog: Catalog, tmp_path: Path) -> None:
    assert backups.make_if_due("0004")
    age(backups, DAY_S)
    catalog.close()
    with (tmp_path / "catalog.sqlite").open("rb+") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * 20_000)
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        backups.make_if_due("0004")
    assert [one.number for one in backups.all()] == [1]
    assert not (backups.folder / "making.new").exists()


def test_two_at_once_make_one(backups: Backups) -> None:
    made: list[Backup | None] = []
    threads = [threading.Thread(target=lambda: made.append(backups.make_if_due("0004"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.number for one in made if one] == [1]


def test_what_a_killed_process_left_is_in_nobodys_way(backups: Backups) -> None:
    backups.folder.mkdir()
    (backups.folder / "making.new").write_bytes(b"half a backup")
    assert backups.make_if_due("0004")
    assert not (backups.folder / "making.new").exists()


def test_where_there_is_no_room_for_vectors_a_backup_does_without(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(module, "copy_whole", no_room)
    made = backups.make_before_upgrade("0002")
    assert made.schema == "0002"
    assert (rows(made.path, "vector"), rows(made.path, "judgement")) == (0, 2)
    monkeypatch.setattr(module, "copy_without_vectors", no_room)
    with pytest.raises(sqlite3.OperationalError):
        backups.make_before_upgrade("0002")
    assert len(backups.all()) == 1
