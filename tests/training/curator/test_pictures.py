"""Pictures: which are turned away, and which look the same."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.curator.pictures import PRINT_DIM, LostError, ahead, fingerprint, look_at
from training.curator.settings import Settings


def drawing(seed: int, size: int = 128) -> Image.Image:
    """Return some coloured shapes, which ones by the seed."""
    chance = np.random.default_rng(seed)
    picture = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        left, top, wide, high = chance.uniform(0, 0.6, 4) * size
        colour = tuple(int(value) for value in chance.integers(0, 255, 3))
        draw.ellipse((left, top, left + wide + 8, top + high + 8), fill=colour)
    return picture


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(((fingerprint(one) - fingerprint(other)) ** 2).sum())


def recompressed(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.resize((96, 96), Image.Resampling.LANCZOS).save(file, "JPEG", quality=75)
    return Image.open(file)


def test_copies_are_near_and_others_far() -> None:
    near = Settings().same_print
    pictures = [drawing(seed) for seed in range(12)]
    assert max(distance(picture, recompressed(picture)) for picture in pictures) <= near
    others = [distance(one, other) for place, one in enumerate(pictures) for other in pictures[:place]]
    assert min(others) > 5 * near


def test_another_colour_is_another_picture() -> None:
    red, blue = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    assert distance(red, blue) > Settings().same_print
    assert fingerprint(red).shape == (PRINT_DIM,)


@pytest.mark.parametrize(
    ("size", "reason"), [((200, 20), "too small"), ((400, 40), "too long"), ((40, 400), "too long")]
)
def test_small_and_long_pictures_are_turned_away(size: tuple[int, int], reason: str, tmp_path: Path) -> None:
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(LostError, match=reason):
        look_at(tmp_path / "a.png", Settings(), None)


def test_damaged_and_missing_pictures_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(LostError, match="cannot be read"):
        look_at(tmp_path / "a.png", Settings(), None)
    with pytest.raises(LostError, match="not there"):
        look_at(tmp_path / "b.png", Settings(), None)


def test_work_ahead_keeps_the_order_and_stays_bounded() -> None:
    taken = 0
    first = threading.Event()

    def numbers() -> object:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    def slow_at_first(number: int) -> int:
        if number == 0:
            first.wait(5)
        else:
            first.set()
        return number * number

    results = ahead(slow_at_first, numbers(), 2)  # type: ignore[arg-type, var-annotated]
    assert next(results) == 0
    assert taken < 100
    assert list(results) == [number * number for number in range(1, 1000)]
