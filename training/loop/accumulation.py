"""The gradients of a batch that is computed in parts, and which yet is compared as a whole.

"Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (Gao et al. 2021, arXiv 2101.06983): the
features of all parts are computed without gradients and kept; the losses give the gradients of the features; then each
part is computed once more, with gradients, which go on from those of its features. Where nothing is compared across
pairs, one computation is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from training.data.pairs import Batch
from training.loop.precision import frozen_statistics
from training.loop.processes import Processes, gather, inner, unsynchronised
from training.objectives.objective import Features, Losses

Precision = Callable[[], AbstractContextManager[object]]  # makes what a pass runs in
Scale = Callable[[Tensor], Tensor]  # what a loss is multiplied with before its gradients are computed


def backward(
    learner: nn.Module,
    batch: Batch,
    micro_batch_size: int = 0,
    *,
    processes: Processes | None = None,
    precision: Precision = nullcontext,
    scale: Scale = lambda loss: loss,
) -> Losses:
    """Add the gradients of a batch to the learner's parameters, and return its losses, without gradients.

    `micro_batch_size` pairs are computed at once, 0: all of them. The result is that of the whole batch at once (but
    for batch normalisation, which sees one part): random numbers of the first pass are drawn again in the second.
    Gradients are averaged over the processes, losses are those of this process's pairs.
    """
    processes = processes or Processes()
    size = micro_batch_size or len(batch)
    parts = list(batch.parts(size))
    if len(parts) == 1:
        return _at_once(learner, batch, processes, precision, scale)
    if not inner(learner).objective.gathered:
        return _one_by_one(learner, parts, processes, precision, scale)
    return _cached(learner, parts, processes, precision, scale)


def _at_once(learner: nn.Module, batch: Batch, processes: Processes, precision: Precision, scale: Scale) -> Losses:
    with precision():
        features = learner(batch)
    leaves, losses = _compare(learner, features, processes, scale)
    _let_in(features, leaves)
    return losses


def _one_by_one(
    learner: nn.Module, parts: list[Batch], processes: Processes, precision: Precision, scale: Scale
) -> Losses:
    """Add up the losses of the parts: where no pair is compared with others, their mean is that of the batch."""
    total: Losses = {}
    count = sum(map(len, parts))
    for number, part in enumerate(parts):
        share = len(part) / count
        with unsynchronised(learner, last=number == len(parts) - 1):
            losses = _at_once(learner, part, processes, precision, lambda loss, share=share: scale(loss * share))  # type: ignore[misc]
        for name, loss in losses.items():
            total[name] = total.get(name, 0.0) + loss * share
    return total


def _cached(learner: nn.Module, parts: list[Batch], processes: Processes, precision: Precision, scale: Scale) -> Losses:
    seen = [_look(learner, part, precision) for part in parts]
    together = {name: torch.cat([features[name] for features, _ in seen]) for name in seen[0][0]}
    leaves, losses = _compare(learner, together, processes, scale)
    first = 0
    for number, (part, (_, state)) in enumerate(zip(parts, seen, strict=True)):
        with unsynchronised(learner, last=number == len(parts) - 1), replayed(state):
            with precision():
                features = learner(part)
            _let_in(features, leaves, slice(first, first + len(part)))
        first += len(part)
    return losses


def _look(learner: nn.Module, part: Batch, precision: Precision) -> tuple[Features, list[Tensor]]:
    """Compute features without gradients; return them with the random state that they began with."""
    state = random_state()
    with torch.no_grad(), precision(), frozen_statistics(learner):
        return inner(learner)(part), state


def _compare(learner: nn.Module, features: Features, processes: Processes, scale: Scale) -> tuple[Features, Losses]:
    """Return the features as leaves, which hold their gradients, and the losses."""
    leaves = {name: _leaf(value) for name, value in features.items()}
    objective = inner(learner).objective
    everyone = gather(leaves, objective.gathered, processes)
    count = len(next(iter(leaves.values())))
    losses = objective.losses(leaves, everyone, processes.rank * count)
    total: Tensor = torch.stack(list(losses.values())).sum()
    scale(total).backward()  # type: ignore[no-untyped-call]
    return leaves, {name: loss.detach() for name, loss in losses.items()}


def _leaf(value: Tensor) -> Tensor:
    return value.detach().requires_grad_(value.is_floating_point())


def _let_in(features: Features, leaves: Features, rows: slice = slice(None)) -> None:
    """Let the gradients of the features go on into the weights."""
    flowing = [name for name, value in features.items() if value.requires_grad and leaves[name].grad is not None]
    gradients = [_gradient(leaves[name])[rows] for name in flowing]
    torch.autograd.backward([features[name] for name in flowing], gradients)


def _gradient(leaf: Tensor) -> Tensor:
    assert leaf.grad is not None
    return leaf.grad


def random_state() -> list[Tensor]:
    """Return the state of torch's random numbers, of the CPU and of the current GPU."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state()] if torch.cuda.is_available() else states


@contextmanager
def replayed(state: list[Tensor]) -> Iterator[None]:
    """Draw the random numbers again that followed a state; afterwards go on where they were before."""
    now = random_state()
    _set(state)
    try:
        yield
    finally:
        _set(now)


def _set(state: list[Tensor]) -> None:
    torch.set_rng_state(state[0])
    if len(state) > 1:
        torch.cuda.set_rng_state(state[1])
