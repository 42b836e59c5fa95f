"""A pair's picture as the later steps need it: read once, ahead of them, in threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipsearch.encode.preprocess import Preprocess, to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from training.curator.settings import Settings

Item = TypeVar("Item")
Result = TypeVar("Result")

PRINT_DIM = 304
_LEVELS = 17.0  # of 256; what a colour has to differ to count as much as a bit
_NOISE = 1.0  # of a sum over the picture's samples; keeps what is empty from being enlarged
_HASH_SIDE = 16
_AHEAD = 8  # pictures a thread
_SAMPLES = 64  # the picture's sides before the transform


class LostError(Exception):
    """A pair that is not kept; the message is the reason, the same for all such pairs."""


@dataclass(frozen=True, slots=True)
class Look:
    """`print` float32 [304], see `fingerprint`; `square` uint8 [size, size, 3], the model's input, if there is one."""

    print: npt.NDArray[np.float32]
    square: npt.NDArray[np.uint8] | None


def look_at(path: Path, settings: Settings, preprocess: Preprocess | None) -> Look:
    """Read a picture. Raises LostError where it cannot be read, is small, or is too long."""
    try:
        picture = decode(path, max(_SAMPLES, preprocess.size if preprocess else 0))
    except UnreadablePhotoError as error:
        raise LostError("picture cannot be read" if os.path.exists(path) else "picture is not there") from error  # noqa: PTH110
    short, long = sorted((picture.width, picture.height))
    if short < settings.least_side:
        raise LostError("picture is too small")
    if long > short * settings.most_aspect:
        raise LostError("picture is too long")
    square = to_square(picture.image, preprocess) if preprocess else None
    return Look(fingerprint(picture.image), square)


def fingerprint(picture: Image.Image) -> npt.NDArray[np.float32]:
    """Return a vector, float32 [304], whose squared distances say how different two pictures look.

    The last 256 are a perceptual hash without its hard edge: how far each of the 16 x 16 lowest frequencies
    (cosine transform of the grey picture, 64 x 64) lies above their median, in mean distances from it, from -1/2 to
    1/2; a bit that differs clearly counts 1. The first 48 are colours (4 x 4), without which a drawing in two colours
    were one.

    Of 400 drawings made smaller by a quarter and saved as JPEG of quality 70, nine tenths lie within 2.8 of the
    original (with hard bits, within 42), and of 3.1 million pairs of different ones 10, most of them emoji that only
    differ in a detail (with hard bits, 90).
    """
    small = picture.convert("RGB").resize((_SAMPLES, _SAMPLES), Image.Resampling.BOX)
    waves = _waves()
    low = (waves @ np.asarray(small.convert("L"), np.float32) @ waves.T).ravel()
    above = low - np.median(low[1:])
    bits = np.clip(above / (np.abs(above[1:]).mean() + _NOISE), -0.5, 0.5)
    colours = np.asarray(small.resize((4, 4), Image.Resampling.BOX), np.float32).ravel() / _LEVELS
    return np.concatenate([colours, bits]).astype(np.float32)


@lru_cache
def _waves() -> npt.NDArray[np.float32]:
    """Return the lowest cosines over the samples, float32 [16, 64]."""
    places = (np.arange(_SAMPLES) + 0.5) * np.pi / _SAMPLES
    waves: npt.NDArray[np.float32] = np.cos(np.outer(np.arange(_HASH_SIDE), places)).astype(np.float32)
    return waves


def ahead(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield what `function` makes of the items, in order; threads work ahead by a few of them."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
