"""What a run may not hold, and what it seldom means."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from clipsearch.model import CLIPConfig
from clipsearch.model.configs import CONFIGS
from tests.training.loop.tiny import RESNET, VIT, run_of
from training import run as runs
from training.errors import TrainingError
from training.run import Run


def with_table(table: str, run: Run | None = None, **values: Any) -> Run:
    run = run or run_of()
    return changed(run, **{table: changed(getattr(run, table), **values)})


@pytest.mark.parametrize(
    ("table", "name", "values"),
    [
        ("optimiser", "learning_rate", [0.0, -1e-3, math.nan, math.inf]),
        ("optimiser", "weight_decay", [-0.1, math.nan]),
        ("optimiser", "beta1", [-0.1, 1.0]),
        ("optimiser", "beta2", [0.0, 1.0, -0.5, 1.5, math.nan]),
        ("optimiser", "eps", [-1e-8, math.nan]),
        ("optimiser", "warmup_steps", [-1]),
        ("optimiser", "clip_norm", [0.0, -1.0, math.nan]),
        ("loop", "steps", [0, -1]),
        ("loop", "batch_size", [0, -1, 1]),
        ("loop", "micro_batch_size", [-1, 13]),
        ("loop", "ema", [1.0, -0.1, math.nan]),
        ("loop", "log_every", [0]),
        ("loop", "checkpoint_every", [0]),
        ("loop", "checkpoints_kept", [0]),
        ("text", "context_length", [2]),
        ("text", "vocabulary", [2]),
        ("data", "workers", [-1]),
        ("evaluation", "every", [-1]),
        ("evaluation", "pictures", [0]),
    ],
)
def test_what_is_out_of_its_limits_is_named(table: str, name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(TrainingError, match=rf"{table}\.{name} .*must"):
            runs.check(with_table(table, **{name: value}))


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("optimiser", {"beta1": 0.0, "beta2": 0.5, "eps": 0.0, "clip_norm": 0.1, "weight_decay": 0.0}),
        ("optimiser", {"warmup_steps": 0}),
        ("loop", {"steps": 1, "batch_size": 2, "micro_batch_size": 2, "ema": 0.999}),
        ("evaluation", {"pictures": 1}),
    ],
)
def test_what_is_within_them_is_taken(table: str, values: dict[str, Any]) -> None:
    runs.check(with_table(table, **values))


def test_one_pair_a_step_is_enough_where_nothing_is_compared() -> None:
    run = changed(run_of(batch_size=1), objective=runs.Objective(kind="language-model"))
    runs.check(run)
    assert runs.warnings(changed(run, optimiser=changed(run.optimiser, warmup_steps=0))) == []


@pytest.mark.parametrize(
    "told",
    [{"kind": "pseudo-labels"}, {"captioning": 1.0}, {"kind": "language-model", "self_supervision": 1.0}],
    ids=str,
)
def test_a_pair_alone_is_refused_where_it_is_told_from_others(told: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match=r"batch_size must be 2"):
        runs.check(changed(run_of(batch_size=1), objective=runs.Objective(**told)))


def test_a_pair_alone_is_enough_for_the_sigmoid_objective() -> None:
    run = run_of(replace(VIT, logit_bias_init=-10.0), batch_size=1)
    runs.check(changed(run, objective=runs.Objective(kind="sigmoid")))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (replace(VIT, embed_dim=-5), "model.embed_dim must be 1"),
        (replace(VIT, text=replace(VIT.text, layers=-1)), "text.layers must be 1"),
        (replace(VIT, vision=replace(VIT.vision, layers=0)), "vision.layers and text.layers must be 1"),
        (replace(VIT, vision=replace(VIT.vision, layers=(1, 1, 1, 1))), "one number for patches"),
        (replace(RESNET, vision=replace(RESNET.vision, layers=(1, 0, 1, 1))), "vision.layers and text.layers must be"),
        (replace(VIT, text=replace(VIT.text, mlp_ratio=-1.0)), "mlp_ratio must be above 0"),
        (replace(RESNET, vision=replace(RESNET.vision, width=1)), "vision.width of 2"),
        (replace(RESNET, vision=replace(RESNET.vision, image_size=16)), "image_size of 32"),
        (replace(VIT, vision=replace(VIT.vision, heads=3)), "image tower must be divisible by vision.heads"),
        (replace(RESNET, vision=replace(RESNET.vision, heads=3)), "image tower must be divisible by vision.heads"),
        (replace(VIT, text=replace(VIT.text, heads=3)), "text.width must be divisible by text.heads"),
        (replace(VIT, vision=replace(VIT.vision, patch_size=5)), "divisible by vision.patch_size"),
        (replace(VIT, vision=replace(VIT.vision, patch_size=None)), "patch_size must be given"),
        (replace(VIT, vision=replace(VIT.vision, heads=0)), "vision.heads and vision.image_size must be 1 or more"),
        (replace(VIT, text=replace(VIT.text, heads=0)), "text.heads must be 1 or more"),
    ],
)
def test_towers_that_cannot_be_made_are_refused(config: CLIPConfig, told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        runs.check(run_of(config))


def test_every_known_architecture_can_be_made() -> None:
    for config in CONFIGS.values():
        kind = "contrastive" if config.logit_bias_init is None else "sigmoid"
        runs.check(changed(run_of(config), objective=runs.Objective(kind=kind)))  # type: ignore[arg-type]


def test_what_is_seldom_meant_is_told() -> None:
    run = run_of(steps=16, batch_size=32)
    assert runs.warnings(run) == []  # four steps of sixteen
    (long,) = runs.warnings(with_table("optimiser", run, warmup_steps=5))
    assert "takes 5 of 16 steps" in long
    (few,) = runs.warnings(with_table("loop", run, batch_size=31))
    assert "with 31 texts only" in few
