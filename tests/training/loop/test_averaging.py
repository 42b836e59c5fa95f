"""The moving average of the weights."""

from __future__ import annotations

import torch

from tests.training.loop.tiny import RESNET, learner_for, learner_of
from training.loop.averaging import Average
from training.run import Objective


def test_it_is_the_exponential_mean_with_a_quick_beginning() -> None:
    learner = learner_of(RESNET)
    clip = learner.clip
    average, wanted = Average(learner, 0.5), clip.logit_scale.item()
    for step, decay in enumerate((2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15, 7 / 16, 8 / 17, 0.5, 0.5), 1):
        with torch.no_grad():
            clip.logit_scale.fill_(float(step))
            clip.visual.bn1.running_mean.fill_(float(step))
            clip.visual.bn1.num_batches_tracked.fill_(step)
        average.update(learner)
        wanted = decay * wanted + (1 - decay) * step
        torch.testing.assert_close(average.state["clip.logit_scale"].item(), wanted, atol=1e-5, rtol=0)
    assert average.state["clip.visual.bn1.running_mean"].eq(9).all()
    assert average.state["clip.visual.bn1.num_batches_tracked"] == 9
    assert average.steps == 9


def test_it_is_fp32_and_leaves_the_model_alone() -> None:
    learner = learner_of().bfloat16()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    average = Average(learner, 0.9)
    average.update(learner)
    assert all(value.dtype == torch.float32 for value in average.state.values())
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_it_goes_on_from_what_was_stored() -> None:
    learner = learner_of()
    one = Average(learner, 0.9)
    one.update(learner_of(seed=1))
    two = Average(learner, 0.9)
    two.load({name: value.clone() for name, value in one.state.items()}, one.steps)
    for average in (one, two):
        average.update(learner_of(seed=2))
    assert all(torch.equal(one.state[name], two.state[name]) for name in one.state)


def test_what_an_objective_trains_is_in_it_and_its_teacher_is_not() -> None:
    learner = learner_for(Objective(kind="pseudo-labels", captioning=1.0))
    average, words = Average(learner, 0.5), "objective.parts.1.words.weight"
    assert not any("teacher" in name or name.endswith("steps") for name in average.state)
    before = average.state[words].clone()
    with torch.no_grad():
        learner.get_parameter(words).add_(1.0)
    average.update(learner)
    torch.testing.assert_close(average.state[words], before + 9 / 11)
