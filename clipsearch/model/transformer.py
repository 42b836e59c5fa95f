"""The pre-LN Transformer that the image and the text tower share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model.configs import Activation

Pick = Callable[[Tensor], Tensor]  # takes some positions: [n, l, width] -> [n, m, width]


class LayerNorm(nn.LayerNorm):
    """Layer normalisation in fp32, whatever the precision of its weights and of what comes in and goes out."""

    def forward(self, x: Tensor) -> Tensor:
        gain, bias = self.weight.float(), self.bias.float()
        return functional.layer_norm(x.float(), self.normalized_shape, gain, bias, self.eps).to(x.dtype)


def quick_gelu(x: Tensor) -> Tensor:
    """Approximate GELU by x sigmoid(1.702 x), as OpenAI's weights need it."""
    return x * torch.sigmoid(1.702 * x)


def gelu_tanh(x: Tensor) -> Tensor:
    """Approximate GELU by a tanh, as SigLIP's weights need it."""
    return functional.gelu(x, approximate="tanh")


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "quick_gelu": quick_gelu,
    "gelu_tanh": gelu_tanh,
}


class Attention(nn.Module):
    """Multi-head attention over `width` channels; one input projection makes queries, keys and values, in this order.

    Starts as `torch.nn.MultiheadAttention` does.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, causal: bool = False) -> Tensor:
        """Let each position of x [n, l, width] attend to all of them or, causally, to none after it."""
        query, key, value = functional.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        mixed: Tensor = self.out_proj(attend(query, key, value, self.heads, causal=causal))
        return mixed

    def read(self, x: Tensor, queries: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let queries [n, m, width] attend to x [n, l, width], where the mask bool [n, 1, m, l] allows it.

        Returns [n, m, width].
        """
        parts = zip((queries, x, x), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True)
        query, key, value = (functional.linear(part, weight, bias) for part, weight, bias in parts)
        mixed: Tensor = self.out_proj(attend(query, key, value, self.heads, mask=mask))
        return mixed


def attend(
    query: Tensor, key: Tensor, value: Tensor, heads: int, *, causal: bool = False, mask: Tensor | None = None
) -> Tensor:
    """Scaled dot-product attention of [n, m, width] to [n, l, width] in so many heads; returns [n, m, width]."""
    query, key, value = (split(part, heads) for part in (query, key, value))
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    return mixed.transpose(1, 2).flatten(2)


def split(x: Tensor, heads: int) -> Tensor:
    """Deal the channels of x [n, l, width] out to heads: [n, heads, l, width / heads]."""
    return x.view(x.shape[0], x.shape[1], heads, x.shape[2] // heads).transpose(1, 2)


class MLP(nn.Module):
    """Two linear maps with an activation between them."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, hidden)
        self.activation = ACTIVATIONS[activation]
        self.c_proj = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [..., width] to [..., width]."""
        mapped: Tensor = self.c_proj(self.activation(self.c_fc(x)))
        return mapped


class Block(nn.Module):
    """A residual block: attention, then an MLP, each behind its own LayerNorm."""

    def __init__(self, width: int, heads: int, hidden: int, activation: Activation, *, eps: float) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(width, eps)
        self.attn = Attention(width, heads)
        self.ln_2 = LayerNorm(width, eps)
        self.mlp = MLP(width, hidden, activation)

    def forward(self, x: Tensor, causal: bool = False, pick: Pick | None = None, mask: Tensor | None = None) -> Tensor:
        """Map x [n, l, width] to [n, l, width] or, without computing the rest, to the [n, m, width] that `pick` takes.

        Where some are picked, the mask bool [n, 1, m, l] says what they may see, and `causal` nothing.
        """
        normed = self.ln_1(x)
        attended = self.attn(normed, causal) if pick is None else self.attn.read(normed, pick(normed), mask)
        x = (x if pick is None else pick(x)) + attended
        mapped: Tensor = x + self.mlp(self.ln_2(x))
        return mapped


class Transformer(nn.Module):
    """A stack of blocks over x [n, l, width]."""

    def __init__(
        self, width: int, layers: int, heads: int, hidden: int, *, activation: Activation, eps: float, causal: bool
    ) -> None:
        super().__init__()
        self.causal = causal
        self.resblocks = nn.ModuleList(Block(width, heads, hidden, activation, eps=eps) for _ in range(layers))

    def forward(self, x: Tensor, pick: Pick | None = None, mask: Tensor | None = None) -> Tensor:
        """Map x [n, l, width] to [n, l, width] or to the [n, m, width] that `pick` takes.

        What is not picked is left out of the last block, five sixths of its work. In a causal stack the mask bool
        [n, 1, m, l] must say what the picked positions may see.
        """
        for block in self.resblocks[:-1]:
            x = block(x, self.causal)
        mapped: Tensor = self.resblocks[-1](x, self.causal, pick, mask)
        return mapped
