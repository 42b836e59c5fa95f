"""How many times fewer examples one method needs than another for the same accuracy (paper, figure 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from training.evaluation.curves import Curve, Method

#: what figure 2 says: the first needs so many times fewer pairs than the second
PAPER = {
    ("bag-of-words-prediction", "language-model"): 3.0,
    ("bag-of-words-contrastive", "bag-of-words-prediction"): 4.0,
    ("bag-of-words-contrastive", "language-model"): 12.0,
}


@dataclass(frozen=True)
class Times:
    """So many times fewer pairs, at this accuracy.

    `is_least`: even more, since the faster method was above that accuracy when it was first measured; `is_most` the
    same of the slower one.
    """

    accuracy: float
    value: float
    is_least: bool = False
    is_most: bool = False

    def __str__(self) -> str:
        if self.is_least and self.is_most:
            return "reached by both before they were first measured"
        sign = "≥ " if self.is_least else "≤ " if self.is_most else ""
        return f"{sign}{self.value:.2f}"


@dataclass(frozen=True)
class Gain:
    """What a method gains over another: by their mean curves, and seed by seed where both have some in common.

    `paper` is the paper's number, if it has one. `is_reached` says that the method comes up to the other's highest
    accuracy at all.
    """

    method: Method
    other: Method
    times: Times
    by_seed: dict[int, Times]
    paper: float | None

    @property
    def is_reached(self) -> bool:
        """Whether the method reaches the other's highest accuracy."""
        return self.method.mean.best >= self.other.mean.best


def pairs_for(curve: Curve, accuracy: float) -> tuple[float, bool] | None:
    """Return after how many pairs a curve first reaches an accuracy, interpolated on the logarithm of pairs.

    None where it never does. The bool says that it was there at the first measurement, so that fewer may have done.
    """
    reached = np.flatnonzero(curve.accuracy >= accuracy)
    if not len(reached):
        return None
    place = int(reached[0])
    if place == 0:
        return float(curve.pairs[0]), True
    logs, levels = np.log(curve.pairs[place - 1 : place + 1]), curve.accuracy[place - 1 : place + 1]
    return math.exp(float(np.interp(accuracy, levels, logs))), False


def times(curve: Curve, other: Curve) -> Times:
    """Return how many times fewer pairs `curve` needs than `other`, at the highest accuracy that both reach."""
    accuracy = min(curve.best, other.best)
    mine, theirs = pairs_for(curve, accuracy), pairs_for(other, accuracy)
    assert mine is not None and theirs is not None  # each comes up to its own highest
    return Times(accuracy, theirs[0] / mine[0], is_least=mine[1], is_most=theirs[1])


def gains(methods: Sequence[Method]) -> list[Gain]:
    """Compare every two methods: those of the paper in its order, others so that the faster one is the first."""
    return [_gain(one, other) for one, other in combinations(methods, 2)]


def _gain(one: Method, other: Method) -> Gain:
    is_told = {(one.kind, other.kind): True, (other.kind, one.kind): False}
    paper = next((pair for pair in PAPER if pair in is_told), None)
    is_first = is_told[paper] if paper else times(one.mean, other.mean).value >= 1
    method, than = (one, other) if is_first else (other, one)
    seeds = sorted(method.curves.keys() & than.curves.keys())
    by_seed = {seed: times(method.curves[seed], than.curves[seed]) for seed in seeds}
    return Gain(method, than, times(method.mean, than.mean), by_seed, PAPER[paper] if paper else None)
