from __future__ import annotations

import numpy as np
import pytest

from clipsearch.encode.encoder import unit
from clipsearch.library.calibration import Background, Head, calibrated
from tests.vector_worlds import World, world

SHARES = [0.005, 0.02, 0.1, 0.25]
LEAST_F1 = [0.5, 0.7, 0.9, 0.8]


@pytest.fixture(scope="module")
def photos() -> World:
    """Kinds from a rare one to a quarter of the library."""
    return world(SHARES, 4000)


def test_half_is_where_photos_belong_as_likely_as_not(photos: World) -> None:
    for kind, head in enumerate(calibrated(photos.texts, photos.background)):
        belongs, taken = photos.kinds == kind, head.log_odds(photos.photos) >= 0
        right = (belongs & taken).sum()
        assert 2 * right / (belongs.sum() + taken.sum()) > LEAST_F1[kind]


def test_the_order_is_that_of_the_classifier(photos: World) -> None:
    (head,) = calibrated(photos.texts[:1], photos.background)
    by_text, by_head = photos.photos @ photos.texts[0], head.log_odds(photos.photos)
    assert np.corrcoef(by_text, by_head)[0, 1] == pytest.approx(1, abs=1e-5)


def test_what_is_nowhere_is_hardly_found(photos: World) -> None:
    strange = unit(np.random.default_rng(1).standard_normal((20, photos.photos.shape[1])))
    taken = [float((head.log_odds(photos.photos) >= 0).mean()) for head in calibrated(strange, photos.background)]
    assert np.median(taken) < 0.01


def test_another_models_scale_changes_nothing(photos: World) -> None:
    half = Background(photos.photos[:0], photos.photos / 2, photos.photos[:0])
    (head,), (other,) = calibrated(photos.texts[:1], photos.background), calibrated(photos.texts[:1], half)
    assert np.allclose(head.log_odds(photos.photos), other.log_odds(photos.photos / 2), rtol=0.05, atol=0.5)


def test_a_library_of_one_kind_is_told_by_the_packages_pictures(photos: World) -> None:
    of_kind = photos.photos[photos.kinds == 3]
    background = Background(photos.photos[photos.kinds != 3], of_kind, photos.photos[:0])
    (head,) = calibrated(photos.texts[3:], background)
    assert (head.log_odds(of_kind) >= 0).mean() > 0.6


@pytest.mark.parametrize("count", [0, 1, 2, 10])
def test_a_tiny_library_gives_numbers_and_finds_not_everything(photos: World, count: int) -> None:
    few = Background(photos.photos[:0], photos.photos[:count], photos.texts)
    for head in calibrated(photos.texts, few):
        log_odds = head.log_odds(photos.photos)
        assert np.isfinite(log_odds).all()
        assert (log_odds >= 0).mean() < 0.5


def test_photos_that_are_all_the_same_give_numbers(photos: World) -> None:
    same = Background(photos.photos[:0], np.repeat(photos.photos[:1], 50, axis=0), photos.photos[:0])
    assert all(np.isfinite([*head.weights, head.bias]).all() for head in calibrated(photos.texts, same))


def test_no_classifiers_make_no_heads(photos: World) -> None:
    assert calibrated(photos.texts[:0], photos.background) == []


def test_large_libraries_count_as_much_as_the_packages_pictures() -> None:
    pictures, sample = np.ones((10, 3), np.float32), np.ones((100_000, 3), np.float32)
    shares = Background(pictures, sample, pictures[:0]).shares
    assert shares.sum() == pytest.approx(1)
    assert shares[10:].sum() == pytest.approx(0.5, abs=0.001)


def test_a_head_is_linear() -> None:
    head = Head(np.array([2, 0], np.float32), -1.0)
    assert head.log_odds(np.array([[1, 0], [0, 1]], np.float32)).tolist() == [1.0, -1.0]
