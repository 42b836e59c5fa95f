from __future__ import annotations

import numpy as np

from clipsearch.store.index.id_set import IdSet


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_holds_what_was_added_and_not_removed() -> None:
    ids = IdSet(numbers(3, 1))
    ids.add(numbers(9, 3))
    ids.remove(numbers(1, 500))
    assert ids.all().tolist() == [3, 9]
    assert ids.holds(numbers(9, 1, 3, 10_000, -1, 0)).tolist() == [True, False, True, False, False, False]


def test_an_empty_one() -> None:
    ids = IdSet(numbers())
    assert ids.all().tolist() == []
    assert ids.holds(numbers(1)).tolist() == [False]
    ids.remove(numbers(1))
    ids.add(numbers())
    assert ids.all().tolist() == []
