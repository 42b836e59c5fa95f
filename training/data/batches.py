"""A run's batches without end. What a step gets is a pure function of the run, the process and the step."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import torch

from training.data import lanes, numbered
from training.data.order import Order
from training.data.pairs import Batch
from training.data.prepared import Preparation
from training.data.sources.opening import open_source, some_texts
from training.data.sources.resampling import resampled_lanes_of
from training.data.sources.shards import lanes_of
from training.data.texts import Texts
from training.data.variations import Variations
from training.errors import TrainingError
from training.run import Run


@contextmanager
def open_batches(
    run: Run, rank: int, world: int, first_step: int = 0, texts: Texts | None = None
) -> Iterator[Iterator[Batch]]:
    """Give the batches of one of `world` processes from a step on, without end; leaving ends the worker processes.

    A batch is the process's part, in order, of the step's `run.loop.batch_size` pairs. The same arguments give the
    same batches bit for bit, with any number of workers. `texts` is what `run_texts` gives, where it is known already.

    Raises TrainingError, here or with a batch, for a source that cannot be used.
    """
    if run.loop.batch_size % world:
        raise TrainingError(f"A batch of {run.loop.batch_size} cannot be shared alike by {world} processes.")
    if run.data.workers < 0:
        raise TrainingError("data.workers is how many processes read pictures, 0 or more.")
    batches = _batches(run, rank, world, first_step, texts or run_texts(run))
    try:
        yield batches
    finally:
        batches.close()


def run_texts(run: Run) -> Texts:
    """Return how a run's texts become tokens; where a tokenizer is to be learned, from some of its texts.

    Raises TrainingError.
    """
    return Texts.of(run, some_texts(run) if run.text.tokenizer == "learned" else ())


def _batches(run: Run, rank: int, world: int, first_step: int, texts: Texts) -> Generator[Batch, None, None]:
    batch, workers, pinned = run.loop.batch_size, run.data.workers, _goes_to_cuda(run)
    variations = Variations.of(run.network, run.data, views=run.objective.self_supervision > 0)
    preparation = Preparation(variations, texts, run.seed)
    if run.data.kind == "shards":
        own = (resampled_lanes_of if run.data.resampled else lanes_of)(run.data, rank, world, batch, run.seed)
        return lanes.batches(own, preparation, first_step, workers, pinned)
    source = open_source(run)
    order = Order(source.count, batch, run.seed)
    slots = range(batch // world * rank, batch // world * (rank + 1))
    return numbered.batches(source, order, preparation, slots, first_step, workers, pinned)


def _goes_to_cuda(run: Run) -> bool:
    return run.device in {"auto", "cuda"} and torch.cuda.is_available()
