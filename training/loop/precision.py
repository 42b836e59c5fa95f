"""How exactly and in how much memory the towers compute: autocast, loss scaling, checkpointing of blocks, compiling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from clipsearch.model.resnet import Bottleneck
from clipsearch.model.transformer import Block
from training.errors import TrainingError
from training.run import Loop

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Compute what is inside in this precision; weights, normalisations and losses stay fp32.

    A new one is needed for each pass, since it keeps the weights it has converted, with or without gradients.
    """
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, DTYPES[precision])


def scaler(loop: Loop, device: torch.device) -> torch.amp.GradScaler:
    """Make the scaler that keeps fp16's small gradients; in other precisions it does nothing."""
    if loop.precision == "fp16" and loop.parallel == "fsdp":
        raise TrainingError("Precision “fp16” needs parallel = “ddp”; take “bf16” with “fsdp”.")
    return torch.amp.GradScaler(device.type, enabled=loop.precision == "fp16")


def prepare_blocks(model: nn.Module, loop: Loop, backend: str = "inductor") -> None:
    """Let the towers' blocks be compiled, and computed again for their gradients instead of kept, as the run says.

    Blocks are compiled one by one: the same code serves all of a tower, so that it is compiled once. The names of the
    weights do not change.
    """
    if loop.compile:
        _allow_versions(model)
    for block in model.modules():
        if isinstance(block, Block | Bottleneck):
            forward = block.forward
            if loop.compile:
                forward = torch.compile(forward, backend=backend, dynamic=_is_dynamic(block))
            if loop.gradient_checkpointing:
                forward = partial(checkpoint, forward, use_reentrant=False, context_fn=partial(_contexts, block))
            block.forward = forward  # type: ignore[method-assign]


@contextmanager
def compiling(loop: Loop) -> Iterator[None]:
    """Raise TrainingError where what is inside fails because torch cannot compile here."""
    if not loop.compile:
        yield
        return
    from torch._dynamo.exc import BackendCompilerFailed

    try:
        yield
    except BackendCompilerFailed as error:
        told = repr(error.inner_exception).splitlines()[0]
        raise TrainingError(
            f"The model cannot be compiled here ({told}). Let loop.compile be false; "
            "on a CPU, compiling needs a C++ compiler."
        ) from error


def _allow_versions(model: nn.Module) -> None:
    """Let torch compile the ResNet's code for each of its blocks, with and without gradients, instead of giving up."""
    from torch._dynamo import config as dynamo  # takes a second or more

    versions = 4 * sum(isinstance(block, Bottleneck) for block in model.modules())
    dynamo.recompile_limit = max(dynamo.recompile_limit, versions)


def _is_dynamic(block: nn.Module) -> bool | None:
    """Say whether one version is to serve all shapes (None: where torch sees several).

    Texts have many lengths. A ResNet's blocks differ in their channels; torch's inductor cannot normalise batches
    of an unknown number of them ("Cannot convert expression to float").
    """
    return False if isinstance(block, Bottleneck) else None


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return what a block's first and second computation run in."""
    return nullcontext(), frozen_statistics(block)


@contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch normalisation as they are while something is computed a second time."""
    norms = [one for one in module.modules() if isinstance(one, _BatchNorm) and one.track_running_stats]
    momenta = [norm.momentum for norm in norms]
    counts = [None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone() for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)
