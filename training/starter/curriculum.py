"""Turns lessons into what the text tower is trained on: many wordings, and two things in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter import light
from training.starter.knowledge import Lesson, as_matrix

PLAIN = ("class", "noun", "concept")  # sources whose texts are names, which fit into templates
TEMPLATES = [
    "a photo of {}",
    "{} photo",
    "a picture of {}",
    "my {}",
    "{} outdoors",
    "{} in the background",
    "the {}",
    "some {}",
    "{} close up",
    "a nice {}",
    "two {}",
    "{} in the photo",
    "image of {}",
    "lots of {}",
    "an old {}",
    "a {} outside",
    "a small {}",
    "beautiful {}",
    "a {}",
]
IN_A_LIGHT = [
    "{} at night",
    "{} in the dark",
    "{} at sunset",
    "{} at dusk",
    "{} in the snow",
    "{} in winter",
    "{} in the fog",
    "{} under a blue sky",
    "black and white photo of {}",
    "{} in autumn",
    "red {}",
    "yellow {}",
    "green {}",
    "blue {}",
    "white {}",
    "black {}",
    "pink {}",
    "orange {}",
    "brown {}",
    "purple {}",
    "grey {}",
    "{} on the grass",
    "{} in the forest",
    "{} underwater",
    "{} on a sunny day",
    "{} on a cloudy day",
    "colourful {}",
]
TOGETHER = [
    "{} and {}",
    "{} with {}",
    "{} in {}",
    "{} on {}",
    "{} next to {}",
    "{}, {}",
    "{} in front of {}",
    "{} at {}",
]


@dataclass(frozen=True)
class Curriculum:
    """Texts and their targets: class shares [n,1000], moods [n,moods], weights [n]."""

    texts: list[str]
    shares: npt.NDArray[Any]
    moods: npt.NDArray[Any]
    weights: npt.NDArray[Any]


def write_curriculum(lessons: list[Lesson], rounds: int, mixtures: int, seed: int = 0) -> Curriculum:
    """Return the lessons as they are, `rounds` times in a random template, and `mixtures` random pairs of them."""
    rng = np.random.default_rng(seed)
    shares, weights = as_matrix(lessons), np.array([lesson.trust for lesson in lessons], np.float32)
    named = [index for index, lesson in enumerate(lessons) if lesson.source in PLAIN and len(lesson.text) < 40]
    once = [(lesson.text, index, index) for index, lesson in enumerate(lessons)]
    dressed = [(_dress(lessons[index].text, rng), index, index) for _ in range(rounds) for index in named]
    likely = np.array([lessons[index].trust * (1.5 if lessons[index].source == "concept" else 1) for index in named])
    drawn = rng.choice(named, size=(mixtures, 2), p=likely / likely.sum())
    paired = [
        (_join(lessons[first].text, lessons[second].text, rng), int(first), int(second)) for first, second in drawn
    ]
    rows = once + dressed + paired
    first, second = (np.array([row[column] for row in rows]) for column in (1, 2))
    texts = [row[0] for row in rows]
    return Curriculum(
        texts,
        0.6 * shares[first] + 0.4 * shares[second],
        np.stack([light.of_text(text) for text in texts]),
        np.sqrt(weights[first] * weights[second]),
    )


def _dress(text: str, rng: np.random.Generator) -> str:
    templates = IN_A_LIGHT if rng.random() < 0.4 else TEMPLATES
    return templates[rng.integers(len(templates))].format(text)


def _join(first: str, second: str, rng: np.random.Generator) -> str:
    return TOGETHER[rng.integers(len(TOGETHER))].format(first, second)
