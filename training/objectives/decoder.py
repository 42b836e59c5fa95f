"""A causal Transformer that looks at a picture while it reads a text: what language models of pictures are built of."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from clipsearch.model import CLIPConfig
from clipsearch.model.configs import Activation
from clipsearch.model.text import initialise
from clipsearch.model.transformer import Attention, Block, LayerNorm, Pick


class ReadingBlock(Block):
    """A residual block with a second attention between its two parts: to what a picture shows."""

    def __init__(self, width: int, heads: int, hidden: int, activation: Activation, *, eps: float) -> None:
        super().__init__(width, heads, hidden, activation, eps=eps)
        self.ln_read = LayerNorm(width, eps)
        self.reading = Attention(width, heads)

    def forward(  # type: ignore[override]
        self, x: Tensor, memory: Tensor, pick: Pick | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Map x [n m, l, width], m texts for each picture in turn, with the memory [n, p, width]: [n m, l, width]."""
        x = x + self.attn(self.ln_1(x), causal=True)
        queries = self.ln_read(x).reshape(len(memory), -1, x.shape[2])
        x = x + self.reading.read(memory, queries).reshape(x.shape)
        mapped: Tensor = x + self.mlp(self.ln_2(x))
        return mapped


class Decoder(nn.Module):
    """As many blocks as the text tower has, each of its size; "Attention Is All You Need" (arXiv 1706.03762), 3.1."""

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        text, eps = config.text, config.norm_eps
        size = (text.width, text.heads, text.mlp_width, text.activation or config.activation)
        self.resblocks = nn.ModuleList(ReadingBlock(*size, eps=eps) for _ in range(text.layers))
        self.ln_final = LayerNorm(text.width, eps)
        self.apply(partial(initialise, depth=text.layers))

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Map x [n m, l, width], m texts for each picture in turn, with the memory [n, p, width]: [n m, l, width]."""
        for block in self.resblocks:
            x = block(x, memory)
        states: Tensor = self.ln_final(x)
        return states


class Memory(nn.Module):
    """What a decoder sees of pictures: their patches or cells and, where it is wanted, their feature before them."""

    def __init__(self, config: CLIPConfig, *, feature: bool) -> None:
        super().__init__()
        width = config.text.width
        self.from_patches = nn.Linear(config.vision.patch_width, width)
        self.from_feature = nn.Linear(config.embed_dim, width) if feature else None
        self.ln = LayerNorm(width, config.norm_eps)

    def forward(self, features: Tensor, patches: Tensor) -> Tensor:
        """Map features [n, d] and patches [n, p, patch width] to [n, p or p + 1, text width]."""
        seen = self.from_patches(patches.float())
        if self.from_feature is not None:
            seen = torch.cat([self.from_feature(features.float()).unsqueeze(1), seen], dim=1)
        memory: Tensor = self.ln(seen)
        return memory
