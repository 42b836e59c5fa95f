"""What holds for every objective: cut in parts and over processes it is the same, it learns, half precision will do."""

from __future__ import annotations

import pytest
import torch

from clipsearch.model import CLIPConfig
from tests.training.objectives.tiny import BIASED, EVERY, VIT, batch_of, gradients, learner_of, whole_loss
from training.data.pairs import Batch
from training.objectives import Learner
from training.objectives.objective import Features

NAMES = list(EVERY)
#: about one and a half times what each of them needs, where it is not 25
STEPS = {"locked": 110, "sigmoid": 60, "pseudo-labels": 60, "contrastive, resnet": 60}
STEPS |= {"language model": 70, "language model, resnet": 70}


@pytest.mark.parametrize("name", [name for name in NAMES if "resnet" not in name])
def test_parts_and_processes_make_no_difference(name: str) -> None:
    """Two processes of two parts each, gathered, against the whole batch; batch normalisation would differ."""
    config, table = EVERY[name]
    learner, batch = learner_of(config, **table), batch_of(config)
    expected = whole_loss(learner, batch)
    expected.backward()  # type: ignore[no-untyped-call]
    wanted = gradients(learner)
    found = torch.stack([*divided_losses(learner, batch)]).mean()
    found.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients(learner), wanted, rtol=1e-4, atol=1e-5)


def divided_losses(learner: Learner, batch: Batch) -> list[torch.Tensor]:
    """Return the loss of each of two processes, which hold four pairs each, computed three and one at a time."""
    processes = [in_parts(learner, half) for half in batch.parts(4)]
    gathered = {name: torch.cat([own[name] for own in processes]) for name in learner.objective.gathered}
    losses = [learner.objective.losses(own, gathered, 4 * rank) for rank, own in enumerate(processes)]
    return [torch.stack(list(each.values())).sum() for each in losses]


def in_parts(learner: Learner, batch: Batch) -> Features:
    parts = [learner(part) for part in batch.parts(3)]
    return {name: torch.cat([features[name] for features in parts]) for name in parts[0]}


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_eight_pairs_and_then_knows_them(name: str) -> None:
    config, table = EVERY[name]
    learner, batch = learner_of(config, **table), batch_of(config)
    trained = [weight for weight in learner.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=3e-3)
    before = float(whole_loss(learner, batch).detach())
    for _ in range(STEPS.get(name, 25)):
        optimiser.zero_grad()
        whole_loss(learner, batch).backward()  # type: ignore[no-untyped-call]
        assert all(weight.grad is not None for weight in trained), "unused weights would stop DDP"
        optimiser.step()
        learner.after_step()
    assert float(whole_loss(learner, batch).detach()) < 0.6 * before
    learner.eval()
    with torch.no_grad():
        scores = learner.objective.scores(learner.clip, batch.pixels, batch.tokens)
    assert scores.shape == (8, 8)
    assert scores.argmax(0).tolist() == list(range(8))  # the picture of each text
    if "prediction" not in name:  # whose likelihood prefers short texts
        assert scores.argmax(1).tolist() == list(range(8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_keeps_losses_finite_and_in_fp32(name: str, dtype: torch.dtype) -> None:
    config, table = EVERY[name]
    learner, batch = learner_of(config, **table), batch_of(config)
    exact = whole_loss(learner, batch)
    with torch.autocast("cpu", dtype):
        features = learner(batch)
        loss = whole_loss(learner, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert {value.dtype for value in features.values() if value.is_floating_point()} == {torch.float32}
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(float(exact.detach()), rel=0.02)
    assert all(torch.isfinite(gradient).all() for gradient in gradients(learner).values())


@pytest.mark.parametrize("config", [VIT, BIASED], ids=["contrastive", "sigmoid"])
def test_logits_are_fp32_where_the_towers_are_not(config: CLIPConfig) -> None:
    """Scores that bf16 would round to eight bits."""
    learner = learner_of(config, kind="contrastive" if config is VIT else "sigmoid")
    batch = batch_of(VIT)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        scores = learner.objective.scores(learner.clip, batch.pixels, batch.tokens)
    assert scores.dtype == torch.float32
    assert not torch.equal(scores, scores.bfloat16().float())


@pytest.mark.parametrize("table", [{}, {"kind": "sigmoid"}, {"kind": "pseudo-labels"}, {"captioning": 1.0}], ids=str)
def test_the_temperature_stays_within_its_bounds(table: dict[str, str]) -> None:
    learner = learner_of(BIASED if table.get("kind") == "sigmoid" else VIT, **table)
    for value, bound in ((9.0, 100.0), (-3.0, 1.0)):
        learner.clip.logit_scale.data.fill_(value)
        learner.after_step()
        assert float(learner.clip.logit_scale.detach().exp()) == pytest.approx(bound)
