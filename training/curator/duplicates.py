"""What was kept before: pictures by their vectors, captions by their normal form."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

_BLOCK = 8192  # vectors a block


class SeenVectors:
    """Vectors that were kept; a new one too near to one of them is a double.

    Every comparison is exact, block after block as one matrix product; 2 bytes a dimension are held. 100,000 kept
    pictures cost a fraction of a millisecond for each new one, far less than reading it.
    """

    def __init__(self, dim: int, near: float) -> None:
        """Take the squared distance up to which two vectors are the same picture's (unit vectors: 2 - 2 cosines)."""
        self._dim = dim
        self._near = near
        self._blocks: list[npt.NDArray[np.float16]] = []
        self._count = 0

    def new(self, vectors: npt.NDArray[np.float32]) -> list[bool]:
        """Say of each vector, float32 [n, dim], whether it is new, among those before it in the list as well."""
        known = self._nearest(vectors) <= self._near
        alike = _distances(vectors, vectors) <= self._near
        taken: list[int] = []
        for place in range(len(vectors)):
            if not known[place] and not alike[place, taken].any():
                taken.append(place)
        for place in taken:
            self._add(vectors[place])
        fresh = set(taken)
        return [place in fresh for place in range(len(vectors))]

    def _nearest(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the least squared distance to a kept vector, float32 [n]; infinite where there is none."""
        nearest = np.full(len(vectors), np.inf, np.float32)
        for block, start in zip(self._blocks, range(0, self._count, _BLOCK), strict=True):
            filled = block[: self._count - start].astype(np.float32)
            nearest = np.minimum(nearest, _distances(vectors, filled).min(axis=1))
        return nearest

    def _add(self, vector: npt.NDArray[np.float32]) -> None:
        if self._count == len(self._blocks) * _BLOCK:
            self._blocks.append(np.zeros((_BLOCK, self._dim), np.float16))
        self._blocks[-1][self._count % _BLOCK] = vector
        self._count += 1


def _distances(some: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the squared distances of each to each, float32 [n, m], as one matrix product."""
    lengths, other_lengths = (np.einsum("nd,nd->n", vectors, vectors) for vectors in (some, others))
    distances: npt.NDArray[np.float32] = lengths[:, None] + other_lengths - 2 * some @ others.T
    return distances


class SeenTexts:
    """How often each caption was kept; of a caption only a hash is held."""

    def __init__(self, most: int) -> None:
        """Take how often a caption may stand; 0: always."""
        self._most = most
        self._counts: Counter[int] = Counter()

    def new(self, normal_form: str) -> bool:
        """Say whether the caption may stand once more, and count it if so."""
        key = hash(normal_form)
        if self._most and self._counts[key] >= self._most:
            return False
        if self._most:
            self._counts[key] += 1
        return True
