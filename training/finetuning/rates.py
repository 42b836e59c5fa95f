"""Layer-wise learning rates: the highest for the projections, and lower the nearer a layer is to pixels or tokens.

As in ELECTRA and BEiT: a layer that is k below the top learns at rate * decay ** k, since what lies deep is general and
was dearly learned.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from torch import nn

from clipsearch.model import CLIP, CLIPConfig

Group = dict[str, Any]  # AdamW's: params, lr, weight_decay

IMAGE, TEXT = "visual.", "text."
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.")
_STAGE = re.compile(r"visual\.layer(\d)\.")
_FIRST = re.compile(
    r"(visual\.(conv\d|bn\d|class_embedding|positional_embedding|ln_pre)|text\.(token|positional)_embedding)(\.|$)"
)
_STAGES = 4


def depth_of(name: str, config: CLIPConfig) -> int:
    """Return how far below the top the layer of a parameter lies: 0 for the projections and the last LayerNorms."""
    top = _layers(name, config) + 1
    if block := _BLOCK.search(name):
        return top - 1 - int(block.group(1))
    if stage := _STAGE.match(name):
        return top - int(stage.group(1))
    return top if _FIRST.match(name) else 0


def layer_wise(clip: CLIP, towers: tuple[str, ...], rate: float, decay: float, weight_decay: float) -> list[Group]:
    """Return the optimiser's groups for these towers ("visual.", "text."), and freeze all other parameters.

    Gains and biases have no weight decay (paper, section 2.5).
    """
    clip.requires_grad_(False)
    groups: dict[tuple[int, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in clip.named_parameters():
        if name.startswith(towers):
            parameter.requires_grad_(True)
            groups[depth_of(name, clip.config), weight_decay if parameter.ndim > 1 else 0.0].append(parameter)
    return [
        {"params": parameters, "lr": rate * decay**depth, "weight_decay": shrink}
        for (depth, shrink), parameters in sorted(groups.items(), key=lambda group: group[0])
    ]


def _layers(name: str, config: CLIPConfig) -> int:
    """Return how many layers the tower of a parameter has between its first one and its projection."""
    if not name.startswith(IMAGE):
        return 0 if config.text.kind == "bag-of-words" else config.text.layers
    layers = config.vision.layers
    return _STAGES if config.vision.kind == "resnet" else layers if isinstance(layers, int) else sum(layers)
