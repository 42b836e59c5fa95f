"""A picture as the image tower takes it: upright, on white, squashed to a square, (x - 127) / 128."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

SIZE = 260


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Return the picture as float32 [3,260,260]."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        square = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return ((np.asarray(square, np.float32) - 127) / 128).transpose(2, 0, 1)
