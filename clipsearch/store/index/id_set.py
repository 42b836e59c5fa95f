"""A set of photo ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


class IdSet:
    """Photo ids as one flag each: a byte an id, since the catalog counts them up from one, and no hashing."""

    def __init__(self, ids: Ids) -> None:
        """Hold `ids`, int64 [n], none of them negative."""
        self._flags = np.zeros(0, np.bool_)
        self.add(ids)

    def add(self, ids: Ids) -> None:
        top = int(ids.max(initial=-1))
        if top >= len(self._flags):
            grown = np.zeros(top + 1 + top // 8, np.bool_)
            grown[: len(self._flags)] = self._flags
            self._flags = grown
        self._flags[ids] = True

    def remove(self, ids: Ids) -> None:
        self._flags[ids[self.holds(ids)]] = False

    def holds(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Tell of each id whether it is in the set, bool [n]."""
        held = (ids >= 0) & (ids < len(self._flags))
        held[held] = self._flags[ids[held]]
        return held

    def all(self) -> Ids:
        """Return the ids, int64 [n], ascending."""
        return np.flatnonzero(self._flags)
