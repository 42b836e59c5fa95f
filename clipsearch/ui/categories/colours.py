"""The colours of categories: the user's choice, or one of twelve that tell neighbours apart in light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtGui import QColor

from clipsearch.records import Category

COLOURS = (
    "#d9534f",
    "#e08a2e",
    "#c9a617",
    "#7fa82c",
    "#3a9d5d",
    "#2a9d9a",
    "#3c8fd0",
    "#5b74d8",
    "#8a63c9",
    "#b857a6",
    "#c95b7c",
    "#8c7365",
)


_STEP = 5  # so that categories made one after another are far from each other
_LIGHTER, _DARKER = 135, 140  # per cent
_NEAR = 40.0  # colours that are nearer look the same


def colours_of(categories: Iterable[Category]) -> dict[int, QColor]:
    """Return the colours of all categories' dots, by category.

    Without one that the user has chosen, a category has the next that no other has, going by its number; when all are
    taken, that which is farthest from them, of lighter and darker ones, too; when those are taken as well, any.
    """
    categories = sorted(categories, key=lambda category: category.id)
    free = _Free()
    found = {one.id: QColor(one.colour) for one in categories if QColor(one.colour).isValid()}
    for colour in found.values():
        free.take(colour)
    for category in categories:
        if category.id not in found:
            found[category.id] = free.next(category.id)
            free.take(found[category.id])
    return found


class _Free:
    """How far each colour on offer is from the nearest that is taken."""

    def __init__(self) -> None:
        usual = [QColor(name) for name in COLOURS]
        shades = [colour.lighter(_LIGHTER) for colour in usual] + [colour.darker(_DARKER) for colour in usual]
        self._colours = [*usual, *shades]
        self._distances = [math.inf] * len(self._colours)

    def next(self, number: int) -> QColor:
        """Return the colour for a category of this number."""
        for step in range(len(COLOURS)):
            place = _STEP * (number + step) % len(COLOURS)
            if self._distances[place] > _NEAR:
                return self._colours[place]
        farthest = max(range(len(self._colours)), key=self._distances.__getitem__)
        return self._colours[farthest if self._distances[farthest] else _STEP * number % len(self._colours)]

    def take(self, colour: QColor) -> None:
        pairs = zip(self._colours, self._distances, strict=True)
        self._distances = [min(distance, _distance(one, colour)) for one, distance in pairs]


def _distance(one: QColor, other: QColor) -> float:
    """Return about how different two colours look: up to some 765; by the weights of www.compuphase.com/cmetric.htm."""
    red = (one.red() + other.red()) / 2
    differences = one.red() - other.red(), one.green() - other.green(), one.blue() - other.blue()
    weights = 2 + red / 256, 4, 2 + (255 - red) / 256
    return math.sqrt(sum(weight * difference**2 for weight, difference in zip(weights, differences, strict=True)))
