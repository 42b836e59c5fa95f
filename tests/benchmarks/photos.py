"""Photographs for the benchmarks: 12-megapixel JPEGs with the grain that makes real ones slow to decode."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

_DISTINCT = 8


def write_photos(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write `count` JPEGs of 4000 x 3000 pixels, about 5 MB each, no two with the same content.

    A few distinct pictures are repeated with a different comment after the end of the image, which changes what the
    file is but not what it costs to decode.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [_noisy_jpeg(seed + number) for number in range(min(count, _DISTINCT))]
    paths = [folder / f"{number:05}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(pictures[number % len(pictures)] + f"photo {number}".encode())
    if hasattr(os, "sync"):
        os.sync()  # else the system is still writing them while they are read
    return paths


def _noisy_jpeg(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    blotches = Image.fromarray(random.integers(0, 255, (60, 80, 3), dtype=np.uint8))
    smooth = np.asarray(blotches.resize((4000, 3000), Image.Resampling.BICUBIC), np.float32)
    grain = random.standard_normal((3000, 4000, 3), np.float32) * 12
    stream = BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()
