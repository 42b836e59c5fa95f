"""Runs that begin with weights: of both towers, or of the image tower alone, as LiT does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace as changed
from torch import Tensor

from clipsearch.model import CLIPConfig, load
from tests.training.tiny_runs import VIT, run_of, write_run
from training import card
from training import run as runs
from training.errors import TrainingError
from training.export import export
from training.loop import logs
from training.loop.beginning import open_beginning
from training.loop.train import train
from training.run import Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard", "ignore::DeprecationWarning:google")

OTHER_WORDS = replace(VIT, text=replace(VIT.text, vocab_size=48, width=16))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave curves undrawn, which would take as long as all steps."""
    monkeypatch.setattr(logs, "draw", lambda rows, path: path.touch())


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run to begin with."""
    return write_run(tmp_path_factory.mktemp("begun") / "run")


def beginning_with(path: Path, config: CLIPConfig = VIT, towers: str = "both", **objective: Any) -> Run:
    """Describe a run of one step that hardly changes its weights."""
    run = run_of(config)
    return changed(
        run,
        start=runs.Start(path=str(path), towers=towers),  # type: ignore[arg-type]
        objective=runs.Objective(**objective),
        optimiser=runs.Optimiser(learning_rate=1e-7, warmup_steps=0),
        loop=changed(run.loop, steps=1),
        device="cpu",
    )


def weights(path: Path) -> dict[str, Tensor]:
    return load(path).state_dict()


def test_both_towers_come_with_their_tokenizer(begun: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(beginning_with(begun), out)
    before, after = weights(begun / "model"), weights(out / "model")
    assert all(torch.allclose(after[name], before[name], atol=1e-5) for name in before)
    assert any(not torch.equal(after[name], before[name]) for name in before)
    assert (out / "tokenizer.json").read_bytes() == (begun / "tokenizer.json").read_bytes()
    told = (out / "README.md").read_text("utf-8")
    assert f"It began with the weights of `{begun}`: both towers" in told
    assert f"tokens, of `{begun}` |" in told


def test_a_locked_image_tower_is_the_one_it_began_with_beside_a_new_text_tower(begun: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(beginning_with(begun, OTHER_WORDS, "image", locked_image_tower=True), out)
    before, after = weights(begun / "model"), weights(out / "model")
    images = [name for name in before if name.startswith("visual.")]
    assert all(torch.equal(after[name], before[name]) for name in images)
    assert after["token_embedding.weight"].shape == (48, 16)
    assert "the text tower began at random" in card.card(card.read(out))


def test_a_checkpoint_or_a_package_may_be_begun_with(begun: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    export(begun, package, "tiny")
    train(beginning_with(begun), tmp_path / "first")
    for path in (package, tmp_path / "first" / "checkpoints" / "step-00000001", begun / "model" / "model.safetensors"):
        for towers in ("both", "image"):
            found = open_beginning(beginning_with(path, towers=towers))
            assert found is not None
            assert (found.texts() is None) == (towers == "image")
            images = found.clip.visual.state_dict()["proj"]
            assert torch.allclose(images, weights(begun / "model")["visual.proj"], atol=1e-5)


def test_going_on_does_not_need_what_it_began_with(begun: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(begun, gone)
    run, out = beginning_with(gone), tmp_path / "out"
    train(run, out)
    shutil.rmtree(gone)
    assert train(run, out).steps == 1


@pytest.mark.parametrize(
    ("config", "towers", "told"),
    [
        (OTHER_WORDS, "both", r"text.vocab_size is 32 there and 48 here, text.width is 32 there and 16 here\.$"),
        (replace(VIT, activation="quick_gelu"), "image", r"model: activation is gelu there and quick_gelu here\.$"),
        (replace(VIT, vision=replace(VIT.vision, heads=3)), "image", r"vision.heads is 2 there and 3 here\.$"),
        (replace(VIT, vision=replace(VIT.vision, mlp_ratio=2.0)), "image", r"model: visual.* instead of"),
        (replace(VIT, embed_dim=24), "image", "embed_dim is 32 there and 24 here"),
    ],
)
def test_another_architecture_is_refused_in_a_sentence(
    begun: Path, tmp_path: Path, config: CLIPConfig, towers: str, told: str
) -> None:
    with pytest.raises(TrainingError, match=told):
        train(beginning_with(begun, config, towers), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("towers", ["both", "image"])
def test_nothing_to_begin_with_is_told(tmp_path: Path, towers: str) -> None:
    with pytest.raises(TrainingError, match=r"cannot begin with start.path = .*nowhere: "):
        train(beginning_with(tmp_path / "nowhere", towers=towers), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_random_tower_is_not_locked() -> None:
    run = changed(run_of(VIT), objective=runs.Objective(locked_image_tower=True))
    with pytest.raises(TrainingError, match=r"random weights; name trained ones by start\.path"):
        open_beginning(run)
    runs.check(run)  # one that was trained may be read


def test_what_predicts_texts_begins_with_an_image_tower(begun: Path) -> None:
    with pytest.raises(TrainingError, match=r'start\.towers be "image"'):
        open_beginning(beginning_with(begun, kind="language-model"))
    assert open_beginning(beginning_with(begun, towers="image", kind="language-model"))
