"""Many heads at once, against the formula written out for one category after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipsearch.library.categories.scoring import Scorer, least_log_odds, probability, with_rivals
from clipsearch.records import Category
from clipsearch.store.tables.memberships import StoredHead
from tests.store.filled import random_vectors

RNG = np.random.default_rng(3)
CATEGORIES = [
    Category(1, "alone"),
    Category(2, "with negatives", negatives=("x", "y")),
    Category(3, "a", exclusive_group="g"),
    Category(4, "b", exclusive_group="g", negatives=("z",)),
    Category(5, "c", exclusive_group="g"),
    Category(6, "of another group", exclusive_group="h"),
]


def head(category: Category, scale: float = 6.0) -> StoredHead:
    rows = 1 + len(category.negatives)
    weights = RNG.standard_normal((rows, 8)).astype(np.float32) * scale
    return StoredHead(category.id, "", weights, RNG.standard_normal(rows).astype(np.float32))


def expected(vector: np.ndarray, category: Category, heads: dict[int, StoredHead]) -> float:
    """Return the probability by the softmax with a background of log-odds 0, in plain Python."""
    own = heads[category.id].weights.astype(float) @ vector + heads[category.id].biases
    group = category.exclusive_group
    others = [one for one in CATEGORIES if group and one.exclusive_group == group and one != category]
    rivals = [*own[1:], *(heads[one.id].weights[0].astype(float) @ vector + heads[one.id].biases[0] for one in others)]
    return math.exp(own[0]) / (1 + math.exp(own[0]) + sum(map(math.exp, rivals)))


@pytest.mark.parametrize("wanted", [CATEGORIES, CATEGORIES[1:3], CATEGORIES[3:4], CATEGORIES[5:]])
def test_all_at_once_is_one_by_one(wanted: list[Category]) -> None:
    heads = {one.id: head(one) for one in CATEGORIES}
    vectors = random_vectors(50, 8)
    needed = {one.id: heads[one.id] for one in with_rivals(CATEGORIES, wanted)}
    found = probability(Scorer.of(wanted, CATEGORIES, needed).log_odds(vectors.astype(np.float16)))
    right = [[expected(vector.astype(np.float16), one, heads) for one in wanted] for vector in vectors]
    assert np.allclose(found, right, rtol=1e-4, atol=1e-7)


def test_sure_heads_stay_in_order_and_finite() -> None:
    heads = {one.id: head(one, scale=500) for one in CATEGORIES}
    log_odds = Scorer.of(CATEGORIES, CATEGORIES, heads).log_odds(random_vectors(200, 8))
    assert np.isfinite(log_odds).all()
    alone = random_vectors(200, 8) @ heads[1].weights[0]
    assert (np.argsort(log_odds[:, 0]) == np.argsort(alone + heads[1].biases[0])).all()


def test_exclusive_categories_share_what_is_left_by_the_background() -> None:
    heads = {one.id: head(one) for one in CATEGORIES}
    group = [CATEGORIES[2], CATEGORIES[4], CATEGORIES[3]]
    odds = Scorer.of(
        group, [*group[:2], group[2]], {**heads, 4: StoredHead(4, "", heads[4].weights[:1], heads[4].biases[:1])}
    )
    assert (probability(odds.log_odds(random_vectors(100, 8))).sum(axis=1) < 1).all()


def test_a_threshold_in_log_odds() -> None:
    assert least_log_odds(Category(1, "a")) == 0
    assert probability(np.array([least_log_odds(Category(1, "a", threshold=0.9))])) == pytest.approx(0.9)
    assert probability(np.array([np.inf, -np.inf, -800.0, 40.0])).tolist() == [1, 0, 0, 1]
