from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from clipsearch.model import load
from tests.training.tiny_runs import RESNET, VIT, run_of, write_run
from training import card
from training import run as runs
from training.errors import TrainingError


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run with a log whose last line was cut off, a result and curves."""
    folder = write_run(tmp_path / "run")
    (folder / "log.csv").write_text(
        "step,loss,loss_self_supervision,pairs_per_second,waiting\n10,3.5,1,20,1\n20,1.25678,0.5,21.0,1\n21,1.0,1,2,1"
    )
    result = {"zero_shot_accuracy": 0.4375, "chance": 0.125, "steps": 20, "seconds": 1234.5, "checkpoint": "model"}
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "curves.png").write_bytes(b"\x89PNG")
    return folder


def test_every_number_is_the_run_s(finished: Path) -> None:
    text = card.write(finished).read_text("utf-8")
    count = sum(parameter.numel() for parameter in load(finished / "model").parameters())
    assert f"{count:,} parameters" in text
    for told in (
        "43.75%",
        "12.50%",
        "1,234 s",
        "| loss at the end | 1.257 |",
        "| of it self supervision | 0.5 |",
        "| pairs a second at the end | 21 |",
        "20 of 20 steps of 8 pairs",
    ):
        assert told in text
    assert "160 pairs seen" in text and "learning rate 0.001" in text and "12 of 32 tokens" in text
    assert "](curves.png)" in text and "](run.toml)" in text


def test_it_has_the_parts_of_a_model_card(finished: Path) -> None:
    text = card.write(finished).read_text("utf-8")
    assert text.startswith("# tiny run\n")
    parts = ["Use", "Training", "Numbers", "Limits and biases", "Licence, rights, people"]
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == parts
    assert text.count("- [ ] ") >= 5
    assert "rendered scenes only" in text and "held-out scenes" in text


def test_what_was_not_measured_is_not_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", RESNET)
    (folder / "result.json").write_text('{"zero_shot_accuracy": null, "chance": null}')
    text = card.write(folder).read_text("utf-8")
    assert "Nothing was measured." in text
    assert "curves.png" not in text and "%" not in text and "ResNet" in text


def test_the_parameters_of_a_resnet_leave_out_its_statistics(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", RESNET)
    assert card.read(folder).parameters == sum(one.numel() for one in load(folder / "model").parameters())


def test_a_model_without_a_common_space_is_not_said_to_search(tmp_path: Path) -> None:
    text = card.write(write_run(tmp_path / "run", kind="language-model")).read_text("utf-8")
    assert "it cannot search" in text and "models import" not in text


@pytest.mark.parametrize("kind", ["scenes", "table", "folder", "shards", "library"])
@pytest.mark.parametrize("objective", ["contrastive", "pseudo-labels", "visual-n-grams"])
def test_all_data_and_objectives_are_told(kind: str, objective: str, tmp_path: Path) -> None:
    run = run_of(VIT, objective)
    data = runs.Data(kind=kind, path="somewhere")  # type: ignore[arg-type]
    parts = runs.Objective(kind=run.objective.kind, captioning=2.0, patch_dropout=0.5, locked_image_tower=True)
    changed = runs.Run(name="x", model=run.model, data=data, optimiser=run.optimiser, loop=run.loop, objective=parts)
    text = card.card(card.Finished(changed, tmp_path))
    assert ("`somewhere`" in text) == (kind != "scenes")
    assert "with weight 2.0" in text and "50% of the patches" in text and "LiT" in text


def test_a_damaged_result_is_told(finished: Path) -> None:
    (finished / "result.json").write_text("{")
    with pytest.raises(TrainingError, match="damaged"):
        card.write(finished)
    (finished / "result.json").write_text('{"seconds": "long"}')
    with pytest.raises(TrainingError, match=r"damaged: .*long"):
        card.write(finished)


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"run\.toml cannot be read"):
        card.write(tmp_path)
