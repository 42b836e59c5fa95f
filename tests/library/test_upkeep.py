from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from clipsearch.library import upkeep
from clipsearch.library.library import Library
from clipsearch.settings import Settings
from clipsearch.store.catalog import Catalog
from clipsearch.store.safety import backups as making
from clipsearch.store.safety.backups import Backups
from tests.fakes import fake_library


@pytest.fixture
def library(colours: Library, folder: Path) -> Library:
    colours.catalog.folders.add(folder)
    return colours


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path / "library" / "catalog.sqlite")


def test_a_library_is_backed_up_once_a_day(library: Library, backups: Backups) -> None:
    for _ in range(2):
        with upkeep.backing_up(library) as backup:
            pass
        assert backup.wait() == ""
    assert len(backups.all()) == 1


def test_the_first_backup_holds_what_the_first_run_found(colours: Library, folder: Path, backups: Backups) -> None:
    with upkeep.backing_up(colours) as backup:
        colours.catalog.folders.add(folder)
        colours.catalog.labels.add("Sea")
        assert backups.all() == []
    assert backup.wait() == ""
    (made,) = backups.all()
    with closing(Catalog(made.path)) as catalog:
        assert list(catalog.labels.categories()) == ["Sea"]


def test_a_first_run_that_finds_nothing_or_fails_makes_none(colours: Library, folder: Path, backups: Backups) -> None:
    with upkeep.backing_up(colours) as backup:
        pass
    assert backup.wait() == ""
    with pytest.raises(KeyboardInterrupt), upkeep.backing_up(colours):
        colours.catalog.folders.add(folder)
        raise KeyboardInterrupt
    assert backups.all() == []


def test_an_empty_library_is_not(colours: Library, backups: Backups) -> None:
    assert upkeep.back_up(colours) == ""
    assert backups.all() == []


def test_nor_one_whose_user_wants_none(library: Library, backups: Backups, tmp_path: Path) -> None:
    with fake_library(tmp_path / "library", settings=Settings(backups=False)) as unwanted:
        assert upkeep.back_up(unwanted) == ""
    assert backups.all() == []


def test_a_full_disk_is_told_and_hinders_nothing(
    library: Library, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "copy_whole", no_room)
    with upkeep.backing_up(library) as backup:
        done = True
    assert done
    assert backup.wait() == "No backup of the catalog can be made: No space left on device."
    assert backups.all() == []


def test_a_clock_set_back_neither_stops_backups_nor_deletes_any(library: Library, backups: Backups) -> None:
    for _ in range(10):
        upkeep.back_up(library)
        for backup in backups.all():  # made in a future that the clock has come back from
            os.utime(backup.path, (time.time() + 1e8,) * 2)
    assert [backup.number for backup in backups.all()] == [10, 9, 8, 7, 6, 5, 4]
    upkeep.back_up(library)
    upkeep.back_up(library)
    assert backups.all()[0].number == 11


def test_a_run_that_is_broken_off_breaks_off_the_backup(
    library: Library, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(_catalog: Path, _target: Path, stop: making.Stop) -> None:
        begun.set()
        while not stop():
            time.sleep(0.001)
        raise making.StoppedError

    monkeypatch.setattr(making, "copy_whole", endless)
    with pytest.raises(KeyboardInterrupt), upkeep.backing_up(library):
        assert begun.wait(10)
        raise KeyboardInterrupt
    assert backups.all() == []
