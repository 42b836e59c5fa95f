"""Stochastic rounding: what is too fine for a half-precision number is kept on average."""

from __future__ import annotations

import torch
from torch import Tensor

#: rows of half-precision statistics are scaled so that their largest value is this; fp16 ends at 65,504
FULL_SCALE = 2.0**14


def round_stochastically(x: Tensor, dtype: torch.dtype, generator: torch.Generator | None = None) -> Tensor:
    """Round float32 x to one of its two neighbours in `dtype` (fp16, bf16), so that the expectation is x.

    The nearer neighbour is the likelier one; what `dtype` has is kept as it is, also infinities and NaN. Values
    beyond its range become its largest. The paper trains its text tower so (section 2.5).
    """
    limits = torch.finfo(dtype)
    _, exponent = torch.frexp(x)
    smallest = torch.tensor(limits.smallest_normal, device=x.device)
    binade = torch.ldexp(torch.ones_like(x), exponent - 1).clamp_min(smallest)
    step = torch.where(torch.isfinite(x), binade * limits.eps, 1.0)
    noise = torch.rand(x.shape, generator=generator, device=x.device)
    rounded = torch.where(torch.isfinite(x), (torch.floor(x / step + noise) * step).clamp(limits.min, limits.max), x)
    return rounded.to(dtype)


def pack(x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Store float32 x [rows, ...] in half: float16 of the same shape, and a float32 scale a row [rows, 1, ...].

    The scale brings a row's largest value near the upper end of fp16, so that 2^38 lies between it and the smallest
    value that is not lost; rounding is stochastic. The scale is a normal number, also where values decay to nothing.
    """
    largest = x.abs().amax(dim=tuple(range(1, x.ndim)), keepdim=True)
    scale = (largest / FULL_SCALE).clamp_min(torch.finfo(torch.float32).smallest_normal)
    return round_stochastically(x / scale, torch.float16, generator), scale


def unpack(half: Tensor, scale: Tensor) -> Tensor:
    """Return the float32 values that `pack` stored."""
    return half.float() * scale
