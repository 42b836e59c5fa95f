"""Heads side by side: one matrix product tells how likely photos belong to each of many categories.

Rivals take part as further heads: what is meant not to be, and the other categories of an exclusive group. With them
the probability is a softmax in which the background has the log-odds 0; without any it is the head's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.library.calibration import Vectors
from clipsearch.records import Category
from clipsearch.store.tables.memberships import StoredHead

Columns = npt.NDArray[np.intp]

_EVEN = 0.5
_LARGEST = 80.0  # log-odds beyond this are as good as sure, and exp() stays within float32


@dataclass(frozen=True)
class Scorer:
    """The heads of categories as columns: `weights` float32 [k, dim], `biases` float32 [k].

    The first columns are the categories asked for, in order; `negatives` holds for some of them the columns of what is
    meant not to be, and `groups` the columns of categories that exclude each other.
    """

    count: int
    weights: Vectors
    biases: Vectors
    negatives: Mapping[int, Columns]
    groups: Sequence[Columns]

    @classmethod
    def of(cls, wanted: Sequence[Category], categories: Sequence[Category], heads: Mapping[int, StoredHead]) -> Scorer:
        """Set up the heads of the `wanted` ones among all `categories`; all that play a part need a head."""
        groups = {one.exclusive_group for one in wanted if one.exclusive_group}
        asked = {one.id for one in wanted}
        columns = [*wanted, *(one for one in categories if one.exclusive_group in groups and one.id not in asked)]
        rows = [heads[one.id] for one in columns]
        further = [head.weights[1:] for head in rows[: len(wanted)]]
        ends = len(columns) + np.cumsum([len(negatives) for negatives in further])
        return cls(
            len(wanted),
            np.concatenate([*(head.weights[:1] for head in rows), *further]),
            np.concatenate([*(head.biases[:1] for head in rows), *(head.biases[1:] for head in rows[: len(wanted)])]),
            {
                i: np.arange(end - len(one), end)
                for i, (one, end) in enumerate(zip(further, ends, strict=True))
                if len(one)
            },
            [np.array([i for i, one in enumerate(columns) if one.exclusive_group == name]) for name in groups],
        )

    @property
    def has_rivals(self) -> bool:
        return bool(self.negatives or self.groups)

    def log_odds(self, vectors: npt.NDArray[np.floating]) -> Vectors:
        """Return the log-odds, float32 [n, count], that photos of unit vectors [n, dim] belong to each category."""
        return self._told(self._scores(vectors))

    def exclusive_log_odds(self, vectors: npt.NDArray[np.floating]) -> Vectors:
        """Return the same, but -infinity where another category of the group is likelier, whatever the thresholds."""
        scores = self._scores(vectors)
        beaten = [(group, scores[:, group] < scores[:, group].max(axis=1, keepdims=True)) for group in self.groups]
        found = self._told(scores)
        for group, is_beaten in beaten:
            wanted = group < self.count
            found[:, group[wanted]] = np.where(is_beaten[:, wanted], -np.inf, found[:, group[wanted]])
        return found

    def _scores(self, vectors: npt.NDArray[np.floating]) -> Vectors:
        """Return what each head alone says, float32 [n, k]."""
        scores: Vectors = vectors.astype(np.float32, copy=False) @ self.weights.T
        scores += self.biases
        return scores

    def _told(self, scores: Vectors) -> Vectors:
        """Turn scores, which are used up, into the log-odds of the categories, float32 [n, count]."""
        found = scores[:, : self.count]
        if self.has_rivals:
            found -= np.log1p(self._rivals(scores))
        return found

    def _rivals(self, scores: Vectors) -> Vectors:
        """Return the sum of the rivals' odds of each category, float32 [n, count]."""
        rivals = np.zeros((len(scores), self.count), np.float32)
        for group in self.groups:
            wanted = group < self.count
            rivals[:, group[wanted]] = _sums_of_others(_odds(scores[:, group]))[:, wanted]
        for column, negatives in self.negatives.items():
            rivals[:, column] += _odds(scores[:, negatives]).sum(axis=1)
        return rivals


def with_rivals(categories: Sequence[Category], wanted: Sequence[Category]) -> list[Category]:
    """Return the wanted ones among all categories, and those that exclude them."""
    groups = {one.exclusive_group for one in wanted if one.exclusive_group}
    ids = {one.id for one in wanted}
    return [one for one in categories if one.id in ids or one.exclusive_group in groups]


def threshold_of(category: Category) -> float:
    """Return the probability from which on a photo belongs."""
    return _EVEN if category.threshold is None else category.threshold


def least_log_odds(category: Category) -> float:
    """Return the log-odds from which on a photo belongs."""
    threshold = threshold_of(category)
    return float(np.log(threshold) - np.log1p(-threshold))


def probability(log_odds: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return sigmoid(log_odds), float64 of the same shape; 1 for infinity."""
    small = np.exp(-np.abs(log_odds.astype(np.float64)))
    return np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small))


def _odds(log_odds: Vectors) -> Vectors:
    odds: Vectors = np.exp(np.clip(log_odds, -_LARGEST, _LARGEST))
    return odds


def _sums_of_others(odds: Vectors) -> Vectors:
    """Return for each column the sum of all other columns, without subtracting, which would lose the small ones."""
    before, after = np.zeros_like(odds), np.zeros_like(odds)
    np.cumsum(odds[:, :-1], axis=1, out=before[:, 1:])
    after[:, :-1] = np.cumsum(odds[:, :0:-1], axis=1)[:, ::-1]
    return before + after
