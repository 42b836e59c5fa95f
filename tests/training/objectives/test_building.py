"""What a run's table makes: which parts, what is frozen, what stays out of training, and what is refused."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from clipsearch.model import CLIP, CLIPConfig
from tests.training.objectives.tiny import (
    BAG,
    BIASED,
    EVERY,
    RESNET,
    SIGLIP,
    VIT,
    batch_of,
    learner_of,
    run_of,
    texts,
    whole_loss,
)
from training import run as runs
from training.errors import TrainingError
from training.objectives import Learner, build
from training.objectives.composite import Composite
from training.objectives.visual_n_grams import VisualNGrams

REFUSED: list[tuple[CLIPConfig, dict[str, Any], str]] = [
    (VIT, {"patch_dropout": 1.0}, "share of the patches"),
    (VIT, {"captioning": -1.0}, "not be negative"),
    (VIT, {"self_supervision": float("nan")}, "not be negative"),
    (RESNET, {"patch_dropout": 0.5}, "image tower of patches"),
    (VIT, {"locked_image_tower": True, "patch_dropout": 0.5}, "learns nothing"),
    (VIT, {"locked_image_tower": True, "self_supervision": 1.0}, "learns nothing"),
    (VIT, {"kind": "language-model", "captioning": 1.0}, "compares pictures and texts"),
    (VIT, {"kind": "visual-n-grams", "captioning": 1.0}, "compares pictures and texts"),
    (BAG, {"captioning": 1.0}, "causal Transformer"),
    (SIGLIP, {"kind": "sigmoid", "captioning": 1.0}, "causal Transformer"),
    (VIT, {"kind": "sigmoid"}, "logit_bias_init"),
    (BIASED, {}, "logit_bias_init"),
    (VIT, {"kind": "visual-n-grams", "ngrams": 0}, "ngrams"),
]


@pytest.mark.parametrize(("config", "table", "told"), REFUSED, ids=lambda value: str(value)[:40])
def test_senseless_mixtures_are_refused_in_a_sentence(config: CLIPConfig, table: dict[str, Any], told: str) -> None:
    with pytest.raises(TrainingError, match=told) as error:
        build(run_of(config, **table), CLIP(config), [texts()])
    assert error.value.message.endswith(".")


@pytest.mark.parametrize("name", EVERY)
def test_every_weight_to_be_trained_gets_a_gradient(name: str) -> None:
    """So that DDP needs to look for none that is not used."""
    config, table = EVERY[name]
    learner = learner_of(config, **table)
    whole_loss(learner, batch_of(config)).backward()  # type: ignore[no-untyped-call]
    assert [
        name for name, weight in learner.named_parameters() if weight.requires_grad != (weight.grad is not None)
    ] == []


@pytest.mark.parametrize("kind", ["language-model", "bag-of-words-prediction", "visual-n-grams"])
def test_a_text_tower_without_use_is_frozen(kind: str) -> None:
    learner = learner_of(VIT, kind=kind)
    trained = {name for name, weight in learner.clip.named_parameters() if weight.requires_grad}
    assert trained == {name for name, _ in learner.clip.named_parameters() if name.startswith("visual.")}


def test_losses_are_weighted() -> None:
    heavy, light = (learner_of(VIT, captioning=weight, self_supervision=2 * weight) for weight in (3.0, 1.0))
    losses = []
    for learner in (heavy, light):
        features = learner(batch_of(VIT))
        everyone = {name: features[name] for name in learner.objective.gathered}
        losses.append(learner.objective.losses(features, everyone, 0))
    assert set(losses[0]) == {"contrastive", "captioning", "self_supervision"}
    for name, factor in (("contrastive", 1), ("captioning", 3), ("self_supervision", 3)):
        torch.testing.assert_close(losses[0][name], factor * losses[1][name])
    torch.testing.assert_close(losses[1]["self_supervision"], 2 * _alone(light))


def _alone(learner: Learner) -> torch.Tensor:
    assert isinstance(learner.objective, Composite)
    features = learner(batch_of(VIT))
    part = learner.objective.objectives[2]
    return part.losses(features, {name: features[name] for name in part.gathered}, 0)["self_supervision"]


def test_a_locked_tower_keeps_its_weights_its_statistics_and_no_gradients() -> None:
    learner, batch = learner_of(RESNET, locked_image_tower=True), batch_of(RESNET)
    before = copy.deepcopy(learner.clip.state_dict())
    learner.train()
    assert learner.clip.text.training
    assert not any(module.training for module in learner.clip.visual.modules())
    features = learner(batch)
    assert not features["image"].requires_grad
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-2)
    whole_loss(learner, batch).backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    for name, value in learner.clip.state_dict().items():
        is_locked = name.startswith("visual.")
        assert torch.equal(value, before[name]) or not is_locked, name
    assert not torch.equal(learner.clip.state_dict()["text_projection"], before["text_projection"])


def test_patches_are_dropped_in_training_only() -> None:
    learner, batch = learner_of(VIT, patch_dropout=0.75, captioning=1.0), batch_of(VIT)
    _, patches = learner.clip.encode_image_and_patches(batch.pixels)
    assert patches.shape == (8, 4, 32)  # of sixteen
    assert not torch.equal(learner(batch)["image"], learner(batch)["image"])
    learner.eval()
    whole = learner_of(VIT, captioning=1.0).eval()
    torch.testing.assert_close(learner(batch), whole(batch))


def test_n_grams_are_those_of_the_runs_texts(tmp_path: Path) -> None:
    """Counted without a look at any picture."""
    rows = ["a red dog", "a red cat", "a dog", "a dog"]
    table = tmp_path / "pairs.csv"
    table.write_text("filepath,title\n" + "".join(f"none.png,{row}\n" for row in rows))
    source = runs.Data(kind="table", path=str(table), workers=0)
    run = run_of(VIT, kind="visual-n-grams", ngrams=6)
    objective = build(_with(run, source), CLIP(VIT))
    assert isinstance(objective, VisualNGrams)
    assert len(objective.dictionary) == 6  # a, dog, red, a dog, a red, cat or red dog or red cat
    sizes = [int(number) for number in objective.dictionary.find(texts())[0].shape]
    assert sizes == [8, 10, objective.dictionary.order]
    assert objective.dictionary.order == 2


def _with(run: runs.Run, source: runs.Data) -> runs.Run:
    import msgspec

    return msgspec.structs.replace(run, data=source)


def test_the_teacher_begins_as_the_model_is() -> None:
    learner = learner_of(VIT, kind="pseudo-labels")
    teacher = learner.objective.get_submodule("teacher")
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), learner.clip.parameters(), strict=True))
    assert not any(weight.requires_grad for weight in teacher.parameters())


def test_learners_can_be_copied_and_stored() -> None:
    """As the loop does for evaluation and checkpoints."""
    for config, table in EVERY.values():
        learner = learner_of(config, **table)
        twin = learner_of(config, seed=1, **table)
        twin.load_state_dict(learner.state_dict())
        batch = replace(batch_of(config))
        torch.testing.assert_close(whole_loss(twin, batch), whole_loss(copy.deepcopy(learner), batch))
