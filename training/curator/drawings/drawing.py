"""A drawing of a package: a picture's file, or an SVG to be rendered, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Drawing:
    """`picture` is a file, or the text of an SVG; `name` is unique in its package and fit for a file's name."""

    name: str
    picture: Path | str
    caption: str
    keywords: tuple[str, ...] = ()
