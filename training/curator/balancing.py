"""At most so many pairs a query: what makes a set of rare things as well as of frequent ones.

Both ways see all pairs once with `count` and then, in the same order, again with `keeps`; a pair stays if one of its
queries keeps it. A frequent query may so end with more pairs than its share, through the rarer ones beside it.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt


class Balance(ABC):
    """`found[q]` is how many pairs query q matched."""

    def __init__(self, queries: int, most: int) -> None:
        """Take how many queries there are, and how many pairs each may keep; 0: all."""
        self.found = array("q", bytes(8 * queries))
        self._most = most

    @abstractmethod
    def count(self, row: int, queries: Sequence[int]) -> None:
        """See pair `row` for the first time; rows ascend."""

    @abstractmethod
    def keeps(self, row: int, queries: Sequence[int]) -> bool:
        """Say whether pair `row` stays; ask for the same rows, in the same order."""


class Reservoirs(Balance):
    """Each query keeps exactly min(found, most) pairs, any as likely as another (Vitter's algorithm R, 1985).

    Holds up to `most` row numbers a query, 8 bytes each.
    """

    def __init__(self, queries: int, most: int, seed: int) -> None:
        super().__init__(queries, most)
        self._random = random.Random(seed)
        self._held: dict[int, array[int]] = {}

    def count(self, row: int, queries: Sequence[int]) -> None:
        found, most = self.found, self._most
        for query in queries:
            found[query] += 1
            number = found[query]
            if number <= most:
                self._held.setdefault(query, array("q")).append(row)
            elif most and (place := int(self._random.random() * number)) < most:
                self._held[query][place] = row

    def keeps(self, row: int, queries: Sequence[int]) -> bool:
        if not self._most:
            return bool(queries)
        place = int(np.searchsorted(self._kept, row))
        return place < len(self._kept) and bool(self._kept[place] == row)

    @cached_property
    def _kept(self) -> npt.NDArray[np.int64]:
        """The rows that some query holds, ascending."""
        held = [np.frombuffer(rows, np.int64) for rows in self._held.values()]
        return np.unique(np.concatenate(held)) if held else np.zeros(0, np.int64)


class Draws(Balance):
    """MetaCLIP's: a query with more pairs than `most` keeps each with the probability most / found.

    (Xu et al., Demystifying CLIP Data, 2023.) Holds one number a query; how many a query keeps varies around `most`.
    """

    def __init__(self, queries: int, most: int, seed: int) -> None:
        super().__init__(queries, most)
        self._random = random.Random(seed)

    def count(self, row: int, queries: Sequence[int]) -> None:
        for query in queries:
            self.found[query] += 1

    def keeps(self, row: int, queries: Sequence[int]) -> bool:
        if not self._most:
            return bool(queries)
        return any(self._random.random() * self.found[query] < self._most for query in queries)
