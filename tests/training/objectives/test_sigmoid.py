"""SigLIP's loss against the definition, and that no more logits are held than a process has pictures, squared."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.training.objectives.tiny import VIT, batch_of, learner_of, units
from training.errors import TrainingError
from training.objectives import sigmoid
from training.objectives.objective import Learner
from training.objectives.sigmoid import Sigmoid


def reference(images: Tensor, texts: Tensor, scale: float, bias: float) -> float:
    total = 0.0
    for i in range(len(images)):
        for j in range(len(texts)):
            z = scale * float(images[i] @ texts[j]) + bias
            total += math.log(1 + math.exp(-z if i == j else z))
    return total / len(images)


def own(images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor) -> dict[str, Tensor]:
    n = len(images)
    return {"image": images, "text": texts, "scale": scale.expand(n), "bias": bias.expand(n)}


def loss(images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return Sigmoid().losses(own(images, texts, scale, bias), {"text": texts}, 0)["sigmoid"]


def test_it_is_siglips() -> None:
    images, texts = units(7, 5), units(7, 5, seed=1)
    found = loss(images, texts, torch.tensor(9.0).double(), torch.tensor(-4.0).double())
    assert float(found) == pytest.approx(reference(images, texts, 9.0, -4.0), abs=1e-6)


def test_its_gradients_are_right() -> None:
    numbers = (torch.tensor(value).double().requires_grad_() for value in (2.0, -1.0))
    assert torch.autograd.gradcheck(
        loss, (units(4, 3).requires_grad_(), units(4, 3, seed=1).requires_grad_(), *numbers)
    )


def test_texts_of_others_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three processes, the last one; the number of texts is no multiple of its pictures."""
    images, texts, seen = units(8, 5), units(8, 5, seed=1), []
    plain = sigmoid.chunk_loss

    def watched(*inputs: Tensor) -> Tensor:
        seen.append((len(inputs[0]), len(inputs[1])))
        return plain(*inputs)

    monkeypatch.setattr(sigmoid, "chunk_loss", watched)
    scale, bias = torch.tensor(9.0).double(), torch.tensor(-4.0).double()
    parts = [(0, 3), (3, 6), (6, 8)]
    total = 0.0
    for first, last in parts:
        mine = own(images[first:last], texts[first:last], scale, bias)
        total += (last - first) * float(Sigmoid().losses(mine, {"text": texts}, first)["sigmoid"])
    assert total / 8 == pytest.approx(reference(images, texts, 9.0, -4.0), abs=1e-6)
    assert seen == [(3, 3), (3, 3), (3, 2)] * 2 + [(2, 2)] * 4


def test_a_model_without_bias_is_refused() -> None:
    learner = Learner(learner_of(VIT).clip, Sigmoid())
    with pytest.raises(TrainingError, match="logit_bias_init"):
        learner(batch_of(VIT))
