"""Soft targets beside the hard ones: a slow average of the model says how much other texts fit a picture as well."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.model import CLIP
from training.objectives.contrastive import logits, matches, rows, unit
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Losses, Objective, freeze

MOMENTUM = 0.995  # of the teacher's weights, ALBEF's
SHARE = 0.4  # of the soft targets, ALBEF's


class PseudoLabels(Objective):
    """Contrastive learning with momentum distillation.

    "Align before Fuse" (ALBEF, arXiv 2107.07651), section 3.3, equation 6: of the targets, a share is the softmax of
    the similarities that the teacher sees, an exponential average of the model. The share grows in the first `ramp`
    steps, in which the teacher knows little. Cross-entropy instead of the divergence, as in ALBEF's code: the
    gradient is the same.
    """

    gathered = frozenset({"image", "text", "teacher_image", "teacher_text"})
    steps: Tensor

    def __init__(self, clip: CLIP, ramp: int = 0) -> None:
        super().__init__()
        self.teacher = copy.deepcopy(clip).eval()
        freeze(self.teacher)
        self.ramp = ramp
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Self:
        """Go to training or evaluation mode, but for the teacher."""
        super().train(mode)
        self.teacher.eval()
        return self

    def read(self, encoded: Encoded) -> Features:
        """Return "image", "text" and "scale" as `Contrastive` does, and those of the teacher without gradient."""
        batch, n = encoded.batch, len(encoded.batch)
        with torch.no_grad():
            taught = {
                "teacher_image": unit(self.teacher.encode_image(batch.pixels)),
                "teacher_text": unit(self.teacher.encode_text(batch.tokens)),
                "teacher_scale": self.teacher.logit_scale.exp().expand(n),
                "teacher_share": self.share().expand(n),
            }
        scale = encoded.clip.logit_scale.exp().expand(n)
        return {"image": unit(encoded.image), "text": unit(encoded.text), "scale": scale, **taught}

    def share(self) -> Tensor:
        """Return the share of the soft targets at this step."""
        return SHARE * ((self.steps + 1) / (self.ramp + 1)).clamp(max=1)

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "pseudo_labels"."""
        pictures, texts = (_loss(own, everyone, first, *way) for way in (("image", "text"), ("text", "image")))
        return {"pseudo_labels": (pictures + texts) / 2}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the scaled cosines."""
        return matches(clip, pixels, tokens)

    @torch.no_grad()
    def after_step(self, clip: CLIP) -> None:
        """Keep the temperature within its bounds, and draw the teacher after the model."""
        super().after_step(clip)
        for slow, fast in zip(self.teacher.parameters(), clip.parameters(), strict=True):
            slow.lerp_(fast.to(slow.dtype), 1 - MOMENTUM)
        for old, new in zip(self.teacher.buffers(), clip.buffers(), strict=True):
            old.copy_(new)
        self.steps += 1


def _loss(own: Features, everyone: Mapping[str, Tensor], first: int, one: str, other: str) -> Tensor:
    """Let each of one kind find its partners of the other kind, hard and soft."""
    student = logits(own[one], everyone[other], own["scale"].mean())
    teacher = logits(own[f"teacher_{one}"], everyone[f"teacher_{other}"], own["teacher_scale"].mean()).detach()
    share = own["teacher_share"].mean().detach()
    hard = functional.one_hot(rows(own[one], first), len(everyone[other]))
    return functional.cross_entropy(student, share * teacher.softmax(-1) + (1 - share) * hard)
