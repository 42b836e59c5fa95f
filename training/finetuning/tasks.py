"""What is learned and how well: classes, or pairs of pictures and texts."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from training.finetuning.pictures import Pictures
from training.finetuning.towers import Towers, Words
from training.finetuning.tunable import Tuning

LEAST_SCALE = 5.0  # below, hardly anything that tuning changes would change the probabilities
_HALVINGS = 30


class Score(NamedTuple):
    """How well a model does on some pictures, to be compared: the share of right answers, then minus the loss."""

    accuracy: float
    minus_loss: float


@dataclass(frozen=True)
class Task(ABC):
    """Texts, and pictures with the number of their text: to learn from, to choose by and to report on."""

    words: Words
    train: Pictures
    validation: Pictures
    test: Pictures

    @abstractmethod
    def loss(self, tuning: Tuning, pictures: Pictures, rows: Tensor) -> Tensor:
        """Return what is minimised over these pictures, a scalar with gradients."""

    @abstractmethod
    def accuracy(self, tuning: Tuning, pictures: Pictures) -> float:
        """Return the share of right answers, 0..1."""

    @torch.no_grad()
    def score(self, tuning: Tuning, pictures: Pictures) -> Score:
        """Measure all of these pictures."""
        loss = float(self.loss(tuning, pictures, torch.arange(len(pictures))))
        return Score(self.accuracy(tuning, pictures), -torch.inf if math.isnan(loss) else -loss)


@dataclass(frozen=True)
class Classes(Task):
    """Each picture among all classes: softmax over the cosines with the classes' vectors, times `scale`.

    This is the contrastive objective from picture to text, but with every class as a candidate once: a batch has no two
    texts that are the same, and may be as small as one likes. Without a scale it is the model's.
    """

    scale: float | None = None

    def loss(self, tuning: Tuning, pictures: Pictures, rows: Tensor) -> Tensor:
        scale = tuning.towers.scale if self.scale is None else self.scale
        logits = scale * tuning.images(pictures, rows) @ tuning.texts(self.words).T
        return functional.cross_entropy(logits, pictures.labels[rows].to(logits.device))

    def accuracy(self, tuning: Tuning, pictures: Pictures) -> float:
        return class_accuracy(tuning, self.words, pictures)


class Pairs(Task):
    """The contrastive objective within a batch (paper, figure 3); pictures with one text are all right for it."""

    def loss(self, tuning: Tuning, pictures: Pictures, rows: Tensor) -> Tensor:
        labels = pictures.labels[rows]
        logits = tuning.towers.scale * tuning.images(pictures, rows) @ tuning.texts(self.words, labels).T
        right = (labels[:, None] == labels).float().to(logits.device)
        right /= right.sum(1, keepdim=True)  # symmetric, as the number of equals is the same along row and column
        return (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2

    @torch.no_grad()
    def accuracy(self, tuning: Tuning, pictures: Pictures) -> float:
        """Return the mean of both directions' recall at 1 among these pictures and their texts."""
        texts, own = torch.unique(pictures.labels, return_inverse=True)
        scores = (tuning.images(pictures) @ tuning.texts(self.words, texts).T).cpu()
        found_texts = (scores.argmax(1) == own).float().mean()
        found_pictures = (own[scores.argmax(0)] == torch.arange(len(texts))).float().mean()
        return float(found_texts + found_pictures) / 2


@torch.no_grad()
def fitting_scale(towers: Towers, words: Words, pictures: Pictures) -> float:
    """Return the scale of the cosines at which the classes' probabilities fit these pictures best (cross-entropy).

    It lies between LEAST_SCALE and the model's own, which is far too sure of pictures unlike those it has learned from:
    tuning would first unlearn that, at the cost of what the model knows. The loss is convex in the scale, so its slope
    tells on which side the best one lies.
    """
    cosines = towers.images(pictures) @ towers.texts(words).T
    right = cosines[torch.arange(len(pictures)), pictures.labels.to(cosines.device)]
    low, high = LEAST_SCALE, max(LEAST_SCALE, float(towers.scale))
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        expected = ((middle * cosines).softmax(1) * cosines).sum(1)
        low, high = (middle, high) if expected.mean() < right.mean() else (low, middle)
    return high


@torch.no_grad()
def class_accuracy(tuning: Tuning, words: Words, pictures: Pictures) -> float:
    """Return the share of pictures whose class scores best."""
    best = (tuning.images(pictures) @ tuning.texts(words).T).argmax(1).cpu()
    return float((best == pictures.labels).float().mean())


@dataclass(frozen=True)
class Retention:
    """What must not be forgotten: other pictures and their classes, classified zero-shot."""

    words: Words
    pictures: Pictures

    def accuracy(self, tuning: Tuning) -> float:
        """Return the zero-shot accuracy, 0..1."""
        return class_accuracy(tuning, self.words, self.pictures)
