"""A pair of picture and text, and what becomes of many: a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

Channels = tuple[float, float, float]  # a number for red, green and blue


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture (a file, the bytes of one, or upright and RGB) and what is said of it; `key` names it in messages."""

    picture: Path | bytes | Image.Image
    text: str
    key: str


class BadPairError(Exception):
    """A pair that cannot be learned from, and why; it is counted and passed over."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs as a model takes them.

    `pixels` [n, 3, size, size]: uint8 between processes and on the way to a GPU, which is a quarter of the bytes;
    float32, as the model's preprocessing makes them, after `normalised`. `tokens` int64 [n, context], padded with 0;
    `views` [n, 2, 3, size, size], like the pixels, two strong variations of each picture where the objective wants
    them. `bad` holds a sentence for each pair that was passed over on the way.
    """

    pixels: Tensor
    tokens: Tensor
    views: Tensor | None = None
    bad: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pixels)

    def parts(self, size: int) -> Iterator[Batch]:
        """Yield batches of at most `size` pairs, in order; the first one holds `bad`."""
        for start in range(0, len(self), size):
            cut = slice(start, start + size)
            views = None if self.views is None else self.views[cut]
            yield Batch(self.pixels[cut], self.tokens[cut], views, self.bad if start == 0 else [])

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device; from pinned memory the copy runs beside the computation."""
        views = None if self.views is None else self.views.to(device, non_blocking=True)
        pixels, tokens = (one.to(device, non_blocking=True) for one in (self.pixels, self.tokens))
        return Batch(pixels, tokens, views, self.bad)

    def normalised(self, mean: Channels, std: Channels) -> Batch:
        """Return the batch with pictures as the model's input; what is float already stays as it is."""
        views = None if self.views is None else normalised(self.views, mean, std)
        return Batch(normalised(self.pixels, mean, std), self.tokens, views, self.bad)


def normalised(pixels: Tensor, mean: Channels, std: Channels) -> Tensor:
    """Return uint8 [..., 3, h, w] as float32, (x / 255 - mean) / std; float pixels are returned as they are.

    The same operations in the same order as in `clipsearch.encode.preprocess.normalise`, so bit for bit the same.
    """
    if pixels.is_floating_point():
        return pixels
    scale, offset = _scale_and_offset(mean, std, pixels.device)
    return pixels.float().mul_(scale).sub_(offset)


@cache  # a copy to a GPU would wait for it
def _scale_and_offset(mean: Channels, std: Channels, device: torch.device) -> tuple[Tensor, Tensor]:
    means, stds = (torch.tensor(values)[:, None, None] for values in (mean, std))
    return (1 / (255 * stds)).to(device), (means / stds).to(device)
