"""Which pair stands where: a pure function of the step and the place in the batch, in no memory at all.

Each epoch goes through all pairs in another order, but for what does not fill a last batch. The order is a random
permutation that is computed a place at a time (a Feistel network, and "cycle walking" until the number is in range:
Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002), so that four hundred million pairs cost no more
than ten, and a run that is resumed need not count up to where it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MOST_TRIES = 100  # so many bad pairs in a row are no accident

_ROUNDS = 6
_64_BITS = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """The order of `count` pairs (None: endless, and in their own order) in global batches of `batch` pairs."""

    count: int | None
    batch: int
    seed: int

    def candidates(self, step: int, slot: int) -> Iterator[int]:
        """Yield the number of the pair at a place of a step's batch, then those that may stand for it.

        A bad pair is replaced by that of the same place in the next batch, so that no two places of a batch ever hold
        the same, as long as the source has more than one batch. At most MOST_TRIES are yielded, and none twice.
        """
        if self.count is None:
            yield from ((step + attempt) * self.batch + slot for attempt in range(MOST_TRIES))
            return
        tried: set[int] = set()
        for place in self._places(step, slot, self.count):
            if len(tried) == MOST_TRIES:
                return
            if place not in tried:
                tried.add(place)
                yield shuffled(place, self.count, self.seed, step // self._steps(self.count))

    def _steps(self, count: int) -> int:
        return max(1, count // self.batch)

    def _places(self, step: int, slot: int, count: int) -> Iterator[int]:
        """Yield the slot in this batch and in all others of the epoch; then what the epoch leaves out; then any."""
        steps = self._steps(count)
        yield from (((step + further) % steps * self.batch + slot) % count for further in range(steps))
        yield from ((steps * self.batch + slot + further) % count for further in range(count))


def shuffled(place: int, count: int, seed: int, epoch: int) -> int:
    """Return which of `count` numbers stands at a place of an epoch's random order; each stands at one place."""
    half = (max(1, (count - 1).bit_length()) + 1) // 2
    mask, keys = (1 << half) - 1, _keys(seed, epoch)
    while True:
        left, right = place >> half, place & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right + key) & mask)
        place = left << half | right
        if place < count:
            return place


@lru_cache(maxsize=8)
def _keys(seed: int, epoch: int) -> tuple[int, ...]:
    dice = random.Random(f"order/{seed}/{epoch}")
    return tuple(dice.getrandbits(64) for _ in range(_ROUNDS))


def _mixed(number: int) -> int:
    """Stir 64 bits (the last step of SplitMix64: Steele, Lea and Flood, 2014)."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return number ^ (number >> 31)
