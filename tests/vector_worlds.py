"""Made-up vectors that lie as those of a CLIP model do: photos in a cone, texts that point roughly at their kinds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import unit
from clipsearch.library.calibration import Background

Vectors = npt.NDArray[np.float32]

_CONE, _KIND = 3.0, 1.0  # lengths, beside 1 for what is a photo's own


@dataclass(frozen=True)
class World:
    """Photos float32 [n, dim] of kinds int [n], and a text's vector for each kind, float32 [kinds, dim]."""

    photos: Vectors
    kinds: npt.NDArray[np.int64]
    texts: Vectors

    @property
    def background(self) -> Background:
        """The photos as a library's sample, for a model without pictures of its own."""
        return Background(self.photos[:0], self.photos, self.photos[:0])


def world(shares: list[float], count: int = 2000, dim: int = 64, seed: int = 0, text_error: float = 1.0) -> World:
    """Make `count` photos; of each kind there is about the share given, and the others are of no kind (-1).

    `text_error`: the length of what a text says wrongly, beside 1 for what it says of its kind.
    """
    random = np.random.default_rng(seed)
    rest = max(0.0, 1 - sum(shares))
    kinds = random.choice([-1, *range(len(shares))], count, p=np.array([rest, *shares]) / (rest + sum(shares)))
    middles = unit(random.standard_normal((len(shares), dim)))
    cone = _CONE * unit(random.standard_normal((1, dim)))
    own = unit(random.standard_normal((count, dim)))
    photos = cone + own + np.where(kinds[:, None] >= 0, _KIND * middles[kinds], 0)
    texts = middles + text_error * unit(random.standard_normal((len(shares), dim)))
    return World(unit(photos), kinds, unit(texts))


def average_precision(scores: npt.NDArray[np.floating], good: npt.NDArray[np.bool_]) -> float:
    """Return the mean over the good ones of the precision at their rank."""
    ranks = np.flatnonzero(good[np.argsort(-scores, kind="stable")])
    return float((np.arange(1, len(ranks) + 1) / (ranks + 1)).mean())
