"""Values that configurations write in several ways; ValueError or TypeError for what is none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def square(size: Any) -> int:
    """Return the side of a square given as one number, [height, width] or {"height", "width"}; else ValueError."""
    sides = list(size.values()) if isinstance(size, Mapping) else size if isinstance(size, list) else [size]
    if len(set(sides)) != 1:
        raise ValueError(f"its pictures or patches are not square ({size})")
    return int(sides[0])


def colours(values: Any) -> tuple[float, float, float]:
    """Return one number for red, green and blue each."""
    red, green, blue = values
    return float(red), float(green), float(blue)


def one_of(value: Any, *known: str) -> Any:
    """Return a word that must be one of these; else ValueError."""
    if value not in known:
        raise ValueError(f"“{value}” is not one of {', '.join(known)}")
    return value
