"""WiSE-FT: a model between the original and the tuned one, weight by weight (arXiv 2109.01903).

It mostly does better than both where pictures differ from those it was tuned on. How far to go is chosen on validation
pictures only, among what forgets no more than allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor

from clipsearch.model import CLIP
from training.finetuning.tasks import Score


class Chosen(NamedTuple):
    """The model at `alpha`, 0 (the original) to 1 (the tuned one), and the scores of all that were tried."""

    alpha: float
    clip: CLIP
    scores: dict[float, Score]


def between(original: CLIP, tuned: CLIP, alpha: float) -> CLIP:
    """Return a model with weights (1 - alpha) * original + alpha * tuned; 0 and 1 are the two, bit for bit."""
    states = original.state_dict(), tuned.state_dict()
    clip = deepcopy(original)
    clip.load_state_dict({name: mix(value, states[1][name], alpha) for name, value in states[0].items()})
    return clip


def choose(
    original: CLIP,
    tuned: CLIP,
    steps: int,
    score: Callable[[CLIP], Score],
    is_allowed: Callable[[CLIP], bool] = lambda candidate: True,
) -> Chosen:
    """Try alphas 0, 1/steps, ..., 1; of those that score alike the one nearest to the original is taken.

    One that is not allowed is passed over; the original always is.
    """

    def at(alpha: float) -> CLIP:
        return {0.0: original, 1.0: tuned}.get(alpha) or between(original, tuned, alpha)

    scores = {step / steps: score(at(step / steps)) for step in range(steps + 1)}
    for alpha in sorted(scores, key=lambda alpha: (scores[alpha], -alpha), reverse=True):
        if alpha == 0.0 or is_allowed(at(alpha)):
            return Chosen(alpha, at(alpha), scores)
    return Chosen(0.0, original, scores)


@torch.no_grad()
def mix(one: Tensor, other: Tensor, alpha: float) -> Tensor:
    """Return a new tensor between two; counters, which are no weights, stay the first one's until alpha is 1."""
    if alpha in {0.0, 1.0} or not one.is_floating_point():
        return (other if alpha == 1.0 else one).clone()
    return torch.lerp(one, other, alpha)
