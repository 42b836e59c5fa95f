"""Learners whose answers are known: towers that see colours and read their names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP
from clipsearch.model.configs import HALF, CLIPConfig, TextConfig, VisionConfig
from training.objectives.contrastive import Contrastive
from training.objectives.objective import Learner, Objective

WORDS = ["<pad>", "red", "green", "blue", "a", "photo", "of", "shiny"]
CONFIG = CLIPConfig(
    "colours",
    embed_dim=3,
    vision=VisionConfig("vit", 16, width=8, layers=1, heads=1, patch_size=8),
    text=TextConfig(context_length=8, vocab_size=len(WORDS), width=8, heads=1, layers=1),
    mean=HALF,
    std=HALF,
)


class Words:
    """Tokens by place in WORDS."""

    asked = 0

    def __call__(self, texts: Sequence[str]) -> Tensor:
        self.asked += len(texts)
        rows = [[WORDS.index(word) for word in text.split()] for text in texts]
        return torch.tensor([row + [0] * (8 - len(row)) for row in rows])


class MeanColour(nn.Module):
    """The picture's mean colour; counts how often it is asked, and whether in training."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.pictures = 0
        self.asked_in_training = False

    def forward(self, pixels: Tensor) -> Tensor:
        self.pictures += len(pixels)
        self.asked_in_training |= self.training
        return self.weight * (pixels.mean(dim=(2, 3)) + 1)


class ColourWords(nn.Module):
    """The sum of what each word stands for; "shiny" makes a text long, and a little red."""

    def __init__(self) -> None:
        super().__init__()
        meanings = torch.zeros(len(WORDS), 3)
        meanings[1:4] = torch.eye(3)
        meanings[WORDS.index("shiny")] = torch.tensor([5.0, 4.0, 4.0])
        self.meanings = nn.Parameter(meanings)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.meanings[tokens].sum(dim=1)


class Likelihood(Objective):
    """Stands for objectives that score a text as a whole: cosines, less what its words cost."""

    def __init__(self, costs: dict[str, float]) -> None:
        super().__init__()
        self.costs = torch.tensor([costs.get(word, 0.0) for word in WORDS])

    def read(self, encoded: object) -> dict[str, Tensor]:
        raise NotImplementedError

    def losses(self, own: object, everyone: object, first: int) -> dict[str, Tensor]:
        raise NotImplementedError

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        return Contrastive().scores(clip, pixels, tokens) - self.costs[tokens].sum(dim=1)


def learner(objective: Objective | None = None) -> Learner:
    """Return a learner that sees colours, in training mode."""
    clip = CLIP(CONFIG)
    clip.visual, clip.text = MeanColour(), ColourWords()  # type: ignore[assignment]
    return Learner(clip, objective or Contrastive()).train()
