"""Positional embeddings for pictures of another size than the model was trained on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.model.configs import VisionConfig

IMAGE_POSITIONS = ("visual.positional_embedding", "visual.attnpool.positional_embedding")


def fit_positions(state: dict[str, Tensor], vision: VisionConfig) -> dict[str, Tensor]:
    """Return these weights (native keys) with the image positions resized to what the tower needs."""
    extra = vision.positions - vision.grid**2
    fitted = {key: resize_positions(state[key], vision.grid, extra) for key in IMAGE_POSITIONS if key in state}
    return state | fitted


def resize_positions(positions: Tensor, grid: int, extra: int) -> Tensor:
    """Resize positions [extra + g * g, width] of a square grid to [extra + grid * grid, width].

    Bicubic with antialiasing and corners not aligned, as OpenCLIP does; the first `extra` (a class token) stay.
    Positions that are no square come back as they are.
    """
    kept, square = positions[:extra], positions[extra:]
    side = math.isqrt(len(square))
    if side == grid or side * side != len(square):
        return positions
    picture = square.float().T.reshape(1, -1, side, side)
    resized = functional.interpolate(picture, (grid, grid), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([kept, resized.squeeze(0).flatten(1).T.to(positions.dtype)])
