"""What every source is that gives its pairs by number, and what all of them read alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress

from training.data.pairs import BadPairError, Pair

_TOLD = 20  # different sentences about what is broken, of which there may be millions


class Source(ABC):
    """Pairs by number, the same in every process; it is handed to worker processes.

    `count` is how many there are, None for no end. `told` holds a sentence for each pair that was passed over when the
    source was opened.
    """

    count: int | None = None
    told: Sequence[str] = ()

    @abstractmethod
    def pair(self, number: int) -> Pair:
        """Return a pair; its picture may still be a path. Raises BadPairError for one that cannot be used."""

    def texts(self, most: int) -> Iterator[str]:
        """Yield texts from all over the source, no picture being decoded; always the same."""
        count = most if self.count is None else self.count
        taken = min(count, most)
        for number in range(taken):
            with suppress(BadPairError):  # told when it is the pair's turn
                yield self.pair(number * count // taken).text


class Broken:
    """What could not be used of a source, counted; the first ones are told."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, sentence: str) -> None:
        """Count one."""
        self.count += 1
        if self.count <= _TOLD:
            self._first.append(sentence)

    def told(self) -> list[str]:
        """Return a sentence for each, so that they can be counted; after the first ones it is always the same."""
        return [*self._first, *["Another one like these."] * (self.count - len(self._first))]
