from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from clipsearch.encode.preprocess import to_square
from clipsearch.model import config
from tests.pictures import QUARTERS, quarters
from tests.training.data.runs_of import NETWORK, SIZE
from training.data.variations import Variations, preprocessing, view

SPEC = preprocessing(NETWORK)


def varied(augment: Any, least_scale: float = 0.9, **changes: Any) -> Variations:
    return Variations(replace(SPEC, **changes), augment, least_scale)


def ramp(width: int, height: int) -> Image.Image:
    """Return a picture whose red tells the column and whose green tells the row."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)
    pixels = np.stack([*np.meshgrid(across, down), np.zeros((height, width))], axis=-1)
    return Image.fromarray(pixels.round().astype(np.uint8))


def test_a_package_will_prepare_pictures_as_training_does() -> None:
    spec = preprocessing(config("ViT-B-16-SigLIP"))
    assert (spec.size, spec.resize, spec.interpolation, spec.mean) == (224, "squash", "bicubic", (0.5, 0.5, 0.5))


@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_without_augmentation_pictures_are_those_of_the_program(resize: str) -> None:
    variations = varied("none", resize=resize)
    image = ramp(90, 70)
    assert np.array_equal(variations.square(image, random.Random(1)), to_square(image, variations.spec))
    assert variations.least_side == SIZE


def test_a_crop_of_the_whole_of_a_square_picture_is_the_picture() -> None:
    image = ramp(80, 80)
    assert np.array_equal(varied("crop", 1.0).square(image, random.Random(1)), to_square(image, SPEC))


def test_with_scale_1_the_crop_is_a_square_of_the_resized_picture() -> None:
    image = ramp(200, 100)
    resized = np.asarray(image.resize((2 * SIZE, SIZE), Image.Resampling.BICUBIC)).astype(int)
    offsets = []
    for seed in range(30):
        square = varied("crop", 1.0).square(image, random.Random(seed)).astype(int)
        errors = [np.abs(resized[:, left : left + SIZE] - square).max() for left in range(SIZE + 1)]
        assert min(errors) <= 4  # a pixel is worth 4 across; the box need not begin at a whole one
        offsets.append(int(np.argmin(errors)))
    assert min(offsets) < SIZE * 0.2 and max(offsets) > SIZE * 0.8


def test_crops_are_no_smaller_than_told() -> None:
    for seed in range(50):
        square = varied("crop", 0.25).square(ramp(128, 128), random.Random(seed)).astype(int)
        across, down = np.ptp(square[..., 0]) / 255, np.ptp(square[..., 1]) / 255
        assert 0.45 < across <= 1 and abs(across - down) < 0.05


def test_a_model_that_squashes_gets_a_part_in_the_pictures_proportions() -> None:
    square = varied("crop", 1.0, resize="squash").square(ramp(200, 50), random.Random(0))
    assert np.array_equal(square, to_square(ramp(200, 50), replace(SPEC, resize="squash")))


def test_half_of_the_pictures_are_mirrored_where_that_is_wanted() -> None:
    image = ramp(64, 64)
    plain = to_square(image, SPEC)
    mirrored = np.asarray(ImageOps.mirror(Image.fromarray(plain)))
    squares = [varied("crop-and-flip", 1.0).square(image, random.Random(seed)) for seed in range(40)]
    are_plain = sum(np.array_equal(square, plain) for square in squares)
    assert 10 < are_plain < 30
    assert are_plain + sum(np.array_equal(square, mirrored) for square in squares) == 40


def test_the_same_seed_gives_the_same_and_another_something_else() -> None:
    variations, image = varied("crop-and-flip", 0.5), quarters((90, 70))
    squares = [variations.square(image, random.Random(seed)) for seed in (1, 1, 2)]
    views = [variations.two_views(image, random.Random(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(squares[0], squares[1]) and np.array_equal(views[0], views[1])
    assert not np.array_equal(squares[0], squares[2]) and not np.array_equal(views[0], views[2])


def test_two_views_differ_strongly_and_are_still_of_the_picture() -> None:
    views = varied("crop").two_views(quarters((90, 70)), random.Random(4))
    assert (views.shape, views.dtype) == ((2, SIZE, SIZE, 3), np.uint8)
    assert np.abs(views[0].astype(int) - views[1]).mean() > 10


def test_views_show_each_quarter_grey_ones_blurred_ones_and_other_colours() -> None:
    image = quarters((64, 64))
    views = [view(image, SIZE, random.Random(seed)).astype(int) for seed in range(200)]
    grey = sum(bool((np.ptp(one, axis=-1) == 0).all()) for one in views)
    assert 20 < grey < 70  # 40 and a few that show the white quarter only
    middles = np.array([one[SIZE // 2, SIZE // 2] for one in views])
    for shade in QUARTERS.values():
        assert (np.abs(middles - shade).max(axis=1) < 60).any()
    assert len(np.unique(middles, axis=0)) > 100


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 2)])
@pytest.mark.parametrize("augment", ["none", "crop", "crop-and-flip"])
def test_thin_and_tiny_pictures_are_no_exception(size: tuple[int, int], augment: str) -> None:
    variations, image = varied(augment), Image.new("RGB", size, (10, 200, 30))
    for seed in range(10):
        assert (variations.square(image, random.Random(seed)) == (10, 200, 30)).all()
        assert variations.two_views(image, random.Random(seed)).shape == (2, SIZE, SIZE, 3)
