"""The plain loop that ours is held against: one process, the whole batch at once, torch's own AdamW."""

from __future__ import annotations

import math

import torch

from tests.training.loop.tiny import Endless, learner_of, plain_loss
from training.run import Run


def losses_of(run: Run, seed: int) -> list[float]:
    """Train a tiny ViT in the paper's way; return the loss of each step."""
    clip, losses = learner_of(run.network, seed).clip, []
    matrices = [weight for weight in clip.parameters() if weight.ndim > 1]
    others = [weight for weight in clip.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.2}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)
    peak, warmup, steps = run.optimiser.learning_rate, run.optimiser.warmup_steps, run.loop.steps
    for step in range(steps):
        rising = (step + 1) / warmup
        falling = 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
        for group in optimiser.param_groups:
            group["lr"] = peak * (rising if step < warmup else falling)
        loss = plain_loss(clip, Endless(run).batch(step))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, math.log(100))
        losses.append(loss.item())
    return losses
