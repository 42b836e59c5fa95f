"""A picture -> the model's input, the same for indexing, searching and training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


#: how many times longer than wide a picture may be to be resized as a whole
_LONGEST = 6

#: pixels a side; no CLIP model takes more than 1,024
LARGEST = 4096


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a model wants its pictures.

    `size` pixels square; `resize` is "squash" (both sides to size), "shortest" (shorter side to size, centre crop) or
    "pad" (longer side to size, bars of `fill`); `mean` and `std` per RGB channel in units of 0..1. `version` is part
    of the model's id: it changes whenever the same picture would give another input.
    """

    version: int
    size: int
    resize: str
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fill: tuple[int, int, int] = (127, 127, 127)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preprocess:
        """Read the `preprocess` part of model.json. Raises KeyError or ValueError naming what is wrong."""
        resize, interpolation = values["resize"], values["interpolation"]
        if resize not in {"squash", "shortest", "pad"} or interpolation not in _RESAMPLING:
            raise ValueError(f"resize {resize!r} or interpolation {interpolation!r}")
        mean, std = (tuple(float(value) for value in values[key]) for key in ("mean", "std"))
        fill = tuple(int(value) for value in values.get("fill", (127, 127, 127)))
        if not len(mean) == len(std) == len(fill) == 3:
            raise ValueError("mean, std or fill (three numbers each)")
        size = int(values["size"])
        if not (0 < size <= LARGEST and all(map(math.isfinite, mean)) and all(0 < value < math.inf for value in std)):
            raise ValueError(f"size ({size}, from 1 to {LARGEST}), mean or std (above 0)")
        if not all(0 <= value <= 255 for value in fill):
            raise ValueError(f"fill ({fill}, from 0 to 255)")
        return cls(int(values["version"]), size, resize, interpolation, mean, std, fill)


def to_square(image: Image.Image, spec: Preprocess) -> npt.NDArray[np.uint8]:
    """Return an upright RGB picture as the model's square, uint8 [size, size, 3].

    "shortest" is CLIP's released code: the crop's offset is rounded half to even, as torchvision does (Hugging Face
    rounds it down). One thing differs: a palette is turned into colours before resizing, not after, as Pillow would
    otherwise pick pixels instead of averaging them.
    """
    resample = _RESAMPLING[spec.interpolation]
    if spec.resize == "squash":
        square = image.resize((spec.size, spec.size), resample)
    elif spec.resize == "shortest":
        square = _centre_crop(image, spec.size, resample)
    else:
        square = _padded(image, spec, resample)
    return np.asarray(square, dtype=np.uint8)


def normalise(squares: npt.NDArray[np.uint8], spec: Preprocess) -> npt.NDArray[np.float32]:
    """Return uint8 [n, size, size, 3] as the model's input: float32 [n, 3, size, size], (x / 255 - mean) / std."""
    scale = np.float32(1.0) / (np.float32(255.0) * np.array(spec.std, np.float32))
    offset = np.array(spec.mean, np.float32) / np.array(spec.std, np.float32)
    pixels = np.empty((len(squares), 3, spec.size, spec.size), np.float32)
    for channel in range(3):
        np.multiply(squares[..., channel], scale[channel], out=pixels[:, channel])
        pixels[:, channel] -= offset[channel]
    return pixels


def _centre_crop(image: Image.Image, size: int, resample: Image.Resampling) -> Image.Image:
    """Shorter side to `size`, then the middle; the longer side and the crop round as CLIP's released code does."""
    width, height = _shortest_to(size, image.size)
    left, top = round((width - size) / 2.0), round((height - size) / 2.0)
    if max(width, height) <= _LONGEST * size:
        return image.resize((width, height), resample).crop((left, top, left + size, top + size))
    across, down = image.width / width, image.height / height  # of a thin picture only the part that stays is resized
    visible = (left * across, top * down, (left + size) * across, (top + size) * down)
    return image.resize((size, size), resample, visible)


def _shortest_to(size: int, sides: tuple[int, int]) -> tuple[int, int]:
    shorter, longer = min(sides), max(sides)
    scaled = int(size * longer / shorter)
    return (size, scaled) if sides[0] <= sides[1] else (scaled, size)


def _padded(image: Image.Image, spec: Preprocess, resample: Image.Resampling) -> Image.Image:
    scale = spec.size / max(image.size)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    square = Image.new("RGB", (spec.size, spec.size), spec.fill)
    square.paste(image.resize(inner, resample), ((spec.size - inner[0]) // 2, (spec.size - inner[1]) // 2))
    return square
