"""A batch in parts against the whole batch at once, by plain code."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.training.loop.tiny import (
    RESNET,
    VIT,
    Alone,
    assert_close,
    batch_of,
    gradients_of,
    learner_for,
    learner_of,
    plain_gradients,
)
from training import run as runs
from training.data.pairs import Batch
from training.loop.accumulation import backward, random_state, replayed
from training.objectives.objective import Learner


@pytest.mark.parametrize("micro_batch_size", [0, 1, 4, 5, 13])
def test_parts_equal_the_whole_batch(micro_batch_size: int) -> None:
    batch = batch_of(VIT, 13, 1)
    wanted_loss, wanted = plain_gradients(VIT, batch)
    learner = learner_of(VIT)
    losses = backward(learner, batch, micro_batch_size)
    assert losses["contrastive"].item() == pytest.approx(wanted_loss, abs=1e-5)
    assert not losses["contrastive"].requires_grad
    assert_close(gradients_of(learner), wanted)


def test_it_is_not_the_mean_of_small_batches() -> None:
    """The test above could fail: a batch cut into small ones has other gradients."""
    batch = batch_of(VIT, 12, 1)
    learner = learner_of(VIT)
    for part in batch.parts(4):
        backward(learner, part, scale=lambda loss: loss / 3)
    _, wanted = plain_gradients(VIT, batch)
    with pytest.raises(AssertionError):
        assert_close(gradients_of(learner), wanted)


def test_random_numbers_are_the_same_in_both_passes() -> None:
    learner, batch = learner_of(VIT, dropout=0.5), batch_of(VIT, 8, 2)
    torch.manual_seed(5)
    backward(learner, batch, 4)
    after = torch.rand(1)
    other = learner_of(VIT, dropout=0.5)
    torch.manual_seed(5)
    features = [other(part) for part in batch.parts(4)]
    whole = {name: torch.cat([one[name] for one in features]) for name in features[0]}
    other.objective.losses(whole, whole, 0)["contrastive"].backward()
    assert_close(gradients_of(learner), gradients_of(other))
    assert torch.equal(after, torch.rand(1))


def test_where_nothing_is_compared_parts_are_computed_once() -> None:
    batch, calls = batch_of(VIT, 10, 3), []
    torch.manual_seed(0)
    learner = Learner(learner_of(VIT).clip, Alone())
    learner.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    losses = backward(learner, batch, 4)
    found = gradients_of(learner)
    assert calls == [4, 4, 2]
    learner.zero_grad()
    wanted = backward(learner, batch)
    assert_close(losses, wanted)
    assert_close(found, gradients_of(learner))


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "language-model"},
        {"kind": "bag-of-words-prediction"},
        {"kind": "pseudo-labels"},
        {"captioning": 1.0, "self_supervision": 0.5},
        {"locked_image_tower": True},
    ],
    ids=str,
)
def test_every_objective_may_be_computed_in_parts(told: dict[str, Any]) -> None:
    def computed(micro_batch_size: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        learner = learner_for(runs.Objective(**told))
        pairs = batch_of(VIT, 8, 4)
        views = torch.randn(8, 2, 3, 16, 16, generator=torch.Generator().manual_seed(2))
        losses = backward(learner, Batch(pairs.pixels, pairs.tokens, views), micro_batch_size)
        return losses, gradients_of(learner)

    whole, parts = computed(0), computed(4)
    assert_close(parts[0], whole[0])
    assert_close(parts[1], whole[1])


def test_running_statistics_see_each_part_once() -> None:
    learner, other, batch = learner_of(RESNET), learner_of(RESNET), batch_of(RESNET, 8, 1)
    backward(learner, batch, 4)
    with torch.no_grad():
        for part in batch.parts(4):
            other(part)
    assert_close(dict(learner.named_buffers()), dict(other.named_buffers()))


def test_gradients_add_up_and_frozen_towers_get_none() -> None:
    learner, batch = learner_of(VIT), batch_of(VIT, 6, 1)
    learner.clip.visual.requires_grad_(False)
    backward(learner, batch, 2)
    once = gradients_of(learner)
    backward(learner, batch, 3, scale=lambda loss: 2 * loss)
    assert_close(gradients_of(learner), {name: 3 * value for name, value in once.items()})
    assert not any("visual" in name for name in once)


def test_replaying_goes_on_where_it_was() -> None:
    torch.manual_seed(1)
    state = random_state()
    drawn, following = torch.rand(3), torch.get_rng_state()
    with replayed(state):
        assert torch.equal(torch.rand(3), drawn)
        torch.rand(100)
    assert torch.equal(torch.get_rng_state(), following)
