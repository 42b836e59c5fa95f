from __future__ import annotations

import pytest
import torch

from clipsearch.model import CLIP, CLIPConfig
from tests.model.tiny import CLIP_RESNET, CLIP_VIT, random_clip, randomised
from training.finetuning.interpolation import between, choose
from training.finetuning.tasks import Score


def models(config: CLIPConfig = CLIP_VIT) -> tuple[CLIP, CLIP]:
    other = CLIP(config)
    randomised(other, seed=1)
    with torch.no_grad():
        other.logit_scale.add_(1.0)
    return random_clip(config), other


@pytest.mark.parametrize("config", [CLIP_VIT, CLIP_RESNET], ids=["vit", "resnet"])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_ends_are_exact(config: CLIPConfig, alpha: float) -> None:
    pair = models(config)
    made, end = between(*pair, alpha), pair[int(alpha)]
    assert all(torch.equal(value, end.state_dict()[name]) for name, value in made.state_dict().items())


@pytest.mark.parametrize("config", [CLIP_VIT, CLIP_RESNET], ids=["vit", "resnet"])
def test_the_middle_is_the_weighted_mean_of_every_weight_and_statistic(config: CLIPConfig) -> None:
    original, tuned = models(config)
    one, other = original.state_dict(), tuned.state_dict()
    made = between(original, tuned, 0.25).state_dict()
    assert made.keys() == one.keys()
    for name, value in made.items():
        if value.is_floating_point():
            assert torch.allclose(value, 0.75 * one[name] + 0.25 * other[name], atol=1e-6), name
        else:
            assert torch.equal(value, one[name]), name


def test_the_ends_stay_as_they_are() -> None:
    original, tuned = models()
    before = {name: value.clone() for name, value in original.state_dict().items()}
    made = between(original, tuned, 0.0)
    with torch.no_grad():
        made.logit_scale.fill_(9.0)
    between(original, tuned, 0.5)
    assert all(torch.equal(value, before[name]) for name, value in original.state_dict().items())


@pytest.mark.parametrize(
    ("scores", "alpha"),
    [
        ([0.5, 0.7, 0.9, 0.8, 0.6], 0.5),
        ([0.5, 0.5, 0.5, 0.5, 0.5], 0.0),
        ([0.5, 0.6, 0.6, 0.7, 0.7], 0.75),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1.0),
    ],
)
def test_the_best_on_validation_is_chosen_and_the_nearest_to_the_original_of_equals(
    scores: list[float], alpha: float
) -> None:
    left = iter(scores)
    chosen = choose(*models(), 4, lambda tuned: Score(next(left), 0.0))
    assert chosen.alpha == alpha
    assert [score.accuracy for score in chosen.scores.values()] == scores


def test_of_equal_accuracies_the_smaller_loss_counts() -> None:
    left = iter([-3.0, -1.0, -2.0])
    assert choose(*models(), 2, lambda tuned: Score(0.5, next(left))).alpha == 0.5


def test_what_forgets_too_much_is_passed_over_and_the_original_never_is() -> None:
    original, tuned = models()
    asked: list[CLIP] = []

    def refused(candidate: CLIP) -> bool:
        asked.append(candidate)
        return False

    left = iter([0.5, 0.7, 0.6])
    chosen = choose(original, tuned, 2, lambda candidate: Score(next(left), 0.0), refused)
    assert chosen.alpha == 0.0 and chosen.clip is original and len(asked) == 2 and asked[1] is tuned
    left = iter([0.5, 0.7, 0.6])
    assert choose(original, tuned, 2, lambda one: Score(next(left), 0.0), lambda one: one is tuned).alpha == 1.0
