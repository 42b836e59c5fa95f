"""Questions about held-out combinations: pictures that hold one, and the texts among which a model must choose.

| aspect | held out | asked among |
|---|---|---|
| object | a colour with a shape | all 192 pairs of colour and shape |
| size | a size with a colour | three sizes of the thing that is shown |
| count | a number with a shape | four numbers of the things that are shown |
| background | a texture with a colour | all 40 pairs of texture and colour |
| word | a word with the colour of its letters | all 16 words |
| relation | a relation with two shapes | three relations of the things that are shown |
| order | the same | the relation, and the same words with the two things exchanged |

"order" is what no bag of words can answer: both texts hold the same words, and each is as often the right one.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from training.evaluation.exams import Exam, Question
from training.scenes.captions import background, counted, named, related
from training.scenes.content import Background, Content, Thing, imagine
from training.scenes.drawing import draw
from training.scenes.parts import COLOURS, COUNTS, GROUNDS, RELATIONS, SHAPES, SIZES, TEXTURES, WORDS

Asked = tuple[tuple[str, ...], int, str]  # the classes, the place of the right one among them, and its name

_TEMPLATES = ("{}", "a picture of {}", "a drawing of {}")
_ON_TEMPLATES = tuple(template.format("a shape on {}") for template in _TEMPLATES)
_OBJECTS = tuple(named(Thing(colour, shape)) for colour in COLOURS for shape in SHAPES)
_BACKGROUNDS = tuple(background(Background(texture, colour)) for texture in TEXTURES for colour in GROUNDS)
_WORDS = tuple(f"the word {word}" for word in WORDS)


def held_out(count: int, seed: int, aspect: str = "object", size: int = 64) -> Exam:
    """Return `count` questions of one aspect, always the same for a seed. Raises KeyError for an unknown aspect."""
    questions = [_question(aspect, seed, index, size) for index in range(count)]
    return Exam(aspect, _ON_TEMPLATES if aspect == "background" else _TEMPLATES, questions)


def exams(count: int, seed: int, size: int = 64) -> list[Exam]:
    """Return an exam for each of ASPECTS, with `count` questions in all, as equally spread as can be."""
    shares = [len(range(place, count, len(ASPECTS))) for place in range(len(ASPECTS))]
    return [held_out(share, seed, aspect, size) for aspect, share in zip(ASPECTS, shares, strict=True)]


def _question(aspect: str, seed: int, index: int, size: int) -> Question:
    random = Random(f"question {aspect} {seed} {index}")
    content = imagine(random, "relation" if aspect == "order" else aspect)
    classes, answer, label = _ASKED[aspect](content, random)
    return Question(draw(content, random, size), classes, answer, label)


def _object(content: Content, random: Random) -> Asked:
    name = named(content.things[0])
    return _OBJECTS, _OBJECTS.index(name), name


def _size(content: Content, random: Random) -> Asked:
    shown = content.things[0]
    classes = tuple(named(Thing(shown.colour, shown.shape, size), "a {size} {colour} {shape}") for size in SIZES)
    return classes, SIZES.index(shown.size), f"{shown.size} {shown.colour}"


def _count(content: Content, random: Random) -> Asked:
    shown, number = content.things[0], len(content.things)
    return tuple(counted(shown, one) for one in COUNTS), list(COUNTS).index(number), f"{number} {shown.shape}"


def _background(content: Content, random: Random) -> Asked:
    name = background(content.background)
    return _BACKGROUNDS, _BACKGROUNDS.index(name), name


def _word(content: Content, random: Random) -> Asked:
    assert content.word is not None
    return _WORDS, WORDS.index(content.word.text), content.word.text


def _relation(content: Content, random: Random) -> Asked:
    one, other = (named(thing) for thing in content.things)
    classes = tuple(related(one, name, other) for name in RELATIONS)
    return classes, list(RELATIONS).index(content.relation), content.relation


def _order(content: Content, random: Random) -> Asked:
    one, other = (named(thing) for thing in content.things)
    right, wrong = related(one, content.relation, other), related(other, content.relation, one)
    classes, answer = ((right, wrong), 0) if random.random() < 0.5 else ((wrong, right), 1)
    return classes, answer, content.relation


_ASKED: dict[str, Callable[[Content, Random], Asked]] = {
    "object": _object,
    "size": _size,
    "count": _count,
    "background": _background,
    "word": _word,
    "relation": _relation,
    "order": _order,
}
ASPECTS = tuple(_ASKED)
