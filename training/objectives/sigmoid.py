"""SigLIP's objective: every picture with every text is a yes or no of its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from clipsearch.model import CLIP
from training.errors import TrainingError
from training.objectives.contrastive import logits, matches, rows, unit
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Losses, Objective


class Sigmoid(Objective):
    """Logistic loss of each pair, wanted where picture and text belong together.

    "Sigmoid Loss for Language Image Pre-Training" (arXiv 2303.15343), sections 3.2 and 3.3: as no sum runs over a
    whole row, texts are taken as many at a time as this process has pictures, and no more logits than these are held.
    """

    gathered = frozenset({"text"})

    def read(self, encoded: Encoded) -> Features:
        """Return unit features "image" and "text", float32 [n, d], "scale" and "bias" [n]."""
        clip, n = encoded.clip, len(encoded.batch)
        if clip.logit_bias is None:
            raise TrainingError("The sigmoid objective needs a model with a bias (logit_bias_init = -10.0).")
        return {
            "image": unit(encoded.image),
            "text": unit(encoded.text),
            "scale": clip.logit_scale.exp().expand(n),
            "bias": clip.logit_bias.expand(n),
        }

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "sigmoid": for each picture the sum over all texts."""
        images, scale, bias = own["image"], own["scale"].mean(), own["bias"].mean()
        partners = rows(images, first)
        lost = images.new_zeros(())
        for start in range(0, len(everyone["text"]), len(images)):
            texts = everyone["text"][start : start + len(images)]
            lost = lost + checkpoint(
                chunk_loss, images, texts, partners - start, scale, bias, use_reentrant=False, preserve_rng_state=False
            )
        return {"sigmoid": lost / len(images)}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the logits: scaled cosines and bias."""
        return matches(clip, pixels, tokens)


def chunk_loss(images: Tensor, texts: Tensor, partners: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Sum the logistic losses of all images [n, d] with all texts [m, d]; `partners` says which text is whose."""
    wanted = partners.unsqueeze(1) == torch.arange(len(texts), device=texts.device)
    signs = 2.0 * wanted - 1.0
    return -functional.logsigmoid(signs * (logits(images, texts, scale) + bias)).sum()
