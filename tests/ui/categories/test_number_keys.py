"""Number keys stay with their categories."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from clipsearch.ui.categories.number_keys import NumberKeys

HERE = Path("library")


@pytest.fixture
def keys(store: QSettings) -> NumberKeys:
    return restored(store)


def restored(store: QSettings, library: Path = HERE) -> NumberKeys:
    keys = NumberKeys()
    keys.restore(store, library)
    return keys


def test_the_first_nine_have_one(keys: NumberKeys) -> None:
    keys.give(range(11, 22))
    assert keys.digits == {number + 10: number for number in range(1, 10)}
    assert (keys.category(9), keys.category(1)) == (19, 11)


def test_the_others_keep_theirs_when_one_goes_and_it_has_its_own_when_it_comes_back(keys: NumberKeys) -> None:
    keys.give([1, 2, 3])
    keys.give([1, 3])
    assert keys.digits == {1: 1, 3: 3}
    assert keys.category(2) is None
    keys.give([1, 3, 4])
    keys.give([1, 2, 3, 4])
    assert keys.digits == {1: 1, 2: 2, 3: 3, 4: 4}


def test_when_all_are_given_the_next_one_takes_that_of_one_that_is_gone(keys: NumberKeys) -> None:
    keys.give(range(1, 11))
    assert 10 not in keys.digits
    keys.give([1, 2, 4, 5, 6, 7, 8, 9, 10])
    assert keys.category(3) == 10
    keys.give(range(1, 11))
    assert 3 not in keys.digits


def test_they_are_remembered_for_each_library(keys: NumberKeys, store: QSettings) -> None:
    keys.give([1, 2, 3])
    again = restored(store)
    again.give([1, 3])
    assert again.digits == {1: 1, 3: 3}
    other = restored(store, Path("other"))
    other.give([3, 4])
    assert other.digits == {3: 1, 4: 2}


@pytest.mark.parametrize("damaged", ["", "a-b", "1-1-1", "-----------4", "٣"])
def test_whatever_is_stored_they_are_given(store: QSettings, damaged: str, keys: NumberKeys) -> None:
    keys.give([7, 8])
    store.setValue(keys._name, damaged)
    again = restored(store)
    again.give([1, 2])
    assert set(again.digits) == {1, 2}
