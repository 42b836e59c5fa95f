"""The outlines of the shapes, within a circle of radius 1 or little more; y points down."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Final

Outline = tuple[tuple[float, float], ...]
Part = tuple[Outline, bool]  # filled, or cut out of what was filled before

_CORNERS = 28  # of what is round


def _oval(x: float = 0.0, y: float = 0.0, across: float = 1.0, down: float = 1.0) -> Outline:
    turns = [2 * pi * corner / _CORNERS for corner in range(_CORNERS)]
    return tuple((x + across * cos(turn), y + down * sin(turn)) for turn in turns)


def _disc(x: float, y: float, radius: float) -> Outline:
    return _oval(x, y, radius, radius)


def _star() -> Outline:
    turns = [(pi * corner / 5 - pi / 2, 1.0 if corner % 2 == 0 else 0.42) for corner in range(10)]
    return tuple((radius * cos(turn), radius * sin(turn)) for turn, radius in turns)


def _heart() -> Outline:
    """The usual curve of sines and cosines, 16 units wide to each side."""
    turns = [2 * pi * corner / 40 for corner in range(40)]
    return tuple((sin(t) ** 3, -(13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) / 16 - 0.1) for t in turns)


def _flower() -> Outline:
    turns = [2 * pi * corner / 60 for corner in range(60)]
    return tuple(((0.72 + 0.3 * cos(6 * t)) * cos(t), (0.72 + 0.3 * cos(6 * t)) * sin(t)) for t in turns)


def _drop() -> Outline:
    round_part = [(0.65 * cos(pi * k / 20), 0.3 + 0.65 * sin(pi * k / 20)) for k in range(-2, 23)]
    return (*round_part, (0.0, -1.0))


def _box(left: float, top: float, right: float, bottom: float) -> Outline:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


OUTLINES: Final[dict[str, tuple[Part, ...]]] = {
    "circle": ((_oval(across=0.9, down=0.9), True),),
    "square": ((_box(-0.8, -0.8, 0.8, 0.8), True),),
    "triangle": ((((0.0, -0.95), (0.95, 0.75), (-0.95, 0.75)), True),),
    "star": ((_star(), True),),
    "heart": ((_heart(), True),),
    "cross": ((_box(-0.32, -0.95, 0.32, 0.95), True), (_box(-0.95, -0.32, 0.95, 0.32), True)),
    "ring": ((_oval(), True), (_disc(0, 0, 0.6), False)),
    "moon": ((_oval(), True), (_disc(0.5, -0.15, 0.8), False)),
    "arrow": (
        (
            *((((-1.0, -0.25), (0.15, -0.25), (0.15, -0.75), (1.0, 0.0), (0.15, 0.75), (0.15, 0.25), (-1.0, 0.25))),),
            True,
        ),
    ),
    "drop": ((_drop(), True),),
    "cloud": (
        (_disc(-0.58, 0.2, 0.42), True),
        (_disc(0.05, -0.15, 0.58), True),
        (_disc(0.62, 0.25, 0.38), True),
        (_box(-0.58, 0.1, 0.62, 0.62), True),
    ),
    "flower": ((_flower(), True), (_disc(0, 0, 0.22), False)),
    "bolt": ((((0.2, -1.0), (-0.6, 0.15), (-0.05, 0.15), (-0.3, 1.0), (0.6, -0.3), (0.05, -0.3), (0.55, -1.0)), True),),
    "house": (
        (((0.0, -1.0), (0.95, -0.15), (0.7, -0.15), (0.7, 0.85), (-0.7, 0.85), (-0.7, -0.15), (-0.95, -0.15)), True),
        (_box(-0.2, 0.25, 0.2, 0.85), False),
    ),
    "fish": ((_oval(0.2, 0, 0.75, 0.5), True), (((-0.35, 0.0), (-1.0, -0.6), (-1.0, 0.6)), True)),
    "crown": ((((-0.9, 0.7), (-0.95, -0.6), (-0.45, 0.0), (0.0, -0.85), (0.45, 0.0), (0.95, -0.6), (0.9, 0.7)), True),),
}
