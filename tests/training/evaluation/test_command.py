from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from clipsearch.encode.prompts import fill, template_set
from tests.training.tiny_runs import VIT, colours, run_of
from training import run as runs
from training.__main__ import main
from training.loop.train import train


def test_a_language_model_is_measured_by_what_it_says_of_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its text tower has learned nothing, so that cosines would be chance."""
    (template,) = template_set("default")
    pictures, run = colours(tmp_path / "pictures"), tmp_path / "run"
    for path in pictures.rglob("*.png"):
        path.with_suffix(".txt").write_text(fill(template, path.parent.name))
    described = replace(
        run_of(VIT, "language-model"),
        data=runs.Data(kind="folder", path=str(pictures), augment="none", workers=0),
        optimiser=runs.Optimiser(learning_rate=3e-3, warmup_steps=5, clip_norm=1.0),
        loop=runs.Loop(steps=80, batch_size=12),
    )
    train(described, run)
    for model in (run, run / "checkpoints" / "step-00000080"):
        capsys.readouterr()
        main(["evaluate", str(model), "--classes", str(pictures)])
        assert json.loads(capsys.readouterr().out)["zero_shot_accuracy"] == 1.0
