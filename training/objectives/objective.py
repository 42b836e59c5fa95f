"""What every objective is: features of each pair by itself, then losses over the features of all pairs.

This cut makes one loop fit all objectives. Features are computed a part of the batch at a time, on any process; the
losses see those of all parts and, where they ask for them, of all processes. So a loss may use no weights: what it
needs of them (the temperature) is a feature, the same for each pair.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from clipsearch.model import CLIP
from training.data.pairs import Batch

Features = dict[str, Tensor]  # name -> [n, ...], a row a pair
Losses = dict[str, Tensor]  # name -> a scalar, the mean over the pairs of this process; what is minimised is their sum


class Objective(nn.Module, ABC):
    """What is learned; it may have weights of its own, which are trained with the model's and left out of a package.

    `gathered` names the features that the losses need of all processes.
    """

    gathered: frozenset[str] = frozenset()

    @abstractmethod
    def features(self, clip: CLIP, batch: Batch) -> Features:
        """Compute what the losses need of each pair, with gradients."""

    @abstractmethod
    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Compare the `own` features of this process with those of `everyone` (of the names in `gathered`).

        `everyone` begins with process 0; row `first` of it is this process's first pair. Differentiable, and without
        weights. The mean over all processes is the loss of the whole batch.
        """

    @abstractmethod
    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Score every text as a description of every picture, for zero-shot classification.

        pixels float [n, 3, size, size], tokens int64 [m, context] -> [n, m]; the highest of a row is the answer.
        """


class Learner(nn.Module):
    """A model with what it learns; its `forward` is what runs under DDP and FSDP."""

    def __init__(self, clip: CLIP, objective: Objective) -> None:
        super().__init__()
        self.clip = clip
        self.objective = objective

    def forward(self, batch: Batch) -> Features:
        """Compute the features of a part of a batch."""
        return self.objective.features(self.clip, batch)
