from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from clipsearch.store.index.ranking import candidates_for, placed, rank
from tests.store.filled import random_vectors

PHOTOS = random_vectors(5000, 32).astype(np.float16)
QUERY = random_vectors(1, 32, seed=1)[0]
EXACT = PHOTOS.astype(np.float32) @ QUERY


class Shelf:
    """Hands out vectors by photo id, in an order of its own, and counts them."""

    def __init__(self, missing: Sequence[int] = ()) -> None:
        self.missing, self.count = set(missing), 0

    def read(self, ids: Sequence[int]) -> Iterator[tuple[list[int], np.ndarray]]:
        there = [one for one in reversed(ids) if one not in self.missing]
        self.count += len(there)
        for start in range(0, len(there), 70):
            yield there[start : start + 70], PHOTOS[there[start : start + 70]]


def candidates(error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return all photos by estimates with a normal error of this standard deviation."""
    estimates = (EXACT + error * np.random.default_rng(2).standard_normal(len(EXACT))).astype(np.float32)
    order = np.argsort(-estimates)
    return order, estimates[order]


def best(count: int) -> list[int]:
    return np.argsort(-EXACT)[:count].tolist()


def test_the_best_come_first_with_exact_scores() -> None:
    ids, scores = rank(QUERY, *candidates(0.05), 10, Shelf().read)
    assert ids.tolist() == best(10)
    assert np.allclose(scores, EXACT[ids], atol=1e-6)


def test_good_estimates_need_little_reading_and_poor_ones_more() -> None:
    read = []
    for error in (0.001, 0.15, 10):
        shelf = Shelf()
        ids, _ = rank(QUERY, *candidates(error), 10, shelf.read)
        assert ids.tolist() == best(10)
        read.append(shelf.count)
    assert read[0] == 500
    assert 500 < read[1] < 5000
    assert read[2] == 5000


def test_estimates_that_are_all_too_high_or_low_do_no_harm() -> None:
    for shift in (-0.5, 0.5):
        ids, estimates = candidates(0.02)
        found, _ = rank(QUERY, ids, estimates + np.float32(shift), 10, Shelf().read)
        assert found.tolist() == best(10)


def test_photos_that_are_gone_are_left_out() -> None:
    gone = best(3)
    ids, scores = rank(QUERY, *candidates(0.01), 10, Shelf(gone).read)
    assert ids.tolist() == best(13)[3:]
    assert np.isfinite(scores).all()


def test_fewer_candidates_than_asked_for() -> None:
    ids, scores = rank(QUERY, np.array([4, 2]), np.zeros(2, np.float32), 10, Shelf([2]).read)
    assert (ids.tolist(), len(scores)) == ([4], 1)
    assert rank(QUERY, np.zeros(0, np.int64), np.zeros(0, np.float32), 10, Shelf().read)[0].tolist() == []
    assert rank(QUERY, np.array([4, 2]), np.zeros(2, np.float32), 0, Shelf().read)[0].tolist() == []


def test_more_hits_need_more_candidates() -> None:
    assert candidates_for(10) < candidates_for(100) < candidates_for(1000)
    assert all(candidates_for(limit) > 10 * limit for limit in (1, 10, 100, 10_000))


def test_vectors_go_to_their_places() -> None:
    ids = np.array([30, 10, 20, 40])
    vectors = np.zeros((4, 32), np.float16)
    for places, part in placed(ids, Shelf([20]).read):
        vectors[places] = part
    assert np.array_equal(vectors[[0, 1, 3]], PHOTOS[[30, 10, 40]])
    assert not vectors[2].any()
