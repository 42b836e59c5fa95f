"""A moving average of the weights, which is often better than the last ones."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from training.objectives.objective import Learner


class Average:
    """The exponential moving average of a learner's weights, in fp32: of the towers, and of what an objective trains.

    Each step brings it by 1 - decay nearer to the weights; at first faster, so that the random beginning is soon
    forgotten: the decay after n steps is at most (1 + n) / (10 + n). Counters and running statistics are copied.
    """

    def __init__(self, learner: Learner, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: _own(value) for name, value in _averaged(learner).items()}

    @torch.no_grad()
    def update(self, learner: Learner) -> None:
        """Take in the weights as they are after a step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in _averaged(learner).items():
            kept = self.state[name]
            if value.is_floating_point() and not name.endswith(("running_mean", "running_var")):
                kept.lerp_(value.to(kept.dtype), 1 - decay)
            else:
                kept.copy_(value)

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Go on from a stored average."""
        self.steps = steps
        for name, value in self.state.items():
            value.copy_(state[name])


def _averaged(learner: Learner) -> dict[str, Tensor]:
    """Return the state of the towers and the trained weights of the objective; a teacher of its own is left out."""
    trained = {name for name, weight in learner.named_parameters() if weight.requires_grad}
    return {name: value for name, value in learner.state_dict().items() if name.startswith("clip.") or name in trained}


def _own(value: Tensor) -> Tensor:
    return value.detach().float().clone() if value.is_floating_point() else value.detach().clone()
