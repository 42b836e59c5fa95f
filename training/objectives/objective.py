"""What every objective is: features of each pair by itself, then losses over the features of all pairs.

This cut makes one loop fit all objectives. Features are computed a part of the batch at a time, on any process; the
losses see those of all parts and, where they ask for them, of all processes. So a loss may use no weights: what it
needs of them (the temperature) is a feature, the same for each pair.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP
from training.data.pairs import Batch
from training.errors import TrainingError
from training.objectives.encoded import Encoded

Features = dict[str, Tensor]  # name -> [n, ...], a row a pair
Losses = dict[str, Tensor]  # name -> a scalar, the mean over the pairs of this process; what is minimised is their sum


class Objective(nn.Module, ABC):
    """What is learned; it may have weights of its own, which are trained with the model's and left out of a package.

    `gathered` names the features that the losses need of all processes. `reads_patches` and `reads_states` say that
    `read` wants more of the towers than their features; `reads_texts` that it wants the text tower at all.
    """

    gathered: frozenset[str] = frozenset()
    reads_patches = False
    reads_states = False
    reads_texts = True
    writes_captions = False

    def features(self, clip: CLIP, batch: Batch) -> Features:
        """Compute what the losses need of each pair; what comes of frozen weights has no gradient."""
        return self.read(Encoded(clip, batch, patches=self.reads_patches, states=self.reads_states))

    @abstractmethod
    def read(self, encoded: Encoded) -> Features:
        """Compute the features from what the towers, each passed once, make of a part of a batch."""

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

    def caption(self, clip: CLIP, pixels: Tensor, beams: int = 1, longest: int = 0) -> list[list[int]]:
        """Write a caption for each of the pixels [n, 3, size, size]: token ids without start and end token.

        The model should be in evaluation mode. One beam is the greedy choice. `longest` counts tokens, start and end
        included; 0: as many as a text may have. Raises TrainingError where `writes_captions` is not set.
        """
        raise TrainingError("What this model has learned does not write captions; captioning or a language model does.")

    def after_step(self, clip: CLIP) -> None:
        """Do what follows each step of the optimiser: keep the temperature within its bounds (paper, section 2.5)."""
        clip.clamp_temperature()


class Learner(nn.Module):
    """A model with what it learns; its `forward` is what runs under DDP and FSDP.

    A tower without any weight to be trained stays in evaluation mode, so that its statistics do not move either.
    """

    def __init__(self, clip: CLIP, objective: Objective) -> None:
        super().__init__()
        self.clip = clip
        self.objective = objective
        self._rest()

    def train(self, mode: bool = True) -> Self:
        """Go to training or evaluation mode, but for frozen towers."""
        super().train(mode)
        self._rest()
        return self

    def _rest(self) -> None:
        for tower in (self.clip.visual, self.clip.text):
            if is_frozen(tower):
                tower.eval()

    def forward(self, batch: Batch) -> Features:
        """Compute the features of a part of a batch, whose pixels become the model's input only here."""
        config = self.clip.config
        return self.objective.features(self.clip, batch.normalised(config.mean, config.std))

    def after_step(self) -> None:
        """Do what the objective wants done after each step of the optimiser."""
        self.objective.after_step(self.clip)


def freeze(module: nn.Module) -> None:
    """Train none of a module's weights."""
    module.requires_grad_(False)


def is_frozen(module: nn.Module) -> bool:
    """Say whether none of a module's weights is trained."""
    return not any(weight.requires_grad for weight in module.parameters())


def exact(x: Tensor) -> Tensor:
    """Return x in at least fp32."""
    return x if x.dtype == torch.float64 else x.float()


def full_precision(x: Tensor) -> torch.autocast:
    """Return a context in which mixed precision is off on the device of x."""
    return torch.autocast(x.device.type, enabled=False)
