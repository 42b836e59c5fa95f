"""Lanes that draw their shards with replacement, as webdataset's ResampledShards do, from all shards of a run.

So nothing need be split: there may be fewer shards than processes, and a lane's places in a batch say nothing about
its shards. Over time each shard comes as often as any other; how often within any number of steps is chance. A batch
may hold a pair twice where two lanes, or a lane one after the other, draw the same shard.

A lane's steps are counted in rounds of a fixed number, each with its own random numbers. So a run that is resumed reads
undecoded what came before in one round, and never more. A round holds several shards and begins anywhere in the first
one: else what stands at a shard's end, where many rounds end before it, would come more rarely or never. For that a
process reads a few shards undecoded when it begins, to learn how many pairs they hold. To go on is exact as long as
the shards can be read as they could before.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise

from training.data.pairs import Pair
from training.data.sources.shards import (
    MOST_LANES,
    SHUFFLED,
    Piece,
    borrowed,
    drained,
    no_pair_in,
    read,
    shuffled,
    urls_of,
)
from training.run import Data

ROUND_SHARDS = 4  # a round is as long as so many shards
ROUND_PAIRS = 16 * SHUFFLED  # at least; what the buffer holds at a round's end is lost for it
COUNTED = 3  # shards whose pairs are counted; the longest is taken, since one of them may be short or damaged


@dataclass(frozen=True, slots=True)
class ResampledLane:
    """Shards drawn without end, `size` pairs a step; they go to the places of its batch from `first` on.

    A shard holds about `shard_pairs` pairs; a round has `round_steps` steps.
    """

    urls: Sequence[str]
    first: int
    size: int
    seed: int
    text_key: str
    shard_pairs: int
    round_steps: int

    def pieces(self, step: int) -> Iterator[Piece]:
        """Yield what each step gets from this one on; what came before in its round is read past, but not decoded.

        Raises TrainingError if there is no pair in any shard.
        """
        begun, to_skip = divmod(step, self.round_steps)
        yield from islice(self._round(begun), to_skip, self.round_steps)
        for number in count(begun + 1):
            yield from islice(self._round(number), self.round_steps)

    def borrowed(self, step: int) -> Iterator[Pair]:
        """Yield pairs of all shards, in a step's own order."""
        return borrowed(self.urls, self.text_key, f"borrowed/{self.seed}/{self.first}/{step}")

    def _round(self, number: int) -> Iterator[Piece]:
        """Yield the steps of a round, and on; all of it follows from the lane and the number.

        A shard without a pair is told by the first of all lanes only, since all draw it.
        """
        dice = random.Random(f"resampled/{self.seed}/{self.first}/{number}")
        told: list[str] = []
        empty: list[str] = []
        pairs = _pairs(shuffled(self._entered(dice, empty), dice), told)
        while len(taken := list(islice(pairs, self.size))) == self.size:
            first_told = [] if self.first else drained(empty)
            yield Piece(taken, [*first_told, *drained(told)])
        raise no_pair_in(self.urls, empty)

    def _entered(self, dice: random.Random, empty: list[str]) -> Iterator[Pair | str]:
        """Yield what is drawn, from any pair of the first shard on."""
        items = self._drawn(dice, empty)
        for _ in islice(_pairs(items, []), dice.randrange(self.shard_pairs)):
            pass
        yield from items

    def _drawn(self, dice: random.Random, empty: list[str]) -> Iterator[Pair | str]:
        """Yield what is in shards drawn with replacement.

        One without a pair is drawn no more in a round, and what is wrong with it is added to `empty` at once: it comes
        with no pairs, with which it could wait in the buffer.
        """
        left = list(self.urls)
        while left:
            url = dice.choice(left)
            wrong: list[str] = []
            pairs = _pairs(read([url], self.text_key), wrong)
            if (pair := next(pairs, None)) is None:
                left.remove(url)
                empty.extend(wrong)
                continue
            while pair:
                yield from drained(wrong)
                yield pair
                pair = next(pairs, None)
            yield from wrong


def resampled_lanes_of(data: Data, rank: int, world: int, batch: int, seed: int) -> list[ResampledLane]:
    """Share a process's places in a batch out among lanes. Raises TrainingError if there is no pair in any shard."""
    urls, places = urls_of(data.path), batch // world
    shard_pairs = most_pairs(urls, data.text_column, random.Random(f"count/{seed}/{rank}"))
    round_pairs = max(ROUND_SHARDS * shard_pairs, ROUND_PAIRS)
    most = min(MOST_LANES, places)
    lanes = []
    for start, end in pairwise(places * lane // most for lane in range(most + 1)):
        first, size, steps = places * rank + start, end - start, math.ceil(round_pairs / (end - start))
        lanes.append(ResampledLane(urls, first, size, seed, data.text_column, shard_pairs, steps))
    return lanes


def most_pairs(urls: Sequence[str], text_key: str, dice: random.Random) -> int:
    """Return how many pairs the longest of a few random shards holds. Raises TrainingError if there is none in any."""
    told: list[str] = []
    counts = (_pairs_in(url, text_key, told) for url in dice.sample(urls, len(urls)))
    most = max(islice(filter(None, counts), COUNTED), default=0)
    if not most:
        raise no_pair_in(urls, told)
    return most


def _pairs_in(url: str, text_key: str, told: list[str]) -> int:
    """Count a shard's pairs, and add what is wrong with others."""
    return sum(1 for _ in _pairs(read([url], text_key), told))


def _pairs(items: Iterator[Pair | str], told: list[str]) -> Iterator[Pair]:
    """Yield the pairs, and add what else there is to `told`."""
    for item in items:
        if isinstance(item, Pair):
            yield item
        else:
            told.append(item)
