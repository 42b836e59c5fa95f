"""A pair -> what a batch needs of it; many of these -> a batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.data.pairs import BadPairError, Batch, Pair
from training.data.pictures import picture_of
from training.data.texts import Texts
from training.data.variations import Square, Variations
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pair made ready: its square, two views of it uint8 [2, size, size, 3] where they are wanted, and its text."""

    square: Square
    views: npt.NDArray[np.uint8] | None
    text: str


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done with each pair of a run; chance is seeded by the run, the step and the place in its batch."""

    variations: Variations
    texts: Texts
    seed: int

    def prepare(self, pair: Pair, step: int, slot: int) -> Prepared:
        """Decode and vary one pair. Raises BadPairError."""
        if not pair.text.strip():
            raise BadPairError(f"{pair.key}: it has no text.")
        image = picture_of(pair, self.variations.least_side)
        dice = random.Random(f"picture/{self.seed}/{step}/{slot}")
        square = self.variations.square(image, dice)
        return Prepared(square, self.variations.two_views(image, dice) if self.variations.views else None, pair.text)

    def first_good(self, pairs: Iterable[Callable[[], Pair]], step: int, slot: int, bad: list[str]) -> Prepared:
        """Prepare the first of the pairs that can be used, each looked up by a call.

        If that is not the very first, what is wrong with that one is added to `bad`; those that were to stand for it
        are told when it is their turn. Raises TrainingError if there is none.
        """
        wrong: list[str] = []
        for look_up in pairs:
            try:
                prepared = self.prepare(look_up(), step, slot)
            except BadPairError as error:
                wrong.append(str(error))
            else:
                bad.extend(wrong[:1])
                return prepared
        raise TrainingError(
            f"Hardly any pair of this run can be used; of the last ones that were tried: {' '.join(wrong[-3:])}"
        )

    def batch(self, prepared: Sequence[Prepared], bad: list[str]) -> Batch:
        """Put pairs together, in order."""
        views = None
        if self.variations.views:
            views = _pixels([one.views for one in prepared if one.views is not None])
        pixels = _pixels([one.square for one in prepared])
        return Batch(pixels, self.texts([one.text for one in prepared]), views, bad)


def _pixels(squares: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
    """Put arrays [..., height, width, 3] together as uint8 [n, ..., 3, height, width]."""
    channels_first = [np.moveaxis(square, -1, -3) for square in squares]
    pixels = np.empty((len(squares), *channels_first[0].shape), np.uint8)
    return torch.from_numpy(np.stack(channels_first, out=pixels))
