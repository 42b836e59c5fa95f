from __future__ import annotations

import json
import multiprocessing
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from clipsearch.encode import convert, onnx_towers
from clipsearch.encode.encoder import Encoder
from clipsearch.encode.package import load_package
from clipsearch.encode.tokenizer import clip_tokenizer
from clipsearch.errors import CheckpointError, ConversionError
from clipsearch.model import CLIPConfig, load
from clipsearch.model.checkpoint import save
from clipsearch.records import ModelStage
from tests.encode.tiny_packages import QUICK, SIGLIP, VIT, checkpoint, package, random_model, write_tokenizer


def start(source: Path, folder: Path, **options: Any) -> Any:
    return convert.convert(source, folder, name="tiny", title="Tiny", licence="MIT", **options)


def attempt(source: Path, folder: Path, architecture: str | None = None) -> Any:
    """Convert in this process; return how it ended."""

    class Pipe:
        def send(self, step: object) -> None: ...

    folder.mkdir(exist_ok=True)
    return convert._outcome(Pipe(), convert._Job(source, folder, "tiny", "Tiny", "MIT", architecture))


def test_a_checkpoint_becomes_a_package_with_torch_s_vectors(tmp_path: Path) -> None:
    source, made = checkpoint(QUICK, tmp_path / "checkpoint"), tmp_path / "models" / "made"
    steps = list(start(source, made))
    assert {step.stage for step in steps} == {ModelStage.CONVERTING, ModelStage.CHECKING}
    encoder, model = Encoder.from_folder(made, engine="onnx"), load(source)
    texts = ["a dog", "Tom &amp; Jerry watch a sunset"]
    with torch.inference_mode():
        wanted = model.encode_text(torch.from_numpy(clip_tokenizer()(texts)[0])).numpy()
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.allclose(encoder.encode_texts(texts), wanted, atol=1e-5)
    assert sorted(path.name for path in made.iterdir()) == [
        "image.onnx", "model.json", "text.onnx", "tokenizer.json", "weights.safetensors"
    ]  # fmt: skip


def test_model_json_says_what_the_checkpoint_is(tmp_path: Path) -> None:
    made = package(VIT, tmp_path)
    assert (made.name, made.title, made.licence, made.dim) == ("tiny", "Tiny", "MIT", VIT.embed_dim)
    assert CLIPConfig.from_json(json.loads(json.dumps(made.architecture))) == VIT
    assert (made.preprocess.size, made.preprocess.resize, made.preprocess.mean) == (64, "shortest", VIT.mean)
    assert (made.context_length, made.pad_id, made.cleaning, made.eot_id) == (77, 0, "clip", 49407)


def test_weights_keep_their_precision(tmp_path: Path) -> None:
    made = package(VIT, tmp_path, torch.float16)
    with safe_open(made.weights, framework="pt") as file:
        assert file.get_tensor("visual.proj").dtype == torch.float16


def test_weights_in_double_precision_become_single(tmp_path: Path) -> None:
    made = package(VIT, tmp_path, torch.float64)
    with safe_open(made.weights, framework="pt") as file:
        assert file.get_tensor("visual.proj").dtype == torch.float32


def test_other_weights_are_another_revision(tmp_path: Path) -> None:
    for name, model in {"one": random_model(VIT), "same": random_model(VIT), "other": changed()}.items():
        save(model, tmp_path / name / "checkpoint")
        assert attempt(tmp_path / name / "checkpoint", tmp_path / name / "package") is None
    one, same, other = (load_package(tmp_path / name / "package").revision for name in ("one", "same", "other"))
    assert one == same != other


def changed() -> Any:
    model = random_model(VIT)
    model.visual.proj.data[0, 0] += 1
    return model


def test_siglip_brings_its_own_tokenizer(tmp_path: Path) -> None:
    made = package(SIGLIP, tmp_path)
    assert (made.context_length, made.pad_id, made.cleaning, made.eot_id) == (16, 7, "canonical", None)
    encoder = Encoder(made, engine="onnx")
    alone, together = encoder.encode_texts(["a dog"]), encoder.encode_texts(["a dog", "a cat, a dog and mountains"])
    assert np.allclose(alone[0], together[0], atol=1e-5)


def test_siglip_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    save(random_model(SIGLIP), tmp_path / "checkpoint")
    error = attempt(tmp_path / "checkpoint", tmp_path / "made")
    assert isinstance(error, ConversionError) and "tokenizer.json" in error.message


def test_what_training_says_of_its_tokenizer_counts(tmp_path: Path) -> None:
    source, made = checkpoint(SIGLIP, tmp_path / "checkpoint"), tmp_path / "made"
    form = {"context_length": 16, "pad_id": 8, "cleaning": "whitespace", "eot_id": 13}
    (source / "text.json").write_text(json.dumps(form))
    for _ in convert.convert_here(source, made, name="tiny", title="Tiny", licence="MIT"):
        pass
    assert load_package(made).to_json()["text"] == form


@pytest.mark.parametrize("wrong", [{"pad_id": None}, {"cleaning": "polish"}, {"context_length": 17}])
def test_what_is_wrong_with_it_is_told_and_nothing_is_left(wrong: dict[str, Any], tmp_path: Path) -> None:
    source = checkpoint(SIGLIP, tmp_path / "checkpoint")
    form = {"context_length": 16, "pad_id": 8, "cleaning": "whitespace", "eot_id": 13} | wrong
    (source / "text.json").write_text(json.dumps(form))
    with pytest.raises(ConversionError, match=r"text\.json beside the weights is not understood"):
        list(convert.convert_here(source, tmp_path / "made", name="tiny", title="Tiny", licence="MIT"))
    assert not (tmp_path / "made").exists()


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "checkpoint"
    save(random_model(replace(SIGLIP, text=replace(SIGLIP.text, vocab_size=9))), source)
    write_tokenizer(source)
    error = attempt(source, tmp_path / "made")
    assert isinstance(error, ConversionError) and "does not belong" in error.message


def test_a_tower_that_differs_is_refused_with_the_worst_figure(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(onnx_towers, "_QUICK_GELU", 1.0)
    error = attempt(checkpoint(QUICK, tmp_path / "checkpoint"), tmp_path / "made")
    assert isinstance(error, ConversionError)
    assert "another vector than torch for the photo" in error.message and "0.9" in error.message


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    model = random_model(VIT)
    model.visual.proj.data[:] = torch.nan
    save(model, tmp_path / "checkpoint")
    error = attempt(tmp_path / "checkpoint", tmp_path / "made")
    assert isinstance(error, ConversionError) and "cosine is -1" in error.message


def test_an_unreadable_checkpoint_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "weights.safetensors"
    source.write_bytes(b"\0" * 100)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors"):
        list(start(source, tmp_path / "made"))
    assert list(tmp_path.iterdir()) == [source]


def test_closing_stops_the_process_and_leaves_nothing(tmp_path: Path) -> None:
    source = checkpoint(VIT, tmp_path / "checkpoint")
    with closing(start(source, tmp_path / "made")) as steps:
        next(steps)
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
    assert not (tmp_path / "made").exists()


def test_a_process_that_dies_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    steps = start(checkpoint(VIT, tmp_path / "checkpoint"), tmp_path / "made")
    next(steps)
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(ConversionError, match="memory"):
        list(steps)
    assert not (tmp_path / "made").exists()


def test_a_full_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "precious.txt").write_text("mine")
    with pytest.raises(ConversionError, match="not empty"):
        next(start(tmp_path, tmp_path / "made"))
    assert (tmp_path / "made" / "precious.txt").read_text() == "mine"


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(convert, "find_spec", lambda name: None if name in {"torch", "onnx"} else name)
    with pytest.raises(ConversionError, match=r"needs torch and onnx.*clipsearch\[convert\]"):
        next(start(tmp_path, tmp_path / "made"))
    assert not (tmp_path / "made").exists()
