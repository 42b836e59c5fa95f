"""The paper's objective: each picture finds its text among all texts of the batch, and each text its picture."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.model import CLIP
from training.data.pairs import Batch
from training.objectives.objective import Features, Losses, Objective


class Contrastive(Objective):
    """Symmetric cross-entropy over scaled cosines (paper, figure 3).

    Each process compares its own pairs with those of all, so that nobody holds the whole matrix (section 2.5).
    """

    gathered = frozenset({"image", "text"})

    def features(self, clip: CLIP, batch: Batch) -> Features:
        """Return unit features "image" and "text", float32 [n, d], and the temperature as "scale" [n]."""
        return {
            "image": functional.normalize(clip.encode_image(batch.pixels).float(), dim=-1),
            "text": functional.normalize(clip.encode_text(batch.tokens).float(), dim=-1),
            "scale": clip.logit_scale.exp().expand(len(batch)),
        }

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "contrastive"."""
        scale, targets = own["scale"].mean(), first + torch.arange(len(own["image"]), device=own["image"].device)
        pictures = functional.cross_entropy(scale * own["image"] @ everyone["text"].T, targets)
        texts = functional.cross_entropy(scale * own["text"] @ everyone["image"].T, targets)
        return {"contrastive": (pictures + texts) / 2}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the scaled cosines."""
        scores: Tensor = clip(pixels, tokens)
        return scores
