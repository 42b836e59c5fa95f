"""Processes are killed while they judge and learn: nothing that was said is lost, what is learned comes out whole."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from clipsearch.library.categories import applying, editing
from clipsearch.library.library import Library
from clipsearch.records import Category
from tests.fakes import fake_library
from tests.soak import actor
from tests.soak.test_kills import ACTOR, Disk, Killer, assert_agrees, assert_sound

TOLD = (
    Category(0, "red"),
    Category(0, "green", exclusive_group="colours"),
    Category(0, "blue", negatives=("green",), exclusive_group="colours"),
    Category(0, "colourful", threshold=0.2, parent_id=1),
)


def said(ledger: Path) -> dict[tuple[int, int], bool]:
    """Return the last word about each photo; a line that the kill cut off was not said yet."""
    whole = ledger.read_text("utf-8").rpartition("\n")[0] if ledger.exists() else ""
    rows = (map(int, line.split()) for line in whole.splitlines())
    return {(category, photo): bool(is_member) for category, photo, is_member in rows}


def judged(library: Library) -> dict[tuple[int, int], bool]:
    judgements = library.catalog.labels.all_judgements()
    return {(category, photo): one for category, photos in judgements.items() for photo, one in photos.items()}


def found(library: Library) -> dict[int, tuple[list[int], np.ndarray]]:
    views = {info.category.id: applying.member_ids(library, info.category.id) for info in editing.categories(library)}
    return {category: (ids.tolist(), scores) for category, (ids, scores) in views.items()}


def soak(tmp_path: Path, kills: int, seed: int, photos: int) -> Killer:
    choose = random.Random(seed)
    disk, killer = Disk(tmp_path / "photos", choose, photos), Killer(choose)
    place, ledger = tmp_path / "library", tmp_path / "ledger.txt"
    with fake_library(place) as library:
        actor.index(library, *map(str, disk.folders))
        for told in TOLD:
            editing.add(library, told)
    while killer.killed < kills:
        killer.run("teach", (*ACTOR, "teach", str(place), str(choose.random()), str(ledger)))
        with fake_library(place) as library:
            assert_sound(library)
            kept, last_word = judged(library), said(ledger)
            beyond = {pair for pair in kept if kept[pair] != last_word.get(pair)}
            assert last_word.keys() <= kept.keys() and len(beyond) <= 1  # the last one, not yet in the ledger
            with ledger.open("a", encoding="utf-8") as stream:
                stream.writelines(f"{category} {photo} {int(kept[category, photo])}\n" for category, photo in beyond)
            assert_learned(library)
            assert_agrees(library)
    return killer


def assert_learned(library: Library) -> None:
    """Hold what is brought up to date now to what is made anew; nobody is where the user does not want them."""
    applying.refresh(library)
    followed = found(library)
    with closing(sqlite3.connect(library.folder / "catalog.sqlite")) as connection, connection:
        connection.execute("DELETE FROM head")
        connection.execute("DELETE FROM membership")
    applying.refresh(library)
    for category, (ids, scores) in found(library).items():
        assert followed[category][0] == ids
        assert np.allclose(followed[category][1], scores, atol=1e-4)
        word = library.catalog.labels.judgements(category)
        assert {photo for photo, put_in in word.items() if put_in} <= set(ids)
        assert not {photo for photo, put_in in word.items() if not put_in} & set(ids)


@pytest.fixture(autouse=True)
def decode_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo afterwards what the actor sets for its own process."""
    monkeypatch.setattr(actor.reading, "WorkerPool", actor.reading.WorkerPool)
    monkeypatch.setattr(actor.reading, "_STORED_TOGETHER", actor.reading._STORED_TOGETHER)


def test_a_few_kills_of_judging_and_learning(tmp_path: Path) -> None:
    soak(tmp_path, kills=3, seed=1, photos=40)


@pytest.mark.slow
def test_kills_of_judging_and_learning(tmp_path: Path) -> None:
    soak(tmp_path, kills=60, seed=2, photos=120).report()
