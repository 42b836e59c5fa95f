"""Clocks that jump, and files from times that cannot be: nothing is read twice, missed or lost for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from clipsearch.library import overview, upkeep
from clipsearch.library.indexing import run as indexing
from clipsearch.library.library import Library
from clipsearch.library.verify import verify
from clipsearch.records import Stage
from clipsearch.store.safety.backups import Backups
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")
YEAR_S = 365 * 86_400
MOMENTS = {"1970": 0, "before 1970": -10 * YEAR_S, "2105": 135 * YEAR_S, "just before 1970": -1}


def set_clock(monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    """Let the system's clock tell another time; the one that only counts seconds goes on."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump_s)


def test_files_of_any_time_are_read_once(colours: Library, folder: Path, index: Index) -> None:
    for name, moment in MOMENTS.items():
        os.utime(paint(folder / f"{name}.png"), (moment, moment))
    assert index(colours, folder).added == len(MOMENTS)
    again = index(colours)
    assert (again.unchanged, again.updated) == (len(MOMENTS), 0)
    assert verify(colours).ok
    assert overview.photos(colours, overview.photo_ids(colours))[0].mtime_ns == MOMENTS["2105"] * 10**9


def test_an_edit_with_an_older_time_is_seen(colours: Library, folder: Path, index: Index) -> None:
    path = paint(folder / "a.png", "red")
    index(colours, folder)
    os.utime(paint(path, "blue"), (1, 1))
    assert index(colours).updated == 1


@pytest.mark.parametrize("jump_s", [-30 * YEAR_S, -3600, 3600, 30 * YEAR_S])
def test_a_clock_that_jumps_between_runs_changes_nothing(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    for number in range(5):
        paint(folder / f"{number}.png", (number, 0, 0))
    index(colours, folder)
    upkeep.back_up(colours)
    set_clock(monkeypatch, jump_s)
    paint(folder / "new.png", "lime")
    counts = index(colours)
    assert (counts.added, counts.unchanged, counts.removed) == (1, 5, 0)
    assert upkeep.back_up(colours) == ""
    assert len(Backups(colours.folder / "catalog.sqlite").all()) == (1 if jump_s == 3600 else 2)
    assert verify(colours).ok


def test_a_clock_that_jumps_during_a_run_does_not_show_in_its_progress(
    colours: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        paint(folder / f"{number}.png", (number, 0, 0))
    steps = []
    for step in indexing.index_folders(colours, [folder]):
        steps.append(step)
        set_clock(monkeypatch, -1000)
    assert all(0 <= step.seconds < 600 for step in steps)
    assert all((step.seconds_left or 0) >= 0 for step in steps)
    assert steps[-1].stage is Stage.DONE
