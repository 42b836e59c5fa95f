"""The generated benchmark: rendered scenes with exact captions, endless and seeded, with held-out combinations.

A training scene is one thing, two to five alike, two in a relation, or a written word, on a background; see `parts` for
what there is and what is held out. All parts of a held-out combination are shown in training, the combination never.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from training.data.pairs import Pair
from training.scenes.captions import caption
from training.scenes.content import Content, imagine
from training.scenes.drawing import draw
from training.scenes.parts import HELD_OUT_ASPECTS
from training.scenes.questions import ASPECTS, exams, held_out

__all__ = ["ASPECTS", "SIZE", "exams", "held_out", "scene", "texts"]

SIZE = 64  # pixels a side


def scene(seed: int, index: int, held_out: bool = False, size: int = SIZE) -> Pair:
    """Return a picture, RGB of size x size pixels, and a caption: always the same for the same arguments.

    Held-out scenes hold out one aspect each, in turns.
    """
    aspect = HELD_OUT_ASPECTS[index % len(HELD_OUT_ASPECTS)] if held_out else None
    random = Random(f"{'held out' if held_out else 'training'} {seed} {index}")
    content, text = _told(random, aspect)
    key = f"scene-{seed}-{index}" + ("-held-out" if held_out else "")
    return Pair(draw(content, random, size), text, key)


def texts(seed: int, count: int) -> Iterator[str]:
    """Yield the captions of the first training scenes, without drawing them."""
    for index in range(count):
        yield _told(Random(f"training {seed} {index}"), None)[1]


def _told(random: Random, aspect: str | None) -> tuple[Content, str]:
    content = imagine(random, aspect)
    return content, caption(content, random)
