"""A model while it is tuned or measured: its features, what of it is learned, and what has become of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP
from training.finetuning.lora import merged
from training.finetuning.pictures import Pictures
from training.finetuning.rates import Group
from training.finetuning.towers import Towers, Words

State = list[Tensor]


class Tuning:
    """A model while it is tuned, in evaluation mode throughout: BatchNorm keeps the statistics of its training.

    `groups` are the optimiser's.
    """

    def __init__(self, towers: Towers, groups: list[Group]) -> None:
        self.towers, self.groups = towers, groups

    @property
    def learned(self) -> list[nn.Parameter]:
        """What the optimiser changes."""
        return [parameter for group in self.groups for parameter in group["params"]]

    def images(self, pictures: Pictures, rows: Tensor | None = None) -> Tensor:
        """See `Towers.images`."""
        return self.towers.images(pictures, rows)

    def texts(self, texts: Words, rows: Tensor | None = None) -> Tensor:
        """See `Towers.texts`."""
        return self.towers.texts(texts, rows)

    def state(self) -> State:
        """Return a copy of what was learned."""
        return [parameter.detach().clone() for parameter in self.learned]

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Go back, bit for bit."""
        for parameter, value in zip(self.learned, state, strict=True):
            parameter.copy_(value)

    def tuned(self) -> CLIP:
        """Return what has become of the model, a plain and frozen copy."""
        return merged(self.towers.clip)


def still(clip: CLIP, original: Towers) -> Tuning:
    """Take a tuned model as it is, to be measured; what a tower of the original knows already is not computed again."""
    towers = Towers(clip)
    towers.share(original)
    return Tuning(towers, [])
