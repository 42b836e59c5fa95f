"""What a model is asked: pictures, each with the classes among which it must choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

Picture = Path | Image.Image  # a file, or upright and RGB


@dataclass(frozen=True, slots=True)
class Question:
    """A picture, its classes and the place of the right one among them; `label` is what it counts to in means."""

    picture: Picture
    classes: tuple[str, ...]
    answer: int
    label: str


@dataclass(frozen=True, slots=True)
class Exam:
    """Questions about one aspect; each class is put in each of the templates."""

    aspect: str
    templates: tuple[str, ...]
    questions: Sequence[Question]

    @property
    def chance(self) -> float:
        """What guessing scores: the mean of one over the number of classes, 0 without questions."""
        shares = [1 / len(question.classes) for question in self.questions]
        return sum(shares) / len(shares) if shares else 0.0
