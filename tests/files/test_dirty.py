"""Which places are to be looked at again, and when: without a system's events, on a clock of our own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clipsearch.files.scan import Place
from clipsearch.files.watching.dirty import Batch, DirtyPlaces, tidy


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dirty(clock: Clock) -> DirtyPlaces:
    return DirtyPlaces(quiet_s=1.0, longest_s=10.0, clock=clock)


def test_clean_places_are_never_due(dirty: DirtyPlaces) -> None:
    assert dirty.due_in() is None
    assert dirty.take() == Batch({})


def test_a_batch_is_due_when_all_is_quiet(dirty: DirtyPlaces, clock: Clock, folder: Path) -> None:
    dirty.mark(folder, Place(""))
    clock.now_s = 0.75
    dirty.mark(folder, Place(""))
    assert dirty.due_in() == 1.0
    clock.now_s = 1.75
    assert dirty.due_in() == 0.0
    dirty.take()
    assert dirty.due_in() is None


def test_a_batch_is_due_in_the_middle_of_a_long_storm(dirty: DirtyPlaces, clock: Clock, folder: Path) -> None:
    for clock.now_s in range(10):
        dirty.mark(folder, Place(""))
        assert dirty.due_in() == 1.0
    clock.now_s = 9.75
    dirty.mark(folder, Place(""))
    assert dirty.due_in() == 0.25


def test_some_places_cannot_wait(dirty: DirtyPlaces, folder: Path) -> None:
    dirty.mark(folder, Place(""), at_once=True)
    assert dirty.due_in() == 0.0


def test_what_could_not_be_looked_at_comes_again(dirty: DirtyPlaces, clock: Clock, folder: Path) -> None:
    (folder / "a").mkdir()
    dirty.mark(folder, Place("a"))
    batch = dirty.take()
    dirty.mark(folder, Place("", deep=False))
    dirty.put_back(batch)
    clock.now_s = 1.0
    assert dirty.due_in() == 0.0
    assert dirty.take().places == {folder: [Place("", deep=False), Place("a")]}


def test_a_folder_watched_no_more_is_forgotten(dirty: DirtyPlaces, folder: Path) -> None:
    dirty.mark(folder, Place(""))
    dirty.wrote(folder, "a.jpg")
    dirty.forget(folder)
    assert dirty.take() == Batch({})


# Files that are still being written


def test_a_file_is_still_when_two_looks_agree(dirty: DirtyPlaces, clock: Clock, folder: Path) -> None:
    path = folder / "sub" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"half")
    dirty.wrote(folder, "sub/a.jpg")
    path.write_bytes(b"more than half")
    clock.now_s = 1.0
    assert dirty.take() == Batch({}, frozenset({path}))
    assert dirty.due_in() == 1.0
    clock.now_s = 2.0
    assert dirty.take() == Batch({folder: [Place("sub", deep=False)]})


def test_a_look_a_moment_ago_proves_nothing(dirty: DirtyPlaces, clock: Clock, folder: Path) -> None:
    for name in ("old.jpg", "new.jpg"):
        clock.now_s += 1.0
        (folder / name).touch()
        dirty.wrote(folder, name)
    clock.now_s += 0.5
    assert dirty.take() == Batch({folder: [Place("", deep=False)]}, frozenset({folder / "new.jpg"}))


def test_events_without_a_change_do_not_keep_a_file_waiting(dirty: DirtyPlaces, clock: Clock, folder: Path) -> None:
    (folder / "a.jpg").touch()
    for clock.now_s in (0.0, 0.75):
        dirty.wrote(folder, "a.jpg")
    clock.now_s = 1.0
    assert dirty.take().unsettled == frozenset()


@pytest.mark.parametrize("mtime_s", [0, 2_000_000_000, 4_000_000_000])
def test_the_wall_clock_is_not_asked(dirty: DirtyPlaces, clock: Clock, folder: Path, mtime_s: int) -> None:
    path = folder / "a.jpg"
    path.touch()
    dirty.wrote(folder, "a.jpg")
    os.utime(path, (mtime_s, mtime_s))
    clock.now_s = 1.0
    assert dirty.take().unsettled == {path}
    clock.now_s = 2.0
    assert dirty.take() == Batch({folder: [Place("", deep=False)]})


def test_a_file_that_is_gone_again_keeps_nothing_waiting(dirty: DirtyPlaces, folder: Path) -> None:
    dirty.wrote(folder, "a.jpg")
    assert dirty.take() == Batch({folder: [Place("", deep=False)]})


# Places once each


def test_a_place_below_a_deep_one_is_left_out() -> None:
    dirty = {"a": True, "a/b": True, "ab": False, "": False}
    assert tidy(dirty) == [Place("", False), Place("a"), Place("ab", False)]


def test_a_shallow_place_hides_none_below_it() -> None:
    assert tidy({"a": False, "a/b": True}) == [Place("a", False), Place("a/b")]


def test_very_many_places_are_the_whole_folder() -> None:
    assert tidy({str(number): True for number in range(5_001)}) == [Place("")]
