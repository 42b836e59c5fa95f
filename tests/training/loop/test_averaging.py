"""The moving average of the weights."""

from __future__ import annotations

import torch

from tests.training.loop.tiny import RESNET, learner_of
from training.loop.averaging import Average


def test_it_is_the_exponential_mean_with_a_quick_beginning() -> None:
    clip = learner_of(RESNET).clip
    average, wanted = Average(clip, 0.5), clip.logit_scale.item()
    for step, decay in enumerate((2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15, 7 / 16, 8 / 17, 0.5, 0.5), 1):
        with torch.no_grad():
            clip.logit_scale.fill_(float(step))
            clip.visual.bn1.running_mean.fill_(float(step))
            clip.visual.bn1.num_batches_tracked.fill_(step)
        average.update(clip)
        wanted = decay * wanted + (1 - decay) * step
        torch.testing.assert_close(average.state["logit_scale"].item(), wanted, atol=1e-5, rtol=0)
    assert average.state["visual.bn1.running_mean"].eq(9).all()
    assert average.state["visual.bn1.num_batches_tracked"] == 9
    assert average.steps == 9


def test_it_is_fp32_and_leaves_the_model_alone() -> None:
    clip = learner_of().clip.bfloat16()
    before = {name: value.clone() for name, value in clip.state_dict().items()}
    average = Average(clip, 0.9)
    average.update(clip)
    assert all(value.dtype == torch.float32 for value in average.state.values())
    assert all(torch.equal(value, before[name]) for name, value in clip.state_dict().items())


def test_it_goes_on_from_what_was_stored() -> None:
    clip = learner_of().clip
    one = Average(clip, 0.9)
    one.update(learner_of(seed=1).clip)
    two = Average(clip, 0.9)
    two.load({name: value.clone() for name, value in one.state.items()}, one.steps)
    for average in (one, two):
        average.update(learner_of(seed=2).clip)
    assert all(torch.equal(one.state[name], two.state[name]) for name in one.state)
