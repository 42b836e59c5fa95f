"""Batches from shards: each worker reads some of the process's lanes and makes their part of every batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from itertools import chain, count, cycle, islice

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from training.data.order import MOST_TRIES
from training.data.pairs import Batch, Pair
from training.data.prepared import Preparation, Prepared
from training.data.sources.resampling import ResampledLane
from training.data.sources.shards import Lane, Piece
from training.data.workers import Made, made_in
from training.errors import TrainingError

AnyLane = Lane | ResampledLane


def batches(
    lanes: Sequence[AnyLane], preparation: Preparation, first_step: int, workers: int, pinned: bool
) -> Generator[Batch, None, None]:
    """Yield what the lanes give to each step's batch, from a step on. Raises TrainingError."""
    workers = min(workers, len(lanes))
    made = made_in(Parts(lanes, preparation, first_step), workers, batch_size=None, collate_fn=as_it_is)
    while parts := list(islice(made, max(1, workers))):
        pixels, tokens, views, bad = zip(*parts, strict=True)
        joined_views = None if views[0] is None else _joined(views, pinned)
        told = [sentence for part in bad for sentence in part]
        yield Batch(_joined(pixels, pinned), _joined(tokens, pinned), joined_views, told)


class Parts(IterableDataset[Made]):
    """The parts of batches that a worker makes: of a run of lanes that lie side by side."""

    def __init__(self, lanes: Sequence[AnyLane], preparation: Preparation, first_step: int) -> None:
        self._lanes, self._preparation, self._first_step = lanes, preparation, first_step

    def __iter__(self) -> Iterator[Made]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        own = self._lanes[len(self._lanes) * number // workers : len(self._lanes) * (number + 1) // workers]
        readers = [Reader(lane, self._preparation, self._first_step) for lane in own]
        try:
            for step in count(self._first_step):
                yield self._part(readers, step)
        except TrainingError as error:
            yield error

    def _part(self, readers: Sequence[Reader], step: int) -> Made:
        prepared: list[Prepared] = []
        bad: list[str] = []
        for reader in readers:
            prepared += reader.read(step, bad)
        batch = self._preparation.batch(prepared, bad)
        return batch.pixels, batch.tokens, batch.views, batch.bad


class Reader:
    """Decodes a lane step by step.

    A bad pair is replaced by one of the steps that follow, which get it all the same: so what a step gets never depends
    on how many were bad before it.
    """

    def __init__(self, lane: AnyLane, preparation: Preparation, first_step: int) -> None:
        self._lane, self._preparation = lane, preparation
        self._pieces = lane.pieces(first_step)
        self._ahead: deque[Piece] = deque()

    def read(self, step: int, bad: list[str]) -> list[Prepared]:
        """Make a step's pairs ready, in order; what is wrong with its own is added to `bad`. Raises TrainingError."""
        piece = self._piece(0)
        bad.extend(piece.told)
        used = {pair.key for pair in piece.pairs}
        spare, borrowed = self._spare(used), self._borrowed(step, used)
        prepared = []
        for slot, own in enumerate(piece.pairs, self._lane.first):
            pairs = chain([own], islice(spare, MOST_TRIES), islice(borrowed, MOST_TRIES))
            candidates = (partial(_itself, pair) for pair in pairs)
            prepared.append(self._preparation.first_good(candidates, step, slot, bad))
        self._ahead.popleft()
        return prepared

    def _spare(self, used: set[str]) -> Iterator[Pair]:
        """Yield pairs of the steps to come that this step has not used; when there are no more, any again and again."""
        seen: list[Pair] = []
        for pair in (pair for further in count(1) for pair in self._piece(further).pairs):
            if pair.key not in used:
                used.add(pair.key)
                yield pair
            elif len(seen) == MOST_TRIES:
                break
            else:
                seen.append(pair)
        yield from cycle(seen)

    def _borrowed(self, step: int, used: set[str]) -> Iterator[Pair]:
        """Yield pairs of other shards that this step has not used, for a lane of none but bad pictures."""
        for pair in self._lane.borrowed(step):
            if pair.key not in used:
                used.add(pair.key)
                yield pair

    def _piece(self, further: int) -> Piece:
        while len(self._ahead) <= further:
            self._ahead.append(next(self._pieces))
        return self._ahead[further]


def as_it_is(made: Made) -> Made:
    """Return what a worker made, which torch would otherwise go through."""
    return made


def _itself(pair: Pair) -> Pair:
    return pair


def _joined(parts: Sequence[Tensor], pinned: bool) -> Tensor:
    """Put the workers' parts together with one copy, into memory from which a GPU can fetch it."""
    shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
    return torch.cat(list(parts), out=torch.empty(shape, dtype=parts[0].dtype, pin_memory=pinned))
