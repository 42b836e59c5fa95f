"""Balancing: at most so many pairs a query, fairly drawn, the same again with the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from training.curator.balancing import Balance, Draws, Reservoirs

#: Query 0 matches all of 1,000 pairs, query 1 every hundredth, query 2 none.
PAIRS = [[0, 1] if row % 100 == 0 else [0] for row in range(1000)]


def chosen(balance: Balance) -> list[int]:
    for row, queries in enumerate(PAIRS):
        balance.count(row, queries)
    return [row for row, queries in enumerate(PAIRS) if balance.keeps(row, queries)]


@pytest.mark.parametrize("way", [Reservoirs, Draws])
def test_rare_queries_keep_all_and_frequent_ones_their_share(way: type[Reservoirs] | type[Draws]) -> None:
    balance = way(3, 50, 0)
    kept = chosen(balance)
    assert list(balance.found) == [1000, 10, 0]
    assert {row for row in range(1000) if row % 100 == 0} <= set(kept)
    assert 30 <= len(kept) <= 85  # 50 and the rare ones; Draws vary around it
    assert kept == chosen(way(3, 50, 0))
    assert kept != chosen(way(3, 50, 1))


def test_a_reservoir_holds_exactly_its_share() -> None:
    balance = Reservoirs(1, 50, 0)
    for row in range(1000):
        balance.count(row, [0])
    assert sum(balance.keeps(row, [0]) for row in range(1000)) == 50


def test_each_pair_is_as_likely_as_another() -> None:
    counts: Counter[int] = Counter()
    for seed in range(400):
        balance = Reservoirs(1, 5, seed)
        for row in range(20):
            balance.count(row, [0])
        counts.update(row for row in range(20) if balance.keeps(row, [0]))
    assert all(60 <= counts[row] <= 140 for row in range(20))  # 100 expected, standard deviation 8.7


@pytest.mark.parametrize("way", [Reservoirs, Draws])
def test_none_keeps_all_that_match(way: type[Reservoirs] | type[Draws]) -> None:
    balance = way(3, 0, 0)
    assert chosen(balance) == list(range(1000))
    assert not balance.keeps(0, [])


def test_a_query_without_pairs_keeps_none() -> None:
    assert not Reservoirs(2, 5, 0).keeps(3, [1])
