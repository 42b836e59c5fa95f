from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clipsearch.library.calibration import Background, Head, calibrated
from clipsearch.library.categories.learning import learn, most_useful
from tests.vector_worlds import World, average_precision, world

KINDS = 6


@pytest.fixture(scope="module")
def photos() -> World:
    return world([0.05] * KINDS, text_error=2.0)


@pytest.fixture(scope="module")
def priors(photos: World) -> list[Head]:
    return calibrated(photos.texts, photos.background)


def members(photos: World, kind: int, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.flatnonzero(photos.kinds == kind))[:count]


def precision_after(photos: World, prior: Head, kind: int, count: int, seed: int = 0) -> float:
    """Return the average precision on the other photos after `count` examples."""
    rows = members(photos, kind, count, seed)
    head = learn(prior, photos.photos[rows], np.ones(count, bool), photos.background).head
    left = np.delete(np.arange(len(photos.photos)), members(photos, kind, 16, seed))
    return average_precision(head.log_odds(photos.photos[left]), photos.kinds[left] == kind)


def test_without_examples_it_is_the_prior_itself(photos: World, priors: list[Head]) -> None:
    none = photos.photos[:0], np.zeros(0, bool)
    lesson = learn(priors[0], *none, photos.background)
    assert lesson.head is priors[0]
    assert len(lesson.left_out()) == 0


def test_examples_never_harm_and_many_help_much(photos: World, priors: list[Head]) -> None:
    def mean(count: int) -> float:
        return float(np.mean([precision_after(photos, priors[k], k, count, s) for k in range(KINDS) for s in range(3)]))

    means = [mean(count) for count in (0, 1, 2, 4, 8, 16)]
    assert all(later > earlier for earlier, later in pairwise(means))
    assert 1 - means[-1] < (1 - means[0]) / 2


def test_with_all_examples_a_bad_prior_is_forgotten(photos: World, priors: list[Head]) -> None:
    """It converges to what the examples alone say: all judged, with the words of another kind."""
    half = np.arange(len(photos.photos)) % 2 == 0
    head = learn(priors[1], photos.photos[half], photos.kinds[half] == 0, photos.background).head
    untaught = average_precision(priors[1].log_odds(photos.photos[~half]), photos.kinds[~half] == 0)
    taught = average_precision(head.log_odds(photos.photos[~half]), photos.kinds[~half] == 0)
    assert untaught < 0.2
    assert taught > 0.9


def test_photos_taken_out_fall_with_those_like_them(photos: World, priors: list[Head]) -> None:
    out = members(photos, 0, 16)
    head = learn(priors[0], photos.photos[out[:8]], np.zeros(8, bool), photos.background).head
    before, after = (one.log_odds(photos.photos[out[8:]]).mean() for one in (priors[0], head))
    assert after < before - 1


@pytest.mark.parametrize(
    "is_member", [[True], [False], [True, False], [True] * 20, [False] * 20, [True, False] * 100], ids=len
)
def test_contradictions_and_copies_give_numbers(photos: World, priors: list[Head], is_member: list[bool]) -> None:
    same = np.repeat(photos.photos[:1], len(is_member), axis=0)
    head = learn(priors[0], same, np.array(is_member), photos.background).head
    assert np.isfinite([*head.weights, head.bias]).all()
    if is_member[0] != is_member[-1]:
        assert abs(head.log_odds(same[:1])[0]) < abs(priors[0].log_odds(same[:1])[0])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_library_that_tells_nothing_gives_numbers(photos: World, priors: list[Head], count: int) -> None:
    few = Background(photos.photos[:0], np.repeat(photos.photos[:1], count, axis=0), photos.photos[:0])
    head = learn(priors[0], photos.photos[:3], np.array([True, False, True]), few).head
    assert np.isfinite([*head.weights, head.bias]).all()


def test_more_examples_than_dimensions_and_fewer_agree(photos: World, priors: list[Head]) -> None:
    """Examples that count twice are the same as examples given twice, on either side of the number of dimensions."""
    rows = np.arange(0, 60)
    is_member = photos.kinds[rows] == 0
    once = learn(priors[0], photos.photos[rows[:32]], is_member[:32], photos.background).head
    many = np.tile(photos.photos[rows[:32]], (3, 1)), np.tile(is_member[:32], 3)
    thrice = learn(priors[0], *many, photos.background).head
    assert np.corrcoef(once.log_odds(photos.photos), thrice.log_odds(photos.photos))[0, 1] > 0.95


def test_the_solution_is_the_best_there_is(photos: World, priors: list[Head]) -> None:
    """Also from a prior that is very sure of the opposite, where a plain step of Newton's goes far too far."""
    sure = Head(30 * priors[1].weights, 30 * priors[1].bias)
    rows = np.arange(100)
    lesson = learn(sure, photos.photos[rows], photos.kinds[rows] == 0, photos.background)
    task, change = lesson._task, lesson._change
    slope = task.inputs.T @ (task.targets - task.likely(change)) - change
    assert abs(slope).max() < 1e-3


def test_leave_one_out_is_what_leaving_out_gives(photos: World, priors: list[Head]) -> None:
    rows = np.concatenate([members(photos, 0, 10), members(photos, 1, 6), members(photos, 2, 4)])
    vectors, is_member = photos.photos[rows], photos.kinds[rows] != 2
    left_out = []
    for row in range(len(rows)):
        kept = np.arange(len(rows)) != row
        head = learn(priors[0], vectors[kept], is_member[kept], photos.background).head
        left_out.append(float(head.log_odds(vectors[row : row + 1])[0]))
    measured = learn(priors[0], vectors, is_member, photos.background).left_out()
    assert ((measured >= 0) == (np.array(left_out) >= 0)).mean() > 0.9
    assert np.corrcoef(measured, left_out)[0, 1] > 0.95


def test_the_most_useful_are_uncertain_and_unlike_each_other() -> None:
    vectors = np.array([[1, 0, 0], [1, 0.01, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    log_odds = np.array([0.0, 0.1, 0.5, 9.0], np.float32)
    assert most_useful(log_odds, vectors, 2).tolist() == [0, 2]
    assert sorted(most_useful(log_odds, vectors, 10).tolist()) == [0, 1, 2, 3]
    assert most_useful(log_odds[:0], vectors[:0], 5).tolist() == []


def test_certain_photos_are_told_apart_to_the_end() -> None:
    log_odds = np.array([1e9, -2e9, 3e9], np.float32)
    assert sorted(most_useful(log_odds, np.eye(3, dtype=np.float32), 3).tolist()) == [0, 1, 2]
