from __future__ import annotations

from itertools import chain, islice, product

import pytest

from training.data.order import MOST_TRIES, Order, shuffled


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16, 17, 100, 1025])
def test_each_number_stands_at_one_place(count: int) -> None:
    assert sorted(shuffled(place, count, 3, 8) for place in range(count)) == list(range(count))


def test_each_epoch_and_each_seed_has_an_order_of_its_own() -> None:
    orders = {tuple(shuffled(place, 50, seed, epoch) for place in range(50)) for seed, epoch in product((0, 1), (0, 1))}
    assert len(orders) == 4


def test_any_number_may_come_first() -> None:
    counts = [0] * 10
    for seed in range(2000):
        counts[shuffled(0, 10, seed, 0)] += 1
    assert all(140 < count < 260 for count in counts)  # 200 each, within 4.5 standard deviations


def test_neighbours_are_not_kept_together() -> None:
    steps = [abs(shuffled(place + 1, 1000, 5, 0) - shuffled(place, 1000, 5, 0)) for place in range(999)]
    assert 290 < sum(steps) / len(steps) < 375  # a third of the whole, if they are independent


def test_four_hundred_million_pairs_need_no_more_than_ten() -> None:
    order = Order(400_000_000, 32_768, 0)
    far = 10**6
    assert order.candidates(far, 5).__next__() == next(Order(400_000_000, 32_768, 0).candidates(far, 5))
    assert len({next(order.candidates(far, slot)) for slot in range(1000)}) == 1000


def test_an_epoch_sees_each_pair_at_most_once_and_the_next_one_others() -> None:
    order = Order(11, 4, 0)
    epochs = [[next(order.candidates(step, slot)) for step in steps for slot in range(4)] for steps in ((0, 1), (2, 3))]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert set(epochs[0]) != set(epochs[1])


def test_no_two_places_of_a_batch_may_ever_hold_the_same() -> None:
    order = Order(103, 10, 0)
    of_each = [list(islice(order.candidates(4, slot), 10)) for slot in range(10)]
    assert len(set(chain(*of_each))) == 100


@pytest.mark.parametrize(("count", "batch"), [(3, 2), (5, 8), (1, 1), (90, 7)])
def test_every_pair_is_tried_before_giving_up(count: int, batch: int) -> None:
    for slot in range(batch):
        assert sorted(Order(count, batch, 0).candidates(3, slot)) == list(range(count))


def test_giving_up_comes_soon_enough() -> None:
    assert len(list(Order(10**9, 4, 0).candidates(0, 0))) == MOST_TRIES
    assert len(list(Order(None, 4, 0).candidates(0, 0))) == MOST_TRIES


def test_an_endless_source_keeps_its_own_order() -> None:
    assert [next(Order(None, 4, 9).candidates(step, slot)) for step in (2, 3) for slot in range(4)] == list(
        range(8, 16)
    )
