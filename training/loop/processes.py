"""Several processes that train one model: who they are, what they exchange, and what happens when one of them dies.

`torchrun --nproc-per-node N -m training train ...` starts them. Each computes the gradients of its own pairs; features
that the losses compare are gathered, with gradients that go back to where they came from (paper, section 2.5).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import PrefixStore  # type: ignore[attr-defined]
from torch.distributed.tensor import DTensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from clipsearch.errors import ClipsearchError
from clipsearch.model.resnet import Bottleneck
from clipsearch.model.transformer import Block
from training.errors import TrainingError
from training.loop.watch import PATIENCE_S, Watch, started
from training.objectives.objective import Features, Learner
from training.run import Run

STARTED_WITH = ("RANK", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells each process
#: for one that reads shards, writes a large checkpoint or measures; whoever is dead is noticed by the watch, far sooner
LONGEST_WAIT = timedelta(hours=12)
T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process among all of them, and the device it computes on; alone, it is process 0 of 1."""

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and tells the user."""
        return self.rank == 0

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes, without gradients."""
        x = x.detach().clone()
        if self.world > 1:
            dist.all_reduce(x)
        return x

    def stack(self, x: Tensor) -> Tensor:
        """Return the tensors of all processes, which have one shape, as [world, ...] without gradients."""
        if self.world == 1:
            return x.detach()[None]
        mine = x.detach().contiguous().to(self.device)
        parts = [torch.empty_like(mine) for _ in range(self.world)]
        dist.all_gather(parts, mine)
        return torch.stack(parts)

    def share(self, work: Callable[[], T]) -> list[T]:
        """Let each process do its part of some work; return what came of every part, in order, on all of them.

        A part that fails with a ClipsearchError or an OSError fails everywhere, as a TrainingError with one sentence,
        so that nobody waits for it. Any other error ends the run.
        """
        if self.world == 1:
            return [work()]
        done: tuple[T | None, str] = (None, "")
        try:
            done = (work(), "")
        except (ClipsearchError, OSError) as error:
            done = (None, error.message if isinstance(error, ClipsearchError) else str(error))
        every: list[Any] = [None] * self.world
        dist.all_gather_object(every, done)
        if told := next((told for _, told in every if told), ""):
            raise TrainingError(told)
        return [part for part, _ in every]

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def joined(device: str = "auto", patience_s: float = PATIENCE_S) -> Iterator[Processes]:
    """Join the processes that torchrun has started, or none.

    When one of them fails or dies, the others end within about `patience_s` + 15 seconds, whatever they wait for:
    with a TrainingError that says which one it was and why or, where they hang in a library, by ending the process
    with that sentence on stderr.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Processes(device=choose(device, 0))
        return
    if missing := [name for name in STARTED_WITH if not os.environ.get(name)]:
        raise TrainingError(
            f"WORLD_SIZE is {world}, but {', '.join(missing)} is not set: start the processes with torchrun, "
            "or unset WORLD_SIZE for a single one."
        )
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    place = choose(device, local)
    store = started(rank, world)
    backend = "nccl" if place.type == "cuda" else "gloo"
    dist.init_process_group(
        backend, store=PrefixStore("group", store), rank=rank, world_size=world, timeout=LONGEST_WAIT
    )
    watch = Watch(rank, world, patience_s)
    try:
        yield Processes(rank, world, place)
        dist.barrier()
    except BaseException as error:
        if told := watch.failed(error):
            raise TrainingError(told) from error
        raise
    finally:
        watch.close()
    dist.barrier()  # nobody listens any more, so process 0 may take its store away
    dist.destroy_process_group()


def choose(device: str, local_rank: int) -> torch.device:
    """Return the device of a run's setting; "auto" takes CUDA, then Apple's GPU, then the CPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cuda":
        if local_rank >= torch.cuda.device_count():
            raise TrainingError(f"Process {local_rank} of this machine has no GPU: start one process for each GPU.")
        torch.cuda.set_device(local_rank)
        return torch.device("cuda", local_rank)
    return torch.device(device)


def spread(learner: Learner, run: Run, processes: Processes) -> nn.Module:
    """Let the processes train one learner: DDP keeps it whole on each of them, FSDP2 divides its weights.

    Every process must have made the same learner. Both average the gradients over the processes.
    """
    if processes.world == 1:
        return learner
    if run.loop.parallel == "fsdp":
        return divided(learner, processes)
    told = run.objective
    is_plain = told.kind in {"contrastive", "sigmoid"} and not told.captioning and not told.self_supervision
    return DistributedDataParallel(learner, find_unused_parameters=not is_plain)


def divided(learner: Learner, processes: Processes) -> nn.Module:
    """Divide a learner's weights by FSDP2, block by block; single numbers such as the temperature stay whole."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(processes.device.type, (processes.world,))
    for block in learner.modules():
        if isinstance(block, Block | Bottleneck):
            fully_shard(block, mesh=mesh)
    fully_shard(learner, mesh=mesh, ignored_params=set(undivided(learner)))
    return learner


def undivided(learner: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that FSDP2 cannot divide."""
    return [parameter for parameter in learner.parameters() if parameter.ndim == 0]


def is_divided(learner: nn.Module) -> bool:
    """Say whether FSDP2 has divided a learner."""
    return any(isinstance(parameter, DTensor) for parameter in learner.parameters())


def average_undivided(learner: nn.Module, processes: Processes) -> None:
    """Average the gradients that FSDP2 leaves alone; without it, do nothing."""
    if processes.world > 1 and is_divided(learner):
        for parameter in undivided(learner):
            if parameter.grad is not None:
                parameter.grad.copy_(processes.sum(parameter.grad) / processes.world)


def average_statistics(learner: nn.Module, processes: Processes) -> None:
    """Make the running statistics of batch normalisation those of all processes' pictures: the mean over the processes.

    A process normalises by its own pictures, as it does by those of a part of the batch; so the mean of the variances
    is what they divide by on average. SyncBatchNorm would divide by that of the whole batch, but runs on GPUs only.
    """
    norms = [one for one in learner.modules() if isinstance(one, _BatchNorm) and one.training]
    kept = [value for norm in norms for value in (norm.running_mean, norm.running_var) if value is not None]
    if processes.world > 1 and kept:
        means = processes.sum(torch.cat(kept)) / processes.world
        for value, mean in zip(kept, torch.split(means, [len(value) for value in kept]), strict=True):
            value.copy_(mean)


def inner(learner: nn.Module) -> Learner:
    """Return the learner itself out of what `spread` made."""
    return cast(Learner, learner.module if isinstance(learner, DistributedDataParallel) else learner)


def unsynchronised(learner: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Let DDP average the gradients only once, with the last part of a batch."""
    if isinstance(learner, DistributedDataParallel) and not last:
        return cast("AbstractContextManager[None]", learner.no_sync())
    return nullcontext()


def gather(own: Features, names: frozenset[str], processes: Processes) -> dict[str, Tensor]:
    """Return these features of all processes, in their order: [n, ...] -> [world n, ...].

    Every process must have as many pairs. Gradients go back to the process that a row came from, summed over all.
    """
    if processes.world == 1:
        return {name: own[name] for name in names}
    order = sorted(names)
    together = _Gather.apply(processes, *(own[name] for name in order))  # type: ignore[no-untyped-call]
    return dict(zip(order, together, strict=True))


class _Gather(torch.autograd.Function):
    """An all-gather whose gradient is the sum of what all processes make of a row."""

    @staticmethod
    def forward(ctx: Any, processes: Processes, *own: Tensor) -> tuple[Tensor, ...]:
        ctx.processes = processes
        together = tuple(processes.stack(x).flatten(0, 1) for x in own)
        ctx.mark_non_differentiable(*(x for x in together if not x.is_floating_point()))
        return together

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(_mine(gradient, ctx.processes) for gradient in gradients)


def _mine(gradient: Tensor, processes: Processes) -> Tensor | None:
    if not gradient.is_floating_point():
        return None
    count = len(gradient) // processes.world
    if dist.get_backend() == "nccl":
        mine = torch.empty_like(gradient[:count])
        dist.reduce_scatter_tensor(mine, gradient.contiguous())
        return mine
    return processes.sum(gradient)[count * processes.rank : count * (processes.rank + 1)]


def whole(value: Tensor) -> Tensor:
    """Return a tensor that FSDP2 may have divided as a whole, on every process; all of them must call it."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def local(value: Tensor) -> Tensor:
    """Return this process's part of a tensor that FSDP2 may have divided."""
    return value.to_local() if isinstance(value, DTensor) else value


def like(value: Tensor, pattern: Tensor) -> Tensor:
    """Return a whole tensor divided as another one of as many rows is, and on its device."""
    value = value.to(pattern.device)
    if isinstance(pattern, DTensor) and value.shape[:1] == pattern.shape[:1]:
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(value, pattern.device_mesh, pattern.placements)
    return value


def gradient_norm(learner: nn.Module, processes: Processes) -> Tensor:
    """Return the Euclidean norm of all gradients together, float32 []; the same on all processes."""
    squares = {True: torch.zeros((), device=processes.device), False: torch.zeros((), device=processes.device)}
    for parameter in learner.parameters():
        if parameter.grad is not None:
            is_part = isinstance(parameter.grad, DTensor)
            squares[is_part] += torch.linalg.vector_norm(local(parameter.grad).float()).square()
    return (squares[False] + (processes.sum(squares[True]) if is_divided(learner) else squares[True])).sqrt()


def clip_gradients(learner: nn.Module, norm: float, most: float) -> None:
    """Scale all gradients down so that their norm, which is given, is at most this."""
    factor = most / (norm + 1e-6)
    for parameter in learner.parameters():
        if parameter.grad is not None and factor < 1:
            parameter.grad.mul_(factor)
