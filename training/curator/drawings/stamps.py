"""Tux Paint's stamps: beside each picture a text whose first line says in English what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.curator.drawings.drawing import Drawing

_FOLDER = "usr/share/tuxpaint/stamps"


def drawings(package: Path, _: Path) -> Iterator[Drawing]:
    """Yield the stamps, photos among them; some are SVGs."""
    folder = package / _FOLDER
    for text in sorted(folder.rglob("*.txt")):
        caption = text.read_text("utf-8", "replace").partition("\n")[0].strip()
        relative = text.relative_to(folder).with_suffix("")
        name, keywords = "_".join(relative.parts), relative.parts[:-1]
        if caption and (picture := text.with_suffix(".png")).is_file():
            yield Drawing(name, picture, caption, keywords)
        elif caption and (picture := text.with_suffix(".svg")).is_file():
            yield Drawing(name, picture.read_text("utf-8", "replace"), caption, keywords)
