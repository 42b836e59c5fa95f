"""Which parameters decay and which numbers AdamW gets, against the paper."""

from __future__ import annotations

import pytest
import torch

from clipsearch.model import config, create
from clipsearch.model.transformer import LayerNorm
from tests.training.loop.tiny import RESNET, VIT, learner_of, run_of
from training.errors import TrainingError
from training.loop.half_adamw import HalfAdamW
from training.loop.optimiser import groups, halve_text_tower, make, moments
from training.run import Optimiser

PAPER = Optimiser(learning_rate=5e-4)


@pytest.mark.parametrize(
    ("name", "betas", "eps"),
    [("RN50", (0.9, 0.999), 1e-8), ("RN50x64", (0.9, 0.999), 1e-8), ("ViT-B-32", (0.9, 0.98), 1e-6)],
)
def test_resnets_and_vits_have_the_papers_moments(name: str, betas: tuple[float, float], eps: float) -> None:
    assert moments(PAPER, config(name)) == (betas, eps)


def test_given_moments_win() -> None:
    given = Optimiser(learning_rate=1.0, beta1=0.8, beta2=0.95, eps=0.0)
    assert moments(given, config("RN50")) == ((0.8, 0.95), 0.0)


@pytest.mark.parametrize("name", ["RN50", "ViT-B-32"])
def test_every_parameter_is_in_one_group_and_only_matrices_decay(name: str) -> None:
    clip = create(name, "meta")
    parts = groups(clip, PAPER)
    assert sorted(one for part in parts for one in part["names"]) == sorted(dict(clip.named_parameters()))
    by_decay = {part["weight_decay"]: part for part in parts}
    assert by_decay.keys() == {0.2, 0.0}
    assert all(parameter.ndim > 1 for parameter in by_decay[0.2]["params"])
    plain = set(by_decay[0.0]["names"])
    gains = {
        f"{place}.{own}"
        for place, module in clip.named_modules()
        if isinstance(module, LayerNorm | torch.nn.BatchNorm2d)
        for own in ("weight", "bias")
    }
    assert gains < plain
    assert {one for one, _ in clip.named_parameters() if one.endswith("bias")} <= plain
    assert {"logit_scale"} < plain
    assert {"text.token_embedding.weight", "text.text_projection"} < set(by_decay[0.2]["names"])


def test_what_needs_no_gradient_is_left_out_and_rates_make_groups() -> None:
    learner = learner_of()
    learner.clip.visual.requires_grad_(False)
    parts = groups(learner, PAPER, lambda name: 0.5 if "resblocks.0." in name else 1.0)
    assert sorted((part["weight_decay"], part["rate"]) for part in parts) == [(0, 0.5), (0, 1), (0.2, 0.5), (0.2, 1)]
    assert not any("visual" in name for part in parts for name in part["names"])
    learner.requires_grad_(False)
    with pytest.raises(TrainingError, match="Nothing is left"):
        groups(learner, PAPER)


def test_the_optimiser_of_a_run() -> None:
    plain = make(run_of(VIT), learner_of(VIT))
    assert isinstance(plain, torch.optim.AdamW)
    assert (plain.defaults["betas"], plain.defaults["eps"]) == ((0.9, 0.98), 1e-6)
    half = make(run_of(RESNET, half_statistics=True), learner_of(RESNET))
    assert isinstance(half, HalfAdamW)
    assert (half.defaults["betas"], half.defaults["eps"]) == ((0.9, 0.999), 1e-8)
    with pytest.raises(TrainingError, match="ddp"):
        make(run_of(half_text_tower=True, parallel="fsdp"), learner_of())
    with pytest.raises(TrainingError, match="bf16"):
        make(run_of(half_text_tower=True, precision="fp16"), learner_of())


def test_a_half_text_tower_keeps_its_normalisations() -> None:
    learner = learner_of()
    halve_text_tower(learner.clip)
    kinds = {name: weight.dtype for name, weight in learner.clip.named_parameters()}
    assert all(
        (dtype == torch.bfloat16) == (name.startswith("text.") and ".ln_" not in name) for name, dtype in kinds.items()
    )
