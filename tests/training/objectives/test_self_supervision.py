"""NT-Xent against SimCLR's equation 1."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.training.objectives.tiny import VIT, batch_of, learner_of, units
from training.errors import TrainingError
from training.objectives.self_supervision import TEMPERATURE, SelfSupervision


def reference(one: Tensor, other: Tensor) -> float:
    """The mean over all 2 n views; view 2 k and view 2 k + 1 belong together."""
    views = [view for pair in zip(one, other, strict=True) for view in pair]
    total = 0.0
    for i, view in enumerate(views):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = [math.exp(float(view @ views[k]) / TEMPERATURE) for k in range(len(views)) if k != i]
        total -= math.log(math.exp(float(view @ views[partner]) / TEMPERATURE) / sum(others))
    return total / len(views)


def loss(one: Tensor, other: Tensor) -> Tensor:
    own = {"view_1": one, "view_2": other}
    return SelfSupervision(VIT).losses(own, own, 0)["self_supervision"]


def test_it_is_simclrs() -> None:
    one, other = units(6, 4), units(6, 4, seed=1)
    assert float(loss(one, other)) == pytest.approx(reference(one, other), abs=1e-6)


def test_its_gradients_are_right() -> None:
    assert torch.autograd.gradcheck(loss, (units(4, 3).requires_grad_(), units(4, 3, seed=1).requires_grad_()))


def test_each_view_is_projected_by_itself() -> None:
    """The same two pictures give the same features, whoever else is in the batch."""
    learner, batch = learner_of(VIT, self_supervision=1.0), batch_of(VIT)
    assert batch.views is not None
    features = learner(batch)
    alone = learner(next(batch.parts(1)))
    torch.testing.assert_close(alone["view_1"], features["view_1"][:1], rtol=0, atol=1e-5)
    swapped = learner(replace(batch, views=batch.views.flip(1)))
    torch.testing.assert_close(swapped["view_1"], features["view_2"], rtol=0, atol=1e-5)


def test_batches_without_views_are_refused() -> None:
    learner = learner_of(VIT, self_supervision=1.0)
    with pytest.raises(TrainingError, match="two views"):
        learner(replace(batch_of(VIT), views=None))
