"""The paper's loss against the definition, pair by pair."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.training.objectives.tiny import VIT, batch_of, learner_of, units
from training.objectives.contrastive import Contrastive


def reference(images: Tensor, texts: Tensor, scale: float) -> float:
    """The mean over all pictures and all texts of how surprising their partners are."""
    n = len(images)
    total = 0.0
    for i in range(n):
        row = [math.exp(scale * float(images[i] @ texts[j])) for j in range(n)]
        column = [math.exp(scale * float(images[j] @ texts[i])) for j in range(n)]
        total -= (math.log(row[i] / sum(row)) + math.log(column[i] / sum(column))) / 2
    return total / n


def loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    own = {"image": images, "text": texts, "scale": scale.expand(len(images))}
    return Contrastive().losses(own, own, 0)["contrastive"]


def test_it_is_the_papers() -> None:
    images, texts = units(7, 5), units(7, 5, seed=1)
    found = loss(images, texts, torch.tensor(3.7, dtype=torch.float64))
    assert float(found) == pytest.approx(reference(images, texts, 3.7), abs=1e-6)


def test_its_gradients_are_right() -> None:
    inputs = units(4, 3).requires_grad_(), units(4, 3, seed=1).requires_grad_(), torch.tensor(2.0).double()
    assert torch.autograd.gradcheck(loss, (*inputs[:2], inputs[2].requires_grad_()))


def test_a_process_takes_the_rows_of_its_own_pairs() -> None:
    images, texts = units(6, 5), units(6, 5, seed=1)
    everyone = {"image": images, "text": texts}
    halves = [
        {"image": images[cut], "text": texts[cut], "scale": torch.full((3,), 3.7).double()}
        for cut in (slice(0, 3), slice(3, 6))
    ]
    both = [float(Contrastive().losses(own, everyone, 3 * rank)["contrastive"]) for rank, own in enumerate(halves)]
    assert sum(both) / 2 == pytest.approx(reference(images, texts, 3.7), abs=1e-6)


def test_features_have_length_one_and_scores_are_the_models() -> None:
    learner, batch = learner_of(VIT).eval(), batch_of(VIT)
    features = learner(batch)
    for name in ("image", "text"):
        torch.testing.assert_close(features[name].norm(dim=-1), torch.ones(8))
    assert float(features["scale"][0].detach()) == pytest.approx(1 / 0.07)
    scores = learner.objective.scores(learner.clip, batch.pixels, batch.tokens)
    torch.testing.assert_close(scores, learner.clip(batch.pixels, batch.tokens), rtol=0, atol=1e-5)
