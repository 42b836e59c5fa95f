"""Small worlds for tuning: pictures and words in memory, and a retention that says what it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from clipsearch.encode.preprocess import Preprocess
from clipsearch.model import CLIPConfig
from tests.training.tiny_runs import EOT, VIT
from training.finetuning.pictures import Pictures
from training.finetuning.tasks import Classes, Retention
from training.finetuning.towers import Words
from training.finetuning.tunable import Tuning

CLASSES = 3


def pictures(count: int, seed: int, config: CLIPConfig = VIT) -> Pictures:
    """Make noise whose mean brightness tells the class."""
    generator = torch.Generator().manual_seed(seed)
    size = config.vision.image_size
    labels = torch.arange(count) % CLASSES
    shades = torch.tensor([40, 128, 215])[labels].view(-1, 1, 1, 1)
    noise = torch.randint(-30, 31, (count, size, size, 3), generator=generator)
    spec = Preprocess(1, size, "shortest", "bicubic", config.mean, config.std)
    return Pictures((shades + noise).clamp(0, 255).to(torch.uint8), labels, spec)


def words(count: int = CLASSES, templates: int = 2) -> Words:
    """Make texts of a few tokens each."""
    generator = torch.Generator().manual_seed(4)
    tokens = torch.randint(1, EOT, (count, templates, 5), generator=generator)
    tokens[..., -1] = EOT
    return Words(tuple(f"class {number}" for number in range(count)), tokens)


def task() -> Classes:
    """Make a task that can be learned."""
    return Classes(words(), pictures(12, 0), pictures(6, 1), pictures(6, 2))


class Scripted(Retention):
    """A retention set on which the model does as the script says, one value a look."""

    def __init__(self, *values: float) -> None:
        object.__setattr__(self, "_values", iter(values))

    def accuracy(self, tuning: Tuning) -> float:
        values: Iterator[float] = self._values  # type: ignore[attr-defined]
        return next(values)
