from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.package import load_package
from clipsearch.errors import ClipsearchError
from clipsearch.model import CLIPConfig, load
from clipsearch.model.checkpoint import save
from clipsearch.paths import resource_path
from tests.encode.tiny_packages import VIT as CLIPS_WORDS
from tests.encode.tiny_packages import random_model
from tests.training.tiny_runs import BAG, EOT, RESNET, VIT, colours, run_of, write_run
from training.__main__ import main
from training.data.texts import Texts
from training.errors import TrainingError
from training.export import export
from training.loop.train import train


@pytest.fixture
def few_demo_photos(tmp_path: Path) -> Path:
    """Let the background be of a few pictures, where it is not what is tested."""
    return colours(tmp_path / "background", ("red", "yellow"), 2)


def test_a_run_is_trained_exported_imported_and_searched_with(tmp_path: Path) -> None:
    run, package, photos = tmp_path / "run", tmp_path / "package", colours(tmp_path / "photos", count=1)
    train(run_of(VIT), run)
    main(["export", str(run), "--out", str(package), "--name", "mine", "--title", "Mine", "--licence", "CC0-1.0"])

    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"), str(tmp_path / "home"))
    environment = os.environ | homes | {"CLIPSEARCH_MODELS": str(tmp_path / "models")}

    def program(*words: object) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "clipsearch", *map(str, words), "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    (imported,) = program("models", "import", package)
    assert (imported["name"], imported["title"], imported["licence"]) == ("mine", "Mine", "CC0-1.0")
    program("models", "use", "mine")
    assert program("index", photos)[-1]["added"] == 3
    assert program("models", "use", "mine") == [{"chosen": "mine", "answering": "mine"}]
    assert len(program("search", "a photo of red")) == 3

    model, encoder = load(run / "model"), Encoder(load_package(package), engine="torch")
    assert (run / "README.md").read_text("utf-8").startswith("# tiny run")
    texts = ["A photo of  RED", "a green circle and the blue square", "dog " * 30]  # the last one is cut
    with torch.inference_mode():
        wanted = torch.nn.functional.normalize(model.encode_text(Texts.load(run)(texts)), dim=-1).numpy()
    assert np.allclose(encoder.encode_texts(texts), wanted, atol=1e-5)
    assert not np.allclose(wanted[0], wanted[1], atol=1e-3)


def test_the_background_is_the_demo_s_photos(tmp_path: Path) -> None:
    package = export(write_run(tmp_path / "run") / "model" / "model.safetensors", tmp_path / "package")
    background = package.background()
    assert background.shape == (len(list(resource_path("demo").glob("*.jpg"))), VIT.embed_dim)
    assert np.allclose(np.linalg.norm(background, axis=1), 1, atol=1e-3)
    assert package.background().std(0).max() > 0
    assert (package.name, package.title, package.eot_id, package.context_length) == ("tiny-run", "tiny-run", EOT, 12)


@pytest.mark.parametrize("config", [RESNET, BAG], ids=["resnet", "bag"])
def test_other_towers_are_exported(config: CLIPConfig, tmp_path: Path, few_demo_photos: Path) -> None:
    package = export(write_run(tmp_path / "run", config), tmp_path / "package", background=few_demo_photos)
    texts = Encoder(package, engine="onnx").encode_texts(["a red square", "square red a", "dog"])
    assert package.background().shape == (4, config.embed_dim)
    assert np.allclose(texts[0], texts[1], atol=1e-5) == (config is BAG)
    assert not np.allclose(texts[0], texts[2], atol=1e-3)


def test_a_folder_without_a_run_is_exported_with_clip_s_tokenizer(tmp_path: Path, few_demo_photos: Path) -> None:
    save(random_model(CLIPS_WORDS), tmp_path / "tuned")
    package = export(tmp_path / "tuned", tmp_path / "package", background=few_demo_photos)
    assert (package.name, package.eot_id, package.cleaning) == ("tuned", 49407, "clip")


def test_a_checkpoint_of_the_loop_is_exported_by_its_average(tmp_path: Path, few_demo_photos: Path) -> None:
    run = write_run(tmp_path / "run")
    for step in (900, 1000):
        model = random_model(VIT)
        for part in ("", "average"):
            save(model, run / "checkpoints" / f"step-{step:08}" / part)
            model.visual.proj.data *= step  # type: ignore[union-attr,operator]
    first = export(run / "checkpoints" / "step-00000900", tmp_path / "first", background=few_demo_photos)
    wanted = load(run / "checkpoints" / "step-00000900" / "average").state_dict()["visual.proj"]
    assert torch.equal(load_file(tmp_path / "first" / "weights.safetensors")["visual.proj"], wanted)
    shutil.rmtree(run / "model")
    newest = export(run, tmp_path / "newest", background=few_demo_photos)
    assert first.name == newest.name == "tiny-run"
    assert first.revision != newest.revision
    assert first.eot_id == EOT


@pytest.mark.parametrize("kind", ["language-model", "bag-of-words-prediction", "visual-n-grams"])
def test_a_model_that_only_predicts_texts_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"{kind} only predicts.*cannot be a package"):
        export(write_run(tmp_path / "run", kind=kind) / "model", tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="choose a new folder"):
        export(write_run(tmp_path / "run"), tmp_path / "run")
    assert (tmp_path / "run" / "run.toml").is_file()


def test_a_run_before_its_first_checkpoint_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    shutil.rmtree(run / "model")
    with pytest.raises(TrainingError, match="first checkpoint"):
        export(run, tmp_path / "package")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{}", "cleaning"), ('{"cleaning": "none", "eot_id": 1, "context_length": 99, "pad_id": 0}', "99 positions")],
)
def test_a_tokenizer_used_in_a_way_that_does_not_fit_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "text.json").write_text(text)
    with pytest.raises(ClipsearchError, match=rf"text\.json.*{reason}"):
        export(run, tmp_path / "package")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_no_background_leaves_nothing_behind(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="no pictures"):
        export(run, tmp_path / "package", background=tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "run"]


@pytest.mark.parametrize("name", ["../mine", "con", "a b"])
def test_a_name_that_the_program_would_not_take_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="model's name"):
        export(write_run(tmp_path / "run"), tmp_path / "package", name)
