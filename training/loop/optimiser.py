"""AdamW as the paper sets it: which parameters decay, how fast each learns, and in what precision it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.transformer import LayerNorm
from training.errors import TrainingError
from training.loop.half_adamw import HalfAdamW
from training.run import Optimiser, Run

Rates = Callable[[str], float]  # a parameter's name in the learner -> what its learning rate is multiplied with

#: beta2 and eps of the paper's ResNets and ViTs (table 18); the image tower's kind decides for both towers
TOWERS = {"resnet": (0.999, 1e-8), "vit": (0.98, 1e-6)}


def make(run: Run, learner: nn.Module, rates: Rates | None = None) -> Optimizer:
    """Make the optimiser of a run for everything in the learner that is to be trained.

    Every group says its parameters' `names` and its `rate`, a factor of the learning rate. Raises TrainingError for
    settings that exclude each other.
    """
    settings = run.optimiser
    check(run)
    betas, eps = moments(settings, run.network)
    parts = groups(learner, settings, rates)
    if settings.half_statistics or settings.half_text_tower:
        half = settings.half_statistics
        return HalfAdamW(parts, settings.learning_rate, betas, eps, half_statistics=half, seed=run.seed)
    fused = run.loop.parallel == "ddp"
    return torch.optim.AdamW(parts, settings.learning_rate, betas, eps, fused=fused or None)


def check(run: Run) -> None:
    """Raise TrainingError for what the optimiser cannot do together."""
    if run.optimiser.half_text_tower and run.loop.parallel == "fsdp":
        raise TrainingError("A half-precision text tower needs parallel = “ddp”: FSDP2 does not mix it with fp32.")
    if run.optimiser.half_text_tower and run.loop.precision == "fp16":
        raise TrainingError("A half-precision text tower (bfloat16) needs precision “bf16” or “fp32”.")


def moments(settings: Optimiser, network: CLIPConfig) -> tuple[tuple[float, float], float]:
    """Return (beta1, beta2) and eps: those given, else those of the tower's kind."""
    beta2, eps = TOWERS[network.vision.kind]
    given = settings.beta2 if settings.beta2 is not None else beta2
    return (settings.beta1, given), settings.eps if settings.eps is not None else eps


def groups(learner: nn.Module, settings: Optimiser, rates: Rates | None = None) -> list[dict[str, Any]]:
    """Sort the parameters into groups by decay and rate; those that need no gradient are left out.

    Weights decay; gains, biases, the temperature and whatever else has less than two dimensions do not.
    """
    parts: dict[tuple[bool, float], dict[str, Any]] = {}
    for name, parameter in learner.named_parameters():
        if not parameter.requires_grad:
            continue
        key = (decays(name, parameter), 1.0 if rates is None else rates(name))
        decay = settings.weight_decay if key[0] else 0.0
        part = parts.setdefault(key, {"params": [], "names": [], "weight_decay": decay, "rate": key[1]})
        part["params"].append(parameter)
        part["names"].append(name)
    if not parts:
        raise TrainingError("Nothing is left to be trained: every part of the model is locked.")
    return list(parts.values())


def decays(name: str, parameter: torch.Tensor) -> bool:
    """Say whether a parameter's weights decay."""
    return parameter.ndim > 1 and not name.endswith("bias")


def halve_text_tower(clip: CLIP) -> None:
    """Keep the text tower's weights in bfloat16, all but its normalisations (paper, section 2.5).

    bfloat16 rather than the paper's fp16, since its gradients need no scaling.
    """
    for module in clip.text.modules():
        if not isinstance(module, LayerNorm):
            for name, parameter in module.named_parameters(recurse=False):
                setattr(module, name, nn.Parameter(parameter.detach().bfloat16(), parameter.requires_grad))
