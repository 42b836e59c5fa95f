"""How the learning rate goes: up linearly, then down a cosine (paper, section 2.5)."""

from __future__ import annotations

import math

from torch.optim import Optimizer

from training.run import Run


def rate(step: int, peak: float, warmup_steps: int, steps: int) -> float:
    """Return the learning rate of a step, the first being 0.

    It reaches `peak` with step `warmup_steps` - 1 and would reach 0 with step `steps`, which there is not.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def set_rate(optimiser: Optimizer, run: Run, step: int) -> float:
    """Give each group of parameters its rate at this step, and return the one of the run itself."""
    now = rate(step, run.optimiser.learning_rate, run.optimiser.warmup_steps, run.loop.steps)
    for group in optimiser.param_groups:
        group["lr"] = now * group["rate"]
    return now
