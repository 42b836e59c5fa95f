"""Batches from a source that has its pairs by number: each worker makes whole batches, in turn."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from torch.utils.data import Dataset, Sampler

from training.data.order import Order
from training.data.pairs import Batch
from training.data.prepared import Preparation, Prepared
from training.data.sources.source import Source
from training.data.workers import Made, made_in
from training.errors import TrainingError

Place = tuple[int, int]  # a step, and a slot of its global batch


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a place, or why nothing can, and what was bad on the way."""

    prepared: Prepared | TrainingError
    bad: list[str]


def batches(
    source: Source,
    order: Order,
    preparation: Preparation,
    slots: range,
    first_step: int,
    workers: int,
    pinned: bool,
) -> Generator[Batch, None, None]:
    """Yield what stands in these slots of each step's batch, from a step on. Raises TrainingError."""
    places = Places(slots, first_step)
    collate = partial(together, preparation)
    pairs = Pairs(source, order, preparation)
    made = made_in(pairs, workers, batch_sampler=places, collate_fn=collate, pin_memory=pinned)
    for step, parts in enumerate(made, first_step):
        batch = Batch(*parts)
        if step == 0 and slots.start == 0:
            batch.bad.extend(source.told)
        yield batch


class Places(Sampler[list[Place]]):
    """The places of each step, without end."""

    def __init__(self, slots: range, first_step: int) -> None:
        self._slots, self._first_step = slots, first_step

    def __iter__(self) -> Iterator[list[Place]]:
        return ([(step, slot) for slot in self._slots] for step in count(self._first_step))


class Pairs(Dataset[Found]):
    """A source's pairs by place, made ready."""

    def __init__(self, source: Source, order: Order, preparation: Preparation) -> None:
        self._source, self._order, self._preparation = source, order, preparation

    def __getitem__(self, place: Place) -> Found:
        bad: list[str] = []
        candidates = (partial(self._source.pair, number) for number in self._order.candidates(*place))
        try:
            return Found(self._preparation.first_good(candidates, *place, bad), bad)
        except TrainingError as error:
            return Found(error, bad)


def together(preparation: Preparation, found: Sequence[Found]) -> Made:
    """Make a batch's parts of what was found at its places, or tell the first error."""
    prepared = []
    for one in found:
        if isinstance(one.prepared, TrainingError):
            return one.prepared
        prepared.append(one.prepared)
    batch = preparation.batch(prepared, [sentence for one in found for sentence in one.bad])
    return batch.pixels, batch.tokens, batch.views, batch.bad
