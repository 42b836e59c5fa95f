"""Momentum distillation against ALBEF's equation, and how the teacher follows."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

from tests.training.objectives.tiny import RESNET, VIT, batch_of, gradients, learner_of, units, whole_loss
from training.objectives.pseudo_labels import MOMENTUM, SHARE, PseudoLabels


def softmax(values: list[float]) -> list[float]:
    total = sum(map(math.exp, values))
    return [math.exp(value) / total for value in values]


def reference(own: dict[str, Tensor], one: str, other: str, scale: float, share: float) -> float:
    """The mean over all of one kind of the surprise at each of the other, weighted by its target."""
    n, total = len(own[one]), 0.0
    for i in range(n):
        student = softmax([scale * float(own[one][i] @ own[other][j]) for j in range(n)])
        slow = own[f"teacher_{one}"][i] @ own[f"teacher_{other}"].T
        teacher = softmax([scale * float(slow[j]) for j in range(n)])
        for j in range(n):
            total -= (share * teacher[j] + (1 - share) * (i == j)) * math.log(student[j])
    return total / n


def test_it_is_albefs() -> None:
    names = ("image", "text", "teacher_image", "teacher_text")
    own = {name: units(5, 4, seed=seed) for seed, name in enumerate(names)}
    numbers = {"scale": 3.0, "teacher_scale": 3.0, "teacher_share": 0.3}
    own |= {name: torch.full((5,), value).double() for name, value in numbers.items()}
    found = PseudoLabels(learner_of(VIT).clip).losses(own, own, 0)["pseudo_labels"]
    pictures, texts = (reference(own, *way, 3.0, 0.3) for way in (("image", "text"), ("text", "image")))
    assert float(found) == pytest.approx((pictures + texts) / 2, abs=1e-6)


def test_its_gradients_are_right_and_none_go_into_the_teacher() -> None:
    objective = PseudoLabels(learner_of(VIT).clip)
    numbers = {"teacher_scale": 3.0, "teacher_share": 0.3}
    fixed = {name: torch.full((4,), value).double() for name, value in numbers.items()}
    slow = {"teacher_image": units(4, 3, seed=2).requires_grad_(), "teacher_text": units(4, 3, seed=3).requires_grad_()}

    def loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
        own = {"image": images, "text": texts, "scale": scale.expand(4), **slow, **fixed}
        return objective.losses(own, own, 0)["pseudo_labels"]

    inputs = units(4, 3).requires_grad_(), units(4, 3, seed=1).requires_grad_(), torch.tensor(2.0).double()
    assert torch.autograd.gradcheck(loss, (*inputs[:2], inputs[2].requires_grad_()))
    loss(*inputs).backward()  # type: ignore[no-untyped-call]
    assert all(value.grad is None for value in slow.values())


def test_the_teacher_is_an_average_that_is_not_trained() -> None:
    learner = learner_of(RESNET, kind="pseudo-labels")
    objective = learner.objective
    assert isinstance(objective, PseudoLabels)
    before = copy.deepcopy(objective.teacher.state_dict())
    whole_loss(learner, batch_of(RESNET)).backward()  # type: ignore[no-untyped-call]
    assert not any(name.startswith("objective.teacher") for name in gradients(learner))
    with torch.no_grad():
        for weight in learner.clip.parameters():
            weight.add_(1.0)
    learner.after_step()
    after, now = objective.teacher.state_dict(), learner.clip.state_dict()
    for name in ("visual.conv1.weight", "token_embedding.weight"):
        torch.testing.assert_close(after[name], MOMENTUM * before[name] + (1 - MOMENTUM) * now[name])
    assert torch.equal(after["visual.bn1.running_mean"], now["visual.bn1.running_mean"])


def test_the_teacher_judges_in_evaluation_mode() -> None:
    learner = learner_of(RESNET, kind="pseudo-labels").train()
    assert isinstance(learner.objective, PseudoLabels)
    assert learner.clip.training
    assert not any(module.training for module in learner.objective.teacher.modules())


def test_its_share_grows_and_survives_a_restart() -> None:
    learner = learner_of(VIT, kind="pseudo-labels")
    objective = learner.objective
    assert isinstance(objective, PseudoLabels)
    shares = []
    for _ in range(7):
        shares.append(float(objective.share()))
        learner.after_step()
    assert shares == pytest.approx([SHARE * share for share in (0.2, 0.4, 0.6, 0.8, 1, 1, 1)])
    again = learner_of(VIT, seed=1, kind="pseudo-labels").objective
    again.load_state_dict(objective.state_dict())
    assert isinstance(again, PseudoLabels)
    assert again.steps == 7
