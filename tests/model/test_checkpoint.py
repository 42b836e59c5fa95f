"""Bare weights, our own format, and everything that can be wrong with a file or folder."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from clipsearch.errors import ArchitectureUnknownError, CheckpointError
from clipsearch.model import CLIP, load
from clipsearch.model.checkpoint import read_checkpoint, save
from clipsearch.model.checkpoint.infer import infer, measure
from clipsearch.model.configs import CONFIGS, CLIPConfig
from tests.model.checkpoint_files import RESNET, SIGLIP, VIT, half, logits, random_model, same
from tests.model.tiny import BAG_OF_WORDS, EVERY, random_clip

# --- our own format -------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the tiny architecture, so that weights of its shape are enough."""
    monkeypatch.setitem(CONFIGS, VIT.name, VIT)


@pytest.mark.parametrize("config", EVERY, ids=lambda config: config.name)
def test_what_is_saved_is_loaded(config: CLIPConfig, tmp_path: Path) -> None:
    config = replace(config, name="my own", mean=(0.1, 0.2, 0.3), resize="squash", interpolation="bilinear")
    model = random_clip(config)
    save(model, tmp_path / "models" / "mine")
    loaded = load(tmp_path / "models" / "mine")
    assert loaded.config == config
    assert same(loaded.state_dict(), model.state_dict())
    assert torch.equal(logits(loaded), logits(model))
    assert not loaded.training
    assert names(tmp_path / "models" / "mine") == ["config.json", "model.safetensors"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_saving_again_replaces_the_model_it_came_from(tmp_path: Path) -> None:
    save(random_model(VIT, 0), tmp_path)
    model = load(tmp_path)
    with torch.no_grad():
        model.logit_scale.fill_(3.5)
    save(model, tmp_path)
    assert load(tmp_path).logit_scale.item() == 3.5
    assert same(load(tmp_path).state_dict(), model.state_dict())


@pytest.mark.usefixtures("tiny_known")
@pytest.mark.parametrize("write", [save_file, torch.save])
def test_a_model_does_not_depend_on_its_file(write: Any, tmp_path: Path) -> None:
    path = tmp_path / "laion2b.bin"
    write(random_model(VIT).state_dict(), path)
    model = load(path)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert same(model.state_dict(), random_model(VIT).state_dict())


def test_an_interrupted_save_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(random_model(VIT, 0), tmp_path)

    def fill_disk(state: dict[str, Tensor], file: Path, metadata: dict[str, str]) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", fill_disk)
    with pytest.raises(CheckpointError, match="No space left"):
        save(random_model(VIT, 1), tmp_path)
    assert same(load(tmp_path).state_dict(), random_model(VIT, 0).state_dict())
    assert names(tmp_path) == ["config.json", "model.safetensors"]


def test_the_architecture_of_our_own_format_is_checked(tmp_path: Path) -> None:
    save(random_model(VIT), tmp_path)
    values = json.loads((tmp_path / "config.json").read_text("utf-8"))
    wrong: list[tuple[tuple[str, ...], Any]] = [
        (("vision", "layers"), "2"),
        (("vision", "heads"), 3),
        (("vision", "colour"), 1),
        (("text", "pool"), "max"),
        (("activation",), "relu"),
        (("std",), [0.1, 0, 0.1]),
        (("std",), [0.1]),
        (("vision", "width"), 64),
    ]
    for (*place, key), value in wrong:
        changed = json.loads(json.dumps(values))
        inner = changed["clipsearch"]
        for part in place:
            inner = inner[part]
        inner[key] = value
        (tmp_path / "config.json").write_text(json.dumps(changed), "utf-8")
        with pytest.raises(CheckpointError) as caught:
            load(tmp_path)
        assert "\n" not in caught.value.message


# --- bare weights: the architecture is measured, named or asked for -------------------------------------------------


def write(state: dict[str, Tensor], path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    save_file(state, path)
    return path


@pytest.mark.parametrize("config", [VIT, SIGLIP, RESNET], ids=lambda config: config.name)
def test_sizes_are_measured(config: CLIPConfig) -> None:
    measured = measure(random_model(config).state_dict())
    assert (measured.vision, measured.text, measured.embed_dim) == (config.vision, config.text, config.embed_dim)


def test_a_bag_of_words_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIGS, BAG_OF_WORDS.name, BAG_OF_WORDS)
    model = random_clip(BAG_OF_WORDS)
    loaded = load(write(model.state_dict(), tmp_path / "bag.safetensors"))
    assert loaded.config == BAG_OF_WORDS
    assert torch.equal(logits(loaded), logits(model))


def shapes(name: str) -> dict[str, Tensor]:
    with torch.device("meta"):
        return CLIP(CONFIGS[name]).state_dict()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_known_architecture_is_recognised(name: str) -> None:
    config = CONFIGS[name]
    folder = {"quick_gelu": "openai"}.get(config.activation, "laion2b" if "SigLIP" not in name else "")
    found = infer(measure(shapes(name)), Path(folder) / f"{name}.safetensors")
    assert (found.vision, found.text, found.activation) == (config.vision, config.text, config.activation)


@pytest.mark.parametrize(
    ("name", "path", "activation"),
    [
        ("ViT-B-32", "vit_base_patch32_clip_224.openai/open_clip_model.safetensors", "quick_gelu"),
        ("ViT-B-32", "x/vit_b_32-quickgelu-laion400m_e32-46683a32.pt", "quick_gelu"),
        ("ViT-B-32", "CLIP-ViT-B-32-laion2B-s34B-b79K/open_clip_pytorch_model.bin", "gelu"),
        ("ViT-B-32", "x/ViT-B-32-metaclip_400m.pt", "quick_gelu"),
        ("ViT-B-16", "x/vit_b_16-laion400m_e32-55e67d44.pt", "gelu"),
        ("ViT-B-16", "DFN2B-CLIP-ViT-B-16/open_clip_pytorch_model.bin", "quick_gelu"),
        ("ViT-B-16", "CLIP-ViT-B-16-DataComp.XL-s13B-b90K/open_clip_pytorch_model.bin", "gelu"),
        ("ViT-L-14", "x/vit_l_14-laion400m_e32-3d133497.pt", "gelu"),
        ("ViT-L-14", "DFN2B-CLIP-ViT-L-14/open_clip_pytorch_model.bin", "quick_gelu"),
        ("ViT-L-14", "DFN2B-CLIP-ViT-L-14-39B/open_clip_pytorch_model.bin", "gelu"),
        ("ViT-H-14", "x/h14_v1.2_metaclip_altogether.pt", "gelu"),
        ("RN50", "x/resnet50_clip.openai.safetensors", "quick_gelu"),
    ],
)
def test_published_weights_are_known_by_their_names(name: str, path: str, activation: str) -> None:
    assert infer(measure(shapes(name)), Path(path)).activation == activation


def test_what_nothing_tells_is_asked_for() -> None:
    with pytest.raises(CheckpointError, match="give its name, such as ViT-B-32 or ViT-B-32-quickgelu"):
        infer(measure(shapes("ViT-B-32")), Path("weights/model.pt"))
    with pytest.raises(CheckpointError, match="ViT-SO400M-14-SigLIP-378 or ViT-SO400M-14-SigLIP-384"):
        infer(measure(shapes("ViT-SO400M-14-SigLIP-384")), Path("weights/model.pt"))


@pytest.mark.parametrize("name", ["model", "laion2b-tiny", "openai"])
def test_the_heads_of_unknown_sizes_are_not_guessed(name: str, tmp_path: Path) -> None:
    """The same weights with other heads are another model, and nothing in them shows it."""
    path = write(random_model(VIT).state_dict(), tmp_path / f"{name}.safetensors")
    with pytest.raises(ArchitectureUnknownError, match=r"2 image layers of width 128.*number of attention heads") as it:
        load(path)
    assert it.value.choices == ()


def test_a_configuration_beside_the_weights_says_the_heads(tmp_path: Path) -> None:
    many = replace(VIT, vision=replace(VIT.vision, heads=8))
    model = random_model(many)
    save(model, tmp_path)
    assert load(tmp_path).config.vision.heads == 8
    assert torch.equal(logits(load(tmp_path / "model.safetensors")), logits(model))


@pytest.mark.usefixtures("tiny_known")
def test_half_and_brain_floats_become_full(tmp_path: Path) -> None:
    state = {name: tensor.bfloat16() for name, tensor in random_model(VIT).state_dict().items()}
    loaded = load(write(state, tmp_path / "openai.safetensors"))
    assert {tensor.dtype for tensor in loaded.state_dict().values()} == {torch.float32}
    assert same(loaded.state_dict(), state)


@pytest.mark.parametrize(
    ("weights", "name", "sentence"),
    [
        ("ViT-B-32", "ViT-L-14", "12 image layers of width 768; ViT-L-14 has 24 image layers of width 1024"),
        ("ViT-B-32", "ViT-B-16", "patches of 32 pixels; ViT-B-16 has patches of 16 pixels"),
        ("ViT-L-14", "ViT-L-14-336", "16 x 16 patches; ViT-L-14-336 has positions for 24 x 24"),
        ("RN50", "ViT-B-32", "a ResNet as image encoder; ViT-B-32 has a Vision Transformer"),
        ("RN50", "RN101", r"3\+4\+6\+3 image layers of width 64; RN101 has 3\+4\+23\+3"),
        ("ViT-B-16-SigLIP", "ViT-B-16-SigLIP2", "32,000 tokens; ViT-B-16-SigLIP2 has a vocabulary of 256,000"),
    ],
)
def test_another_architecture_is_named(
    weights: str, name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pt").touch()
    monkeypatch.setattr("clipsearch.model.checkpoint.read_weights", lambda files: shapes(weights))
    monkeypatch.setattr("clipsearch.model.checkpoint.is_torchscript", lambda file: False)
    with pytest.raises(CheckpointError, match=sentence):
        read_checkpoint(tmp_path / "a.pt", name)


def test_an_unknown_name_is_answered_with_near_ones(tmp_path: Path) -> None:
    path = write(random_model(VIT).state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"ViT-B-32"):
        load(path, "ViT-B32")


# --- files that are not what they should be -------------------------------------------------------------------------


def drop(name: str) -> Callable[[dict[str, Tensor]], Any]:
    return lambda state: state.pop(name)


def put(name: str, value: Any) -> Callable[[dict[str, Tensor]], Any]:
    return lambda state: state.update({name: value})


@pytest.mark.usefixtures("tiny_known")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop("visual.conv1.weight"), r"visual\.conv1\.weight is missing"),
        (drop("token_embedding.weight"), r"token_embedding\.weight is missing"),
        (drop("text_projection"), "text_projection is missing"),
        (drop("logit_scale"), "logit_scale"),
        (
            drop("transformer.resblocks.1.ln_2.bias"),
            r"1 tensor is missing, such as transformer\.resblocks\.1\.ln_2\.bias",
        ),
        (put("visual.ln_post.weight", torch.ones(3)), r"visual\.ln_post\.weight is 3 instead of 128"),
        (put("visual.proj", torch.ones(3)), r"visual\.proj is 3 instead of 128 x 32"),
        (put("visual.conv1.weight", torch.ones(3)), "impossible shapes"),
        (put("visual.positional_embedding", torch.ones(1, 1, 1, 1)), "No known architecture"),
        (put("text_projection", torch.ones(3)), "impossible shapes"),
        (put("token_embedding.weight", torch.tensor(1.0)), "impossible shapes"),
        (put("token_embedding.weight", torch.ones(99, 0)), "impossible shapes"),
        (put("extra.weight", torch.ones(3)), "1 tensor is too many, such as extra"),
        (put("visual.proj", torch.ones(128, 32, dtype=torch.int8)), "quantised"),
        (put("visual.trunk.attn_pool.q.weight", torch.ones(2)), "too many"),
        (lambda state: state.clear(), "missing"),
    ],
)
def test_what_does_not_fit_is_named(change: Any, reason: str, tmp_path: Path) -> None:
    state = random_model(VIT).state_dict()
    change(state)
    path = write(state, tmp_path / "openai.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert re.search(reason, caught.value.message), caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80",
        b"\x80\x02.",
        b"PK\x03\x04",
        b"<!DOCTYPE html><title>Sign in</title>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
        b"\xff" * 8 + b"{" + b"x" * 60,
        (2**40).to_bytes(8, "little") + b"{" + b" " * 60,
        (60).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}     ',
        b"\x89PNG\r\n\x1a\n" + bytes(64),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "model.bin", "model.pt"])
def test_other_files_are_refused_in_one_sentence(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / name, "ViT-B-32")
    assert name in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.6, 0.99])
def test_truncated_files_say_so(zipped: bool, share: float, tmp_path: Path) -> None:
    whole = tmp_path / "whole.pt"
    torch.save(random_model(VIT).state_dict(), whole, _use_new_zipfile_serialization=zipped)
    cut(whole, share)
    with pytest.raises(CheckpointError, match="damaged"):
        load(whole, "ViT-B-32")
    tensors = write(random_model(VIT).state_dict(), tmp_path / "whole.safetensors")
    cut(tensors, share)
    with pytest.raises(CheckpointError, match="damaged"):
        load(tensors, "ViT-B-32")


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize("content", [[1, 2], torch.ones(3), {"a": 1}, {1: torch.ones(3)}, {"state_dict": None}, {}])
def test_pickles_without_weights_are_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(CheckpointError):
        load(tmp_path / "a.pt", "ViT-B-32")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no file or folder"):
        load(tmp_path / "nothing.pt")


@pytest.mark.usefixtures("tiny_known")
def test_a_folder_must_hold_one_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no file of model weights"):
        load(tmp_path)
    state = half(random_model(VIT).state_dict())
    write(state, tmp_path / "openai.safetensors")
    assert same(load(tmp_path).state_dict(), state)
    write(state, tmp_path / "openai-2.safetensors")
    with pytest.raises(CheckpointError, match="several files"):
        load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"model_type": ' + "1" * 5000 + "}"])
def test_a_damaged_configuration_is_named(content: str, tmp_path: Path) -> None:
    save(random_model(VIT), tmp_path)
    (tmp_path / "config.json").write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(random_model(VIT).state_dict(), tmp_path / "a.safetensors")
    path.chmod(0)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(path)


def test_names_with_any_letters(tmp_path: Path) -> None:
    folder = tmp_path / "Modèle 模型 😀"
    save(random_model(VIT), folder)
    assert same(load(folder).state_dict(), load_file(folder / "model.safetensors"))
