"""Several objectives at once, which share one pass of each tower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from torch import Tensor, nn

from clipsearch.model import CLIP
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Losses, Objective


class Composite(Objective):
    """A first objective, which answers zero-shot questions, and others, each with its weight.

    No two may have a feature or a loss of the same name.
    """

    def __init__(self, parts: Sequence[tuple[Objective, float]]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(part for part, _ in parts)
        self.weights = [weight for _, weight in parts]
        self.gathered = frozenset().union(*(part.gathered for part, _ in parts))
        self.reads_patches = any(part.reads_patches for part, _ in parts)
        self.reads_states = any(part.reads_states for part, _ in parts)
        self.reads_texts = any(part.reads_texts for part, _ in parts)
        self.writes_captions = any(part.writes_captions for part, _ in parts)

    @property
    def objectives(self) -> list[Objective]:
        """The parts, the first one first."""
        return [cast(Objective, part) for part in self.parts]

    def read(self, encoded: Encoded) -> Features:
        """Return the features of all parts."""
        features: Features = {}
        for part in self.objectives:
            features |= part.read(encoded)
        return features

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the losses of all parts, each times its weight."""
        losses: Losses = {}
        for part, weight in zip(self.objectives, self.weights, strict=True):
            losses |= {name: weight * loss for name, loss in part.losses(own, everyone, first).items()}
        return losses

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the first part's scores."""
        return self.objectives[0].scores(clip, pixels, tokens)

    def caption(self, clip: CLIP, pixels: Tensor, beams: int = 1, longest: int = 0) -> list[list[int]]:
        """Let the part that can write captions do so."""
        writers = [part for part in self.objectives if part.writes_captions]
        return writers[0].caption(clip, pixels, beams, longest) if writers else super().caption(clip, pixels)

    def after_step(self, clip: CLIP) -> None:
        """Do what each part wants done."""
        for part in self.objectives:
            part.after_step(clip)
