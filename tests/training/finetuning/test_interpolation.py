from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from clipsearch.model import CLIP
from tests.model.tiny import CLIP_RESNET, CLIP_VIT, random_clip, randomised
from training.finetuning.interpolation import between, choose
from training.finetuning.methods import Tuned
from training.finetuning.tasks import Score


def models(config: object = CLIP_VIT) -> tuple[Tuned, Tuned]:
    other = CLIP(config)  # type: ignore[arg-type]
    randomised(other, seed=1)
    with torch.no_grad():
        other.logit_scale.add_(1.0)
    heads = torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(0))
    return Tuned(random_clip(config), heads[0]), Tuned(other, heads[1])  # type: ignore[arg-type]


@pytest.mark.parametrize("config", [CLIP_VIT, CLIP_RESNET], ids=["vit", "resnet"])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_ends_are_exact(config: object, alpha: float) -> None:
    pair = models(config)
    pair[1].clip.state_dict()  # of a resnet, counters of batches are among these
    made, end = between(*pair, alpha), pair[int(alpha)]
    assert all(torch.equal(value, end.clip.state_dict()[name]) for name, value in made.clip.state_dict().items())
    assert made.head is not None and end.head is not None and torch.equal(made.head, end.head)


def test_the_middle_is_the_weighted_mean_of_every_weight() -> None:
    original, tuned = models()
    one, other = original.clip.state_dict(), tuned.clip.state_dict()
    made = between(original, tuned, 0.25)
    for name, value in made.clip.state_dict().items():
        assert torch.allclose(value, 0.75 * one[name] + 0.25 * other[name], atol=1e-6), name
    assert made.head is not None and original.head is not None and tuned.head is not None
    assert torch.allclose(made.head, 0.75 * original.head + 0.25 * tuned.head, atol=1e-6)


def test_the_ends_stay_as_they_are() -> None:
    original, tuned = models()
    before = {name: value.clone() for name, value in original.clip.state_dict().items()}
    made = between(original, tuned, 0.0)
    with torch.no_grad():
        made.clip.logit_scale.fill_(9.0)
    between(original, tuned, 0.5)
    assert all(torch.equal(value, before[name]) for name, value in original.clip.state_dict().items())


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
    asked: list[Tuned] = []

    def refused(candidate: Tuned) -> bool:
        asked.append(candidate)
        return False

    left = iter([0.5, 0.7, 0.6])
    chosen = choose(original, tuned, 2, lambda candidate: Score(next(left), 0.0), refused)
    assert chosen.alpha == 0.0 and chosen.tuned is original and len(asked) == 2 and asked[1] is tuned
    left = iter([0.5, 0.7, 0.6])
    assert choose(original, tuned, 2, lambda one: Score(next(left), 0.0), lambda one: one is tuned).alpha == 1.0


def test_a_model_without_head_stays_without() -> None:
    original, tuned = (replace(one, head=None) for one in models())
    assert between(original, tuned, 0.5).head is None
