from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clipsearch.encode.preprocess import Preprocess, normalise, to_square
from tests.pictures import quarters

SPEC = Preprocess(1, 32, "squash", "bicubic", (0.5, 0.4, 0.3), (0.2, 0.25, 0.5), (10, 20, 30))
OUT_OF_RANGE = [{"size": 0}, {"size": 10**9}, {"std": [1, 0, 1]}, {"mean": [0, 0, float("nan")]}, {"fill": [0, 0, 256]}]
RESIZES = ["squash", "shortest", "pad"]


@pytest.mark.parametrize("resize", RESIZES)
@given(width=st.integers(1, 300), height=st.integers(1, 300), size=st.integers(1, 64))
def test_any_picture_becomes_a_square(resize: str, width: int, height: int, size: int) -> None:
    square = to_square(Image.new("RGB", (width, height)), replace(SPEC, resize=resize, size=size))
    assert (square.shape, square.dtype) == ((size, size, 3), np.uint8)


def test_squash_keeps_the_whole_picture() -> None:
    square = to_square(quarters((200, 60)), SPEC)
    assert square[4, 4, 0] > 200
    assert square[27, 27].min() > 200


def test_shortest_keeps_the_middle() -> None:
    image = Image.new("RGB", (96, 32), "red")
    image.paste("blue", (32, 0, 64, 32))
    square = to_square(image, replace(SPEC, resize="shortest"))
    assert (square == (0, 0, 255)).all()


def test_pad_keeps_the_proportions_between_bars() -> None:
    square = to_square(Image.new("RGB", (64, 32), "white"), replace(SPEC, resize="pad"))
    assert (square[:8] == SPEC.fill).all()
    assert (square[24:] == SPEC.fill).all()
    assert (square[8:24] == 255).all()


def test_normalise_is_the_formula_channels_first() -> None:
    squares = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    wanted = ((squares / 255 - np.array(SPEC.mean)) / np.array(SPEC.std)).transpose(0, 3, 1, 2)
    pixels = normalise(squares, SPEC)
    assert pixels.dtype == np.float32
    assert np.allclose(pixels, wanted, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"resize": "stretch"}, {"interpolation": "magic"}, {"mean": [0, 0]}, *OUT_OF_RANGE])
def test_wrong_values_are_refused(wrong: dict[str, object]) -> None:
    values = {"version": 1, "size": 8, "resize": "pad", "interpolation": "bicubic", "mean": [0] * 3, "std": [1] * 3}
    assert Preprocess.from_json(values).size == 8
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Preprocess.from_json(values | wrong)
