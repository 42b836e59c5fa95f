"""What scenes are made of, and which combinations of it are never shown in training though each part is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product
from typing import Final

Combination = tuple[str, ...]  # aspect, then parts: ("object", "red", "star")
Colour = tuple[int, int, int]

COLOURS: Final[dict[str, Colour]] = {
    "red": (220, 40, 40),
    "orange": (245, 140, 20),
    "yellow": (250, 222, 40),
    "green": (40, 160, 60),
    "turquoise": (50, 205, 200),
    "blue": (40, 80, 220),
    "purple": (135, 50, 170),
    "pink": (250, 140, 190),
    "brown": (125, 75, 35),
    "black": (25, 25, 25),
    "grey": (115, 115, 115),
    "teal": (0, 110, 110),
}
#: pale, so that things are darker than what they lie on: on backgrounds of all tones, shapes are learned far later
GROUNDS: Final[dict[str, Colour]] = {
    "red": (247, 172, 172),
    "yellow": (253, 244, 170),
    "green": (172, 222, 180),
    "turquoise": (170, 238, 236),
    "blue": (170, 186, 244),
    "purple": (208, 172, 224),
    "grey": (200, 200, 200),
    "white": (248, 248, 248),
}
TEXTURES = ("plain", "shaded", "striped", "checked", "dotted")
SHAPES = (
    *("circle", "square", "triangle", "star", "heart", "cross", "ring", "moon"),
    *("arrow", "drop", "cloud", "flower", "bolt", "house", "fish", "crown"),
)
PLURALS = {"cross": "crosses", "fish": "fish"}  # all others take an s
SIZES = ("small", "medium", "large")
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}
RELATIONS = {"left of": "right of", "above": "below", "inside": "around"}  # and how the second stands to the first
WORDS = (
    *("open", "exit", "taxi", "cafe", "milk", "sale", "stop", "hello"),
    *("north", "music", "pizza", "bank", "hotel", "jazz", "kiwi", "lamp"),
)
#: what is held out; "relation" is asked in two ways, see `questions`
HELD_OUT_ASPECTS = ("object", "size", "count", "background", "word", "relation")

_LEAST_CONTRAST = 110  # distance in RGB between two colours that lie on each other


def contrasts(one: Colour, other: Colour) -> bool:
    """Tell whether a thing of one colour can be seen on the other."""
    distances = ((a - b) ** 2 for a, b in zip(one, other, strict=True))
    return sum(distances) > _LEAST_CONTRAST**2


def relation(name: str, one: str, other: str) -> Combination:
    """Name a relation of two shapes, whichever of them comes first."""
    return ("relation", name, *sorted((one, other)))


def _every(aspect: str, *parts: Iterable[str], step: int, of: int) -> set[Combination]:
    """Take the combinations of two lists whose places, the first one times `step`, add up to a multiple of `of`."""
    places = product(*(enumerate(part) for part in parts))
    return {(aspect, one, other) for (i, one), (j, other) in places if (step * i + j) % of == 0}


def _relations() -> set[Combination]:
    """Take one of the relations from three quarters of all pairs of shapes; a quarter keeps them all."""
    names = (*RELATIONS, None)
    pairs = combinations(enumerate(SHAPES), 2)
    chosen = ((names[(i + j) % len(names)], one, other) for (i, one), (j, other) in pairs)
    return {relation(name, one, other) for name, one, other in chosen if name is not None}


#: A quarter of the objects, counts, backgrounds and words, a sixth of the sizes, a quarter of the relations. Each part
#: is in others that are shown.
HELD_OUT: Final[frozenset[Combination]] = frozenset(
    _every("object", COLOURS, SHAPES, step=1, of=4)
    | _every("size", SIZES, COLOURS, step=2, of=6)
    | _every("count", COUNTS.values(), SHAPES, step=1, of=4)
    | _every("background", TEXTURES, GROUNDS, step=1, of=4)
    | _every("word", WORDS, COLOURS, step=1, of=4)
    | _relations()
)
