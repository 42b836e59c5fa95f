"""Captions: what a scene holds, exactly, in short and in long and with its words in several orders."""

from __future__ import annotations

from random import Random

from training.scenes.content import Background, Content, Thing, Word
from training.scenes.parts import COUNTS, PLURALS, RELATIONS

_LEAD_INS = ("", "", "", "", "a picture of ", "a drawing of ", "an image of ", "here is ")
#: how the whole is put together, as often as it comes
_WHOLES = ("{0}",) * 9 + ("{0} on {1}",) * 5 + ("{0} in front of {1}",) * 2 + ("on {1}, {0}",) * 2 + ("a shape on {1}",)
_ONE = (
    *("a {colour} {shape}",) * 5,
    *("a {shape}",) * 4,
    *("a {size} {colour} {shape}", "a {size} {shape}") * 2,
    *("a {shape} that is {colour}", "a {shape} in {colour}"),
    *("a {colour} {shape} of {size} size", "a {size} {colour} shape", "a {size} {shape} in {colour}"),
)
_MANY = (
    *("{number} {colour} {shapes}",) * 4,
    *("{number} {shapes}",) * 3,
    *("{number} {shapes} in {colour}", "{number} {shapes}, all {colour}"),
    *("{number} of the same: {colour} {shapes}", "{colour} {shapes}, {number} of them"),
)
_TWO = (
    *("{one} {relation} {other}",) * 3,
    *("{other} {inverse} {one}",) * 3,
    *("{relation} {other} there is {one}", "{inverse} {one} there is {other}"),
    *("{one} and {other}", "{other} and {one}"),
)
_WRITTEN = (
    *("the word {text}",) * 3,
    *("the word {text} in {colour}",) * 2,
    *("{text} written in {colour}", "{colour} letters that say {text}", "a sign that says {text}"),
)
_LONGER = {"left of": "to the left of", "right of": "to the right of"}


def caption(content: Content, random: Random) -> str:
    """Say what is in a scene, in one of many ways; all that is said is true, and not all is said."""
    whole = random.choice(_WHOLES)
    text = whole.format(_subject(content, random), background(content.background, random.random() < 0.5))
    return text if whole.startswith("on ") or "there is" in text else random.choice(_LEAD_INS) + text


def background(ground: Background, brief: bool = False) -> str:
    """Name a background: "a striped blue background"; a plain one is briefly "a blue background"."""
    texture = "" if brief and ground.texture == "plain" else f"{ground.texture} "
    return f"a {texture}{ground.colour} background"


def named(thing: Thing, form: str = "a {colour} {shape}") -> str:
    """Fill a form with what a thing is, with "an" before a vowel."""
    return with_article(form.format(colour=thing.colour, shape=thing.shape, size=thing.size))


def counted(thing: Thing, number: int, form: str = "{number} {colour} {shapes}") -> str:
    """Fill a form with how many things there are and what they are."""
    shapes = PLURALS.get(thing.shape, f"{thing.shape}s")
    return form.format(number=COUNTS[number], colour=thing.colour, shapes=shapes)


def related(one: str, relation: str, other: str, form: str = "{one} {relation} {other}") -> str:
    """Fill a form with two phrases and how the first one's thing stands to the other's."""
    return form.format(one=one, other=other, relation=relation, inverse=RELATIONS[relation])


def with_article(phrase: str) -> str:
    """Turn a leading "a" into "an" where it must be."""
    return f"an {phrase[2:]}" if phrase.startswith("a ") and phrase[2] in "aeiou" else phrase


def _subject(content: Content, random: Random) -> str:
    if content.word:
        return _written(content.word, random)
    if content.relation:
        return _pair(content, random)
    if len(content.things) > 1:
        return counted(content.things[0], len(content.things), random.choice(_MANY))
    return named(content.things[0], random.choice(_ONE))


def _pair(content: Content, random: Random) -> str:
    forms = ["a {shape}" if random.random() < 0.3 else "a {colour} {shape}" for _ in content.things]
    one, other = map(named, content.things, forms)
    text = related(one, content.relation, other, random.choice(_TWO))
    if random.random() < 0.3:
        for short, long in _LONGER.items():
            text = text.replace(short, long)
    return text


def _written(word: Word, random: Random) -> str:
    return random.choice(_WRITTEN).format(text=word.text, colour=word.colour)
