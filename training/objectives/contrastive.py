"""The paper's objective: each picture finds its text among all texts of the batch, and each text its picture."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.model import CLIP
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Losses, Objective, exact, full_precision


class Contrastive(Objective):
    """Symmetric cross-entropy over scaled cosines (paper, figure 3).

    Each process compares its own pairs with those of all, so that nobody holds the whole matrix (section 2.5). With a
    model whose text tower is a bag of words it is the paper's third method of figure 2.
    """

    gathered = frozenset({"image", "text"})

    def read(self, encoded: Encoded) -> Features:
        """Return unit features "image" and "text", float32 [n, d], and the inverse temperature as "scale" [n]."""
        return {
            "image": unit(encoded.image),
            "text": unit(encoded.text),
            "scale": encoded.clip.logit_scale.exp().expand(len(encoded.batch)),
        }

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "contrastive"."""
        scale, targets = own["scale"].mean(), rows(own["image"], first)
        pictures = functional.cross_entropy(logits(own["image"], everyone["text"], scale), targets)
        texts = functional.cross_entropy(logits(own["text"], everyone["image"], scale), targets)
        return {"contrastive": (pictures + texts) / 2}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the scaled cosines."""
        return matches(clip, pixels, tokens)


def unit(features: Tensor) -> Tensor:
    """Scale features [n, d] to length one, in at least fp32."""
    return functional.normalize(exact(features), dim=-1)


def logits(ones: Tensor, others: Tensor, scale: Tensor) -> Tensor:
    """Return scale times the products of all ones [n, d] with all others [m, d]: [n, m], in at least fp32."""
    with full_precision(ones):
        return scale * ones @ others.T


def rows(own: Tensor, first: int) -> Tensor:
    """Return where each of `own` stands among those of everyone: int64 [n]."""
    return first + torch.arange(len(own), device=own.device)


def matches(clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
    """Return what `CLIP.forward` does, in at least fp32 whatever the precision of the towers: [n, m]."""
    images, texts = unit(clip.encode_image(pixels)), unit(clip.encode_text(tokens))
    matched = logits(images, texts, exact(clip.logit_scale.exp()))
    return matched if clip.logit_bias is None else matched + clip.logit_bias
