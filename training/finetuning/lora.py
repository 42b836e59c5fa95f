"""LoRA: each tuned matrix W becomes W + U D with U and D of a low rank, and a plain W again when it is merged.

"LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685). U starts at zero, so that the model starts as
it was. The sum is computed before it is used, so that the network's own code stays as it is; what is saved is the
optimiser's memory and what can be forgotten, not the gradient of the matrix itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from clipsearch.model import CLIP, assemble
from clipsearch.model.resnet import AttentionPool2d
from clipsearch.model.transformer import MLP, Attention


class LowRank(nn.Module):
    """Adds a product of a low rank to a matrix [parts * out, in]; each of the parts has a product of its own."""

    def __init__(self, matrix: Tensor, parts: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        out, width = matrix.shape[0] // parts, matrix.shape[1]
        down = torch.randn(parts, rank, width, generator=generator) * width**-0.5
        self.down = nn.Parameter(down.to(matrix.device))
        self.up = nn.Parameter(torch.zeros(parts, out, rank, device=matrix.device))

    def forward(self, matrix: Tensor) -> Tensor:
        """Return the matrix with what was learned."""
        return matrix + (self.up @ self.down).flatten(0, 1)


def attach(clip: CLIP, rank: int, on_mlp: bool, seed: int) -> list[nn.Parameter]:
    """Make all attention (and MLP) matrices of both towers tunable by products of this rank; return these.

    All other parameters are frozen. Rank 0 attaches nothing.
    """
    clip.requires_grad_(False)
    if rank == 0:
        return []
    generator = torch.Generator().manual_seed(seed)
    learned: list[nn.Parameter] = []
    for module, name, parts in list(_matrices(clip, on_mlp)):
        product = LowRank(getattr(module, name), parts, rank, generator)
        parametrize.register_parametrization(module, name, product)
        learned += [product.down, product.up]
    return learned


@torch.no_grad()
def merged(clip: CLIP) -> CLIP:
    """Return a plain copy of a model, frozen and in evaluation mode, with what was learned in the matrices themselves.

    The model itself stays as it is: copies of it would share the class that torch made for its tuned modules.
    """
    state = {name: value.clone() for name, value in clip.state_dict().items() if ".parametrizations." not in name}
    for path, module in clip.named_modules():
        if parametrize.is_parametrized(module):
            for name in cast(nn.ModuleDict, module.parametrizations):
                state[f"{path}.{name}".removeprefix("text.")] = getattr(module, name).clone()
    return assemble(clip.config, state).requires_grad_(False)


def _matrices(clip: CLIP, on_mlp: bool) -> Iterator[tuple[nn.Module, str, int]]:
    """Yield modules, the names of their matrices, and of how many matrices each consists."""
    for module in clip.modules():
        if isinstance(module, Attention):
            yield module, "in_proj_weight", 3
            yield module.out_proj, "weight", 1
        elif isinstance(module, AttentionPool2d):
            yield from ((part, "weight", 1) for part in (module.q_proj, module.k_proj, module.v_proj, module.c_proj))
        elif isinstance(module, MLP) and on_mlp:
            yield from ((part, "weight", 1) for part in (module.c_fc, module.c_proj))
