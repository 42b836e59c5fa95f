"""What is in a scene: imagined at random, of one kind, with the combinations that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from training.scenes.parts import (
    COLOURS,
    COUNTS,
    GROUNDS,
    HELD_OUT,
    HELD_OUT_ASPECTS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    WORDS,
    Combination,
    contrasts,
    relation,
)


@dataclass(frozen=True, slots=True)
class Background:
    texture: str
    colour: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A shape; `size` is "" where the scene is not about it."""

    colour: str
    shape: str
    size: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    colour: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """One thing, several alike, two of which the first stands in `relation` to the second, or a written word."""

    background: Background
    things: tuple[Thing, ...] = ()
    relation: str = ""
    word: Word | None = None


_ON_GROUND: Final = {
    ground: tuple(colour for colour in COLOURS if colour != ground and contrasts(COLOURS[colour], GROUNDS[ground]))
    for ground in GROUNDS
}
_ON_THING: Final = {
    under: frozenset(colour for colour in COLOURS if contrasts(COLOURS[colour], COLOURS[under])) for under in COLOURS
}
_GROUNDS: Final = tuple(GROUNDS)
_COUNTS: Final = tuple(COUNTS)
_RELATIONS: Final = tuple(RELATIONS)
_TEXTURES: Final = TEXTURES[:1] * 3 + TEXTURES[1:]  # plain more often than each of the others
#: kinds as often as they come in training, and those in which a held-out combination of each aspect can come
_KINDS: Final = ("object",) * 8 + ("count",) * 4 + ("relation",) * 6 + ("word",) * 2
_KINDS_FOR: Final = {aspect: (aspect,) for aspect in HELD_OUT_ASPECTS} | {
    "size": ("object",),
    "background": ("object", "count"),
}


def imagine(random: Random, aspect: str | None = None) -> Content:
    """Imagine a scene for training or, given an aspect, one in which just this aspect is held out."""
    wanted, kinds = ({aspect}, _KINDS_FOR[aspect]) if aspect else (set[str](), _KINDS)
    kind = random.choice(kinds)
    while True:  # more than a quarter of what is drawn is for training, one in thirty or more for any aspect
        content = _any(random, kind)
        if {combination[0] for combination in combinations_of(content) if combination in HELD_OUT} == wanted:
            return content


def combinations_of(content: Content) -> Iterator[Combination]:
    """Yield what the scene combines, of all aspects."""
    yield ("background", content.background.texture, content.background.colour)
    for thing in content.things[:2]:
        yield ("object", thing.colour, thing.shape)
        if thing.size:
            yield ("size", thing.size, thing.colour)
    if content.word:
        yield ("word", content.word.text, content.word.colour)
    if content.relation:
        yield relation(content.relation, content.things[0].shape, content.things[1].shape)
    elif len(content.things) > 1:
        yield ("count", COUNTS[len(content.things)], content.things[0].shape)


def _any(random: Random, kind: str) -> Content:
    background = Background(random.choice(_TEXTURES), random.choice(_GROUNDS))
    colour = random.choice(_ON_GROUND[background.colour])
    if kind == "word":
        return Content(background, word=Word(colour, random.choice(WORDS)))
    if kind == "relation":
        return _two(random, background, colour)
    if kind == "count":
        return Content(background, (Thing(colour, random.choice(SHAPES)),) * random.choice(_COUNTS))
    return Content(background, (Thing(colour, random.choice(SHAPES), random.choice(SIZES)),))


def _two(random: Random, background: Background, colour: str) -> Content:
    """Imagine two things of different shapes; both can be told from the background and, inside, from each other."""
    name, shapes = random.choice(_RELATIONS), random.sample(SHAPES, 2)
    others = [other for other in _ON_GROUND[background.colour] if name != "inside" or other in _ON_THING[colour]]
    return Content(background, (Thing(colour, shapes[0]), Thing(random.choice(others), shapes[1])), name)
