"""What was seen before: by vectors, across blocks and within one list, and by captions."""

from __future__ import annotations

import numpy as np
import pytest

from training.curator import duplicates
from training.curator.duplicates import SeenTexts, SeenVectors


def unit(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_near_vectors_are_known_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_BLOCK", 8)
    seen, vectors = SeenVectors(32, near=0.04), unit(50)
    assert all(seen.new(vectors[:20]) + seen.new(vectors[20:]))
    shifted = vectors + 0.001
    assert not any(seen.new(shifted))
    assert seen.new(unit(3, seed=1)) == [True, True, True]


def test_doubles_within_a_list_leave_the_first() -> None:
    vectors = unit(3)
    assert SeenVectors(32, near=0.04).new(vectors[[0, 1, 0, 2, 1]]) == [True, True, False, True, False]


def test_a_double_of_a_double_is_new_when_far_from_what_was_kept() -> None:
    line = np.array([[0.0], [0.8], [1.6]], np.float32)
    assert SeenVectors(1, near=1.0).new(line) == [True, False, True]


def test_a_caption_stands_so_often() -> None:
    texts = SeenTexts(2)
    assert [texts.new("dog") for _ in range(3)] == [True, True, False]
    assert texts.new("cat")
    assert all(SeenTexts(0).new("dog") for _ in range(5))
