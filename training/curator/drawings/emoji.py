"""Emoji, whose files are named after their code points, and what Unicode calls them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from training.curator.drawings.drawing import Drawing

_PICTURES = {".png", ".webp"}


def reader(place: str) -> Callable[[Path, Path], Iterator[Drawing]]:
    """Return who reads a package with a picture an emoji in the folder `place`, named as in 1f44b-1f3fb.png."""

    def drawings(package: Path, names: Path) -> Iterator[Drawing]:
        known = _names(names)
        for picture in sorted((package / place).iterdir()):
            label, keywords = known.get(_plain(picture.stem), ("", ()))
            if label and picture.suffix in _PICTURES:
                yield Drawing(picture.stem, picture, label, keywords)

    return drawings


def openmoji(package: Path, _: Path) -> Iterator[Drawing]:
    """Yield OpenMoji's drawings, which are SVGs, its own ones beyond Unicode's among them."""
    for entry in json.loads((package / "package/data/openmoji.json").read_text("utf-8")):
        picture = package / "package/color/svg" / f"{entry['hexcode']}.svg"
        tags = [tag.strip() for key in ("tags", "openmoji_tags") for tag in entry[key].split(",")]
        if picture.is_file():
            keywords = tuple(dict.fromkeys(filter(None, tags)))
            yield Drawing(picture.stem, picture.read_text("utf-8"), entry["annotation"], keywords)


def _names(package: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return label and keywords by code points, out of emojibase's English data."""
    known = {}
    for entry in json.loads((package / "package/en/data.json").read_text("utf-8")):
        for one in (entry, *entry.get("skins", ())):
            known[_plain(one["hexcode"])] = (one["label"], _keywords(entry))
    return known


def _keywords(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(entry.get("tags", ()))


def _plain(points: str) -> str:
    """Leave out of code points those that only ask for a coloured form, which file names hold or not, as well as
    the case and underscores between tags."""
    return "-".join(point for point in points.lower().replace("_", "-").split("-") if point != "fe0f")
