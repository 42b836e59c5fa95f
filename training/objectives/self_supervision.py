"""What SLIP adds: two strong variations of a picture find each other among those of all pictures."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.transformer import LayerNorm
from training.errors import TrainingError
from training.objectives.contrastive import logits, matches, rows, unit
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Losses, Objective

TEMPERATURE = 0.1  # SLIP's
HIDDEN, PROJECTED = 4096, 256  # channels, SLIP's; narrower where the model is


class SelfSupervision(Objective):
    """SimCLR's NT-Xent over projected features of two views.

    "SLIP: Self-supervision meets Language-Image Pre-training" (arXiv 2112.12750), section 3; "A Simple Framework for
    Contrastive Learning of Visual Representations" (arXiv 2002.05709), equation 1. The three-layer projection has
    LayerNorm where SLIP has BatchNorm: features must not depend on who else is in a part of a batch. It starts from
    the joint space, which every image tower has.
    """

    gathered = frozenset({"view_1", "view_2"})
    reads_texts = False

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        width = config.embed_dim
        hidden, projected = min(HIDDEN, 8 * width), min(PROJECTED, width)
        self.projection = nn.Sequential(
            *(nn.Linear(width, hidden, bias=False), LayerNorm(hidden), nn.ReLU()),
            *(nn.Linear(hidden, hidden, bias=False), LayerNorm(hidden), nn.ReLU()),
            nn.Linear(hidden, projected, bias=False),
        )

    def read(self, encoded: Encoded) -> Features:
        """Return the projected unit features "view_1" and "view_2", float32 [n, d]."""
        views = encoded.batch.views
        if views is None:
            raise TrainingError("Self-supervision needs two views of each picture, which these batches do not have.")
        both = unit(self.projection(encoded.clip.encode_image(views.flatten(0, 1)).float()))
        return {"view_1": both[::2], "view_2": both[1::2]}

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "self_supervision"."""
        ways = (("view_1", "view_2"), ("view_2", "view_1"))
        there, back = (nt_xent(own[one], everyone[one], everyone[other], first) for one, other in ways)
        return {"self_supervision": (there + back) / 2}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the scaled cosines, which this objective alone does not teach."""
        return matches(clip, pixels, tokens)


def nt_xent(own: Tensor, same: Tensor, other: Tensor, first: int) -> Tensor:
    """Let each own view [n, d] find its other view among all of both kinds, [m, d] each, but itself."""
    inverse, targets = own.new_tensor(1 / TEMPERATURE), rows(own, first)
    itself = targets.unsqueeze(1) == torch.arange(len(same), device=own.device)
    alike = logits(own, same, inverse).masked_fill(itself, -torch.inf)
    return functional.cross_entropy(torch.cat([logits(own, other, inverse), alike], dim=1), targets)
