"""Which words and pairs of words are frequent in a stream of texts, and which pairs belong together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from training.curator.words import words

#: Texts that can be read again.
Texts = Callable[[], Iterable[str]]
#: Different things counted at once; what English Wikipedia has of words fits.
MOST_AT_ONCE = 20_000_000


class Counts:
    """Counts of what is frequent, in bounded memory (lossy counting: Manku and Motwani, VLDB 2002).

    Whenever more than `most` different things are held, the rarest are forgotten. A count is then too small by at
    most `floor`, so with a threshold far above it the result is that of counting everything. With each thing is held
    by how much its count may be too small: the floor at which it came (again), the paper's Delta.
    """

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self.total = 0
        self.floor = 0
        self._most = most
        self._counts: dict[str, int] = {}
        self._missing: dict[str, int] = {}  # where not 0

    def add(self, things: Iterable[str]) -> None:
        counts = self._counts
        for thing in things:
            if thing not in counts and self.floor:
                self._missing[thing] = self.floor
            counts[thing] = counts.get(thing, 0) + 1
            self.total += 1
        if len(counts) > self._most:
            self._forget()

    def _forget(self) -> None:
        """Raise the floor to the lowest at which few enough are held: what cannot have come more often is forgotten."""
        missing = self._missing
        highest = sorted((count + missing.get(thing, 0) for thing, count in self._counts.items()), reverse=True)
        self.floor = highest[self._most]
        self._counts = {
            thing: count for thing, count in self._counts.items() if count + missing.get(thing, 0) > self.floor
        }
        self._missing = {thing: floor for thing, floor in missing.items() if thing in self._counts}

    def __getitem__(self, thing: str) -> int:
        return self._counts.get(thing, 0)

    def at_least(self, threshold: int) -> dict[str, int]:
        """Return what occurs so often, the most frequent first, equals by the alphabet."""
        frequent = [(thing, count) for thing, count in self._counts.items() if count >= threshold]
        return dict(sorted(frequent, key=lambda pair: (-pair[1], pair[0])))


def count_words(texts: Iterable[str], most: int = MOST_AT_ONCE) -> Counts:
    """Count the words of the texts."""
    counts = Counts(most)
    for text in texts:
        counts.add(words(text))
    return counts


def count_bigrams(texts: Iterable[str], frequent: dict[str, int], most: int = MOST_AT_ONCE) -> Counts:
    """Count the pairs of neighbouring words that are both frequent, as "first second"."""
    counts = Counts(most)
    for text in texts:
        counts.add(_bigrams(text, frequent))
    return counts


def by_information(bigrams: dict[str, int], frequent: dict[str, int], total: int) -> dict[str, float]:
    """Return the pointwise mutual information of each pair in bits, the highest first, equals by frequency.

    log2(p(a b) / (p(a) p(b))), each p a share of `total`, the number of words (paper, section 2.2).
    """
    worth = {pair: _information(pair, count, frequent, total) for pair, count in bigrams.items()}
    return dict(sorted(worth.items(), key=lambda item: (-item[1], -bigrams[item[0]], item[0])))


def _information(pair: str, count: int, frequent: dict[str, int], total: int) -> float:
    first, second = pair.split(" ")
    return math.log2(count * total / (frequent[first] * frequent[second]))


def _bigrams(text: str, frequent: dict[str, int]) -> Iterator[str]:
    for first, second in pairwise(words(text)):
        if first in frequent and second in frequent:
            yield f"{first} {second}"
