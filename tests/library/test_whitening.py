from __future__ import annotations

import numpy as np
import pytest

from clipsearch.library.whitening import Whitening


@pytest.fixture
def photos() -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.standard_normal((500, 4)) * [4, 1, 1, 0.1] + 1).astype(np.float32)


def test_a_photo_has_the_mean_square_length_one(photos: np.ndarray) -> None:
    space = Whitening.of(photos, np.full(500, 1 / 500), photos.mean(0).astype(float))
    assert (space.into(photos) ** 2).sum(1).mean() == pytest.approx(1, abs=1e-3)


def test_what_all_photos_differ_in_counts_less(photos: np.ndarray) -> None:
    space = Whitening.of(photos, np.full(500, 1 / 500), np.zeros(4))
    lengths = np.linalg.norm(space.into(np.eye(4, dtype=np.float32)), axis=1)
    assert lengths[0] < lengths[1] < lengths[3]


def test_weights_mean_the_same_on_both_sides(photos: np.ndarray) -> None:
    space = Whitening.of(photos, np.full(500, 1 / 500), np.zeros(4))
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    assert np.allclose(space.into(photos) @ weights, photos @ space.back(weights))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_where_nothing_is_known_nothing_is_changed(photos: np.ndarray, count: int) -> None:
    same = np.repeat(photos[:1], count, axis=0)
    space = Whitening.of(same, np.full(count, 1 / max(1, count)), photos[0].astype(float))
    assert np.allclose(space.into(photos), photos - photos[0])
