"""The runs that come with the package: each is understood, and the paper's has the paper's numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from clipsearch.encode.prompts import template_set
from clipsearch.model import CLIP
from training import run as runs
from training.loop import optimiser
from training.objectives import Learner, build

FOLDER = Path(runs.__file__).parent / "configs"
FILES = sorted(FOLDER.rglob("*.toml"))
FIGURE_2 = sorted((FOLDER / "figure-2").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_can_be_read_and_begun(file: Path) -> None:
    run = runs.read(file)
    template_set(run.evaluation.templates)
    assert run.evaluation.classes == ""  # nobody has the folder by chance
    with torch.device("meta"):
        clip = CLIP(run.network)
        learner = Learner(clip, build(run, clip))
    assert optimiser.make(run, learner).param_groups


def test_the_papers_run() -> None:
    run = runs.read(FOLDER / "vit-b-32.toml")
    settings, loop = run.optimiser, run.loop
    assert (loop.batch_size, loop.steps * loop.batch_size) == (32_768, 32 * 400_000_000)
    assert (settings.learning_rate, settings.weight_decay, settings.warmup_steps) == (5e-4, 0.2, 2000)
    assert optimiser.moments(settings, run.network) == ((0.9, 0.98), 1e-6)
    assert sum(weight.numel() for weight in _weights(run)) == 151_277_313
    assert (run.text.context_length, run.network.activation, run.data.augment) == (77, "quick_gelu", "crop")
    assert (run.data.least_scale, runs.Data(kind="scenes").least_scale) == (1.0, 1.0)  # the paper's square, whole
    assert runs.warnings(run) == []


def _weights(run: runs.Run) -> list[torch.Tensor]:
    with torch.device("meta"):
        return list(CLIP(run.network).parameters())


def test_the_anchor_has_the_moments_of_a_resnet() -> None:
    run = runs.read(FOLDER / "rn50-yfcc15m.toml")
    assert optimiser.moments(run.optimiser, run.network) == ((0.9, 0.999), 1e-8)


def test_figure_2_differs_in_what_is_learned_only() -> None:
    found = [runs.read(file) for file in FIGURE_2]
    assert len(found) == 4
    assert {run.objective.kind for run in found} == {"contrastive", "bag-of-words-prediction", "language-model"}
    assert len({str(run.network.vision) for run in found}) == 1
    assert sorted(run.network.text.kind for run in found) == ["bag-of-words", *["transformer"] * 3]
    alike = [replace(run, name="", model="", objective=runs.Objective()) for run in found]
    assert all(run == alike[0] for run in alike)
