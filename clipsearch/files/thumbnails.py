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
        scale = min(1.0, self.side / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        small = image.resize(size, Image.Resampling.HAMMING)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}.new")
        small.save(scratch, "JPEG", quality=82)
        scratch.replace(path)

    def remove(self, content_hash: str) -> None:
        """Forget the thumbnail of this content, if there is one."""
        self.path(content_hash).unlink(missing_ok=True)
