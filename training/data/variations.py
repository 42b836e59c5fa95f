"""A picture -> the model's square: as in the program, with the paper's augmentation, or strongly varied.

Whatever is left to chance comes from a generator that the caller seeds, so that each function is pure.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from clipsearch.encode.preprocess import Preprocess, to_square
from clipsearch.model import CLIPConfig
from training.errors import TrainingError
from training.run import Data

Square = npt.NDArray[np.uint8]  # [size, size, 3]

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}

# SimCLR (Chen et al. 2020, appendix A) in the strengths of SLIP (Mu et al. 2021, section 3.3) and MoCo v2.
_VIEW_SCALE = 0.08  # least share of the area
_VIEW_RATIO = (3 / 4, 4 / 3)
_JITTER, _JITTER_HUE, _JITTERED = 0.4, 0.1, 0.8
_GREY, _BLURRED, _BLUR = 0.2, 0.5, (0.1, 2.0)
_BLUR_AT_PX = 224  # the size for which the blur's radius is meant


def preprocessing(network: CLIPConfig) -> Preprocess:
    """Return how an architecture wants its pictures, as a package of it will say."""
    return Preprocess(1, network.vision.image_size, network.resize, network.interpolation, network.mean, network.std)


@dataclass(frozen=True, slots=True)
class Variations:
    """How pictures are varied in training. `least_scale` is a share of the area, `views` asks for strong variations."""

    spec: Preprocess
    augment: Literal["none", "crop", "crop-and-flip"]
    least_scale: float
    views: bool = False

    @classmethod
    def of(cls, network: CLIPConfig, data: Data, views: bool = False) -> Variations:
        """Return what a run asks for. Raises TrainingError."""
        if not 0 < data.least_scale <= 1:
            raise TrainingError("data.least_scale is a share of a picture's area, above 0 and at most 1.")
        return cls(preprocessing(network), data.augment, data.least_scale, views)

    @property
    def least_side(self) -> int:
        """How small in pixels the shorter side of a picture may be decoded without loss; for views, with little."""
        if self.views:
            return 2 * self.spec.size
        return self.spec.size if self.augment == "none" else math.ceil(self.spec.size / math.sqrt(self.least_scale))

    def square(self, image: Image.Image, dice: random.Random) -> Square:
        """Return what the model learns from: the paper's random square of the resized picture, perhaps mirrored.

        The square's area is `least_scale` to 1 of the largest one's; with 1 this is the paper's augmentation to the
        letter (section 2.4). A model that squashes pictures gets a part in the picture's own proportions.
        """
        if self.augment == "none":
            return to_square(image, self.spec)
        box = _crop(image.size, self.spec.resize, math.sqrt(dice.uniform(self.least_scale, 1.0)), dice)
        square = image.resize((self.spec.size,) * 2, _RESAMPLING[self.spec.interpolation], box)
        mirrored = self.augment == "crop-and-flip" and dice.random() < 0.5
        return np.asarray(ImageOps.mirror(square) if mirrored else square, np.uint8)

    def two_views(self, image: Image.Image, dice: random.Random) -> npt.NDArray[np.uint8]:
        """Return two strong variations, uint8 [2, size, size, 3]."""
        return np.stack([view(image, self.spec.size, dice) for _ in range(2)])


def _crop(sides: tuple[int, int], resize: str, share: float, dice: random.Random) -> tuple[float, float, float, float]:
    """Return a box of this share of the sides (of the shorter one, unless pictures are squashed), anywhere."""
    shorter = min(sides)
    width, height = (side * share for side in (sides if resize == "squash" else (shorter, shorter)))
    left, top = dice.uniform(0, sides[0] - width), dice.uniform(0, sides[1] - height)
    return left, top, min(left + width, sides[0]), min(top + height, sides[1])


def view(image: Image.Image, size: int, dice: random.Random) -> Square:
    """Return a strong variation: a part of any size, other colours, perhaps grey, blurred, mirrored."""
    square = image.resize((size, size), Image.Resampling.BICUBIC, _part(image.size, dice))
    if dice.random() < _JITTERED:
        square = _jittered(square, dice)
    if dice.random() < _GREY:
        square = square.convert("L").convert("RGB")
    if dice.random() < _BLURRED:
        square = square.filter(ImageFilter.GaussianBlur(dice.uniform(*_BLUR) * size / _BLUR_AT_PX))
    return np.asarray(ImageOps.mirror(square) if dice.random() < 0.5 else square, np.uint8)


def _part(sides: tuple[int, int], dice: random.Random) -> tuple[float, float, float, float]:
    """Return a box of a random share of the area, in random proportions, as far as it fits."""
    area = sides[0] * sides[1] * dice.uniform(_VIEW_SCALE, 1.0)
    ratio = math.exp(dice.uniform(*map(math.log, _VIEW_RATIO)))
    width, height = min(math.sqrt(area * ratio), sides[0]), min(math.sqrt(area / ratio), sides[1])
    left, top = dice.uniform(0, sides[0] - width), dice.uniform(0, sides[1] - height)
    return left, top, min(left + width, sides[0]), min(top + height, sides[1])


def _jittered(square: Image.Image, dice: random.Random) -> Image.Image:
    """Change brightness, contrast, saturation and hue, in random order."""
    changes = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color, None]
    dice.shuffle(changes)
    for change in changes:
        if change is None:
            square = _hue_turned(square, dice.uniform(-_JITTER_HUE, _JITTER_HUE))
        else:
            square = change(square).enhance(dice.uniform(1 - _JITTER, 1 + _JITTER))
    return square


def _hue_turned(square: Image.Image, turn: float) -> Image.Image:
    """Turn the hue by a share of the whole circle."""
    hue, saturation, value = square.convert("HSV").split()
    shift = round(turn * 256)
    return Image.merge("HSV", (hue.point(lambda level: (level + shift) % 256), saturation, value)).convert("RGB")
