"""What was kept before: pictures by their vectors, captions by their normal form."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

_BLOCK = 8192  # vectors a block
_HEAD = 64  # numbers of a vector that are compared first
_SLACK = 1.02  # for what is held in half precision


class SeenVectors:
    """Vectors that were kept; a new one too near to one of them is a double.

    Block after block, the first numbers of all vectors are compared; only where these are near can the whole ones be.
    So nothing is missed, and it takes a share of a full comparison's time. Holds 2 bytes a number, and 256 more.
    """

    def __init__(self, dim: int, near: float) -> None:
        """Take the squared distance up to which two vectors are the same picture's (unit vectors: 2 - 2 cosines)."""
        self._dim = dim
        self._near = near
        self._blocks: list[npt.NDArray[np.float16]] = []
        self._heads: list[npt.NDArray[np.float32]] = []
        self._count = 0

    def new(self, vectors: npt.NDArray[np.float32]) -> list[bool]:
        """Say of each vector, float32 [n, dim], whether it is new, among those before it in the list as well."""
        known = self._known(vectors)
        alike = _distances(vectors, vectors) <= self._near
        taken: list[int] = []
        for place in range(len(vectors)):
            if not known[place] and not alike[place, taken].any():
                taken.append(place)
        for place in taken:
            self._add(vectors[place])
        fresh = set(taken)
        return [place in fresh for place in range(len(vectors))]

    def _known(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Say which vectors are near to a kept one, bool [n]."""
        known = np.zeros(len(vectors), np.bool_)
        for number, (block, heads) in enumerate(zip(self._blocks, self._heads, strict=True)):
            filled = min(self._count - number * _BLOCK, _BLOCK)
            near = _distances(vectors[:, :_HEAD], heads[:filled]) <= self._near * _SLACK
            candidates = np.flatnonzero(near.any(axis=0))
            distances = _distances(vectors, block[candidates].astype(np.float32))
            known |= (distances <= self._near).any(axis=1)
        return known

    def _add(self, vector: npt.NDArray[np.float32]) -> None:
        place = self._count % _BLOCK
        if place == 0:
            self._blocks.append(np.zeros((_BLOCK, self._dim), np.float16))
            self._heads.append(np.zeros((_BLOCK, min(self._dim, _HEAD)), np.float32))
        self._blocks[-1][place], self._heads[-1][place] = vector, vector[:_HEAD]
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
