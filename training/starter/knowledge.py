"""Texts and the ImageNet classes that photos of them excite: what the text tower is taught.

Two sources: the class names with their WordNet neighbourhood, and data/concepts.tsv, written by hand for what no class
names (people, scenes, events, light).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter.imagenet import ImageClass
from training.starter.wordnet import Noun, WordNet, classes_below

CONCEPTS = Path(__file__).parent / "data" / "concepts.tsv"


@dataclass(frozen=True)
class Lesson:
    """A text, the share of each class in photos of it (index -> share, adding up to 1), and how far to trust that."""

    text: str
    classes: dict[int, float]
    trust: float
    source: str


def read_concepts(path: Path, wordnet: WordNet, classes: list[ImageClass]) -> list[Lesson]:
    """Return the lessons of concepts.tsv. Raises ValueError at a class name that no class bears."""
    index_of = class_indices(wordnet, classes)
    lessons = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        text, _, answers = line.partition("\t")
        shares: dict[int, float] = {}
        for answer in answers.split(", "):
            name, _, weight = answer.rpartition(":")
            if name not in index_of:
                raise ValueError(f"{path.name}: no class is called {name!r} (in {text!r})")
            shares[index_of[name]] = float(weight)
        lessons.append(Lesson(text, normalised(shares), 2.0, "concept"))
    return lessons


def class_indices(wordnet: WordNet, classes: list[ImageClass]) -> dict[str, int]:
    """Return the index of each class by its first lemma, and by lemma#id (which tells shared lemmas apart)."""
    lemmas = [wordnet.nouns[entry.offset].lemmas[0] for entry in classes]
    shared = Counter(lemmas)
    index_of = {
        f"{lemma}#n{entry.offset}": index for index, (lemma, entry) in enumerate(zip(lemmas, classes, strict=True))
    }
    index_of |= {lemma: index for index, lemma in enumerate(lemmas) if shared[lemma] == 1}
    return index_of


def normalised(shares: dict[int, float]) -> dict[int, float]:
    total = sum(shares.values())
    return {index: share / total for index, share in shares.items()}


def uniform(classes: list[int]) -> dict[int, float]:
    return dict.fromkeys(classes, 1 / len(classes))


def class_lessons(classes: list[ImageClass]) -> list[Lesson]:
    """Return every class's names and the sentences of its description."""
    lessons = []
    for index, entry in enumerate(classes):
        lessons += [Lesson(name, {index: 1.0}, 1.0, "class") for name in dict.fromkeys([entry.name, *entry.names])]
        for sentence in re.split(r"(?<=[.;])\s+", entry.description):
            if len(sentence) > 20:
                lessons.append(Lesson(f"{entry.name}: {sentence}", {index: 1.0}, 0.3, "description"))
    return lessons


def noun_lessons(wordnet: WordNet, classes: list[ImageClass], most: int = 400) -> list[Lesson]:
    """Return the lemmas and glosses of all nouns that have ImageNet classes below them (not of the vaguest nouns)."""
    below = classes_below(wordnet, [entry.offset for entry in classes])
    lessons = []
    for offset, members in below.items():
        if len(members) > most:
            continue
        noun = wordnet.nouns[offset]
        shares = uniform(sorted(set(members)))
        lessons += [Lesson(lemma, shares, _sense_trust(wordnet, lemma, noun), "noun") for lemma in noun.lemmas]
        lessons.append(Lesson(_meaning(noun), shares, 0.3, "gloss"))
    return lessons


def _sense_trust(wordnet: WordNet, lemma: str, noun: Noun) -> float:
    """A lemma's first sense is what people mean by it, as a rule."""
    return {0: 1.0, 1: 0.3}.get(wordnet.sense_rank(lemma, noun.offset), 0.1)


def _meaning(noun: Noun) -> str:
    """Return the gloss without its quoted examples."""
    return noun.gloss.split('; "')[0]


def as_matrix(lessons: list[Lesson], classes: int = 1000) -> npt.NDArray[Any]:
    """Return the class shares as float32 [lessons,classes]."""
    matrix = np.zeros((len(lessons), classes), np.float32)
    for row, lesson in enumerate(lessons):
        matrix[row, list(lesson.classes)] = list(lesson.classes.values())
    return matrix
