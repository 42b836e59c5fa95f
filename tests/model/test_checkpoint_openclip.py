"""OpenCLIP's files and folders, plain and as training left them, give the weights and settings that OpenCLIP uses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from clipsearch.errors import CheckpointError
from clipsearch.model import load
from clipsearch.model.checkpoint import read_checkpoint
from clipsearch.model.checkpoint.openclip import read_open_clip
from clipsearch.model.configs import CONFIGS, HALF, CLIPConfig
from tests.model.checkpoint_files import RESNET, SIGLIP, VIT, logits, random_model, same


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the tiny architectures by name."""
    quick = replace(VIT, name="tiny-quickgelu", activation="quick_gelu")
    for config in (VIT, quick, SIGLIP, RESNET):
        monkeypatch.setitem(CONFIGS, config.name, config)


def save_pt(state: Any, path: Path) -> Path:
    torch.save(state, path)
    return path


def save_old_pt(state: Any, path: Path) -> Path:
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


def save_safetensors(state: Any, path: Path) -> Path:
    save_file(state, path)
    return path


@pytest.mark.parametrize("write", [save_pt, save_old_pt, save_safetensors])
@pytest.mark.parametrize("config", [VIT, SIGLIP, RESNET], ids=lambda config: config.name)
def test_weights_under_native_names_are_read(write: Any, config: CLIPConfig, tmp_path: Path) -> None:
    model = random_model(config)
    path = write(model.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    loaded = load(path, config.name)
    assert same(loaded.state_dict(), model.state_dict())
    assert loaded.config == config
    assert torch.equal(logits(loaded), logits(model))


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_a_training_checkpoint_is_unwrapped(prefix: str, tmp_path: Path) -> None:
    state = random_model(VIT).state_dict()
    saved = {
        "epoch": 3,
        "name": "2026_tiny",
        "state_dict": {prefix + name: tensor for name, tensor in state.items()},
        "optimizer": {"state": {0: {"step": torch.tensor(5.0)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.98)}]},
        "scaler": {"scale": 65536.0},
    }
    assert same(read_checkpoint(save_pt(saved, tmp_path / "epoch_3.pt"), "tiny").state, state)


def test_scale_and_bias_may_be_vectors_of_one(tmp_path: Path) -> None:
    state = random_model(SIGLIP).state_dict()
    wide = {name: tensor[None] if name.startswith("logit_") else tensor for name, tensor in state.items()}
    assert same(load(save_pt(wide, tmp_path / "a.pt"), "tiny-siglip").state_dict(), state)


def test_any_architecture_may_have_a_bias(tmp_path: Path) -> None:
    state = {**random_model(VIT).state_dict(), "logit_bias": torch.tensor([-7.0])}
    assert load(save_pt(state, tmp_path / "a.pt"), "tiny").logit_bias.item() == -7


def test_counters_missing_in_old_files_are_added(tmp_path: Path) -> None:
    state = random_model(RESNET).state_dict()
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    assert same(load(save_pt(old, tmp_path / "a.pt"), "tiny-resnet").state_dict(), state)


def timm_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Write a SigLIP model as OpenCLIP does: timm's image tower below `visual.trunk`, the text tower below `text`."""
    renamed = {}
    width = state["visual.conv1.weight"].shape[0]
    for name, tensor in state.items():
        if name.startswith("logit_"):
            renamed[name] = tensor
        elif not name.startswith("visual."):
            renamed[f"text.{name}"] = tensor
        elif "attn_pool.attn.in_proj" in name:
            kind = name.rpartition("_")[2]
            renamed[f"visual.trunk.attn_pool.q.{kind}"] = tensor[:width]
            renamed[f"visual.trunk.attn_pool.kv.{kind}"] = tensor[width:]
        else:
            renamed[timm_name(name)] = tensor[None] if name == "visual.positional_embedding" else tensor
    return renamed


def timm_name(name: str) -> str:
    words = {
        "visual.": "visual.trunk.",
        "conv1": "patch_embed.proj",
        "positional_embedding": "pos_embed",
        "transformer.resblocks": "blocks",
        "attn.in_proj_": "attn.qkv.",
        "attn_pool.attn.out_proj": "attn_pool.proj",
        "attn.out_proj": "attn.proj",
        "attn_pool.ln.": "attn_pool.norm.",
        "attn_pool.probe": "attn_pool.latent",
        "ln_post": "norm",
        "c_fc": "fc1",
        "c_proj": "fc2",
    }
    for native, timm in words.items():
        name = name.replace(native, timm)
    return re.sub(r"ln_([12])", r"norm\1", name)


def test_siglip_under_timms_names_is_the_same_model(tmp_path: Path) -> None:
    model = random_model(SIGLIP)
    renamed = timm_names(model.state_dict())
    assert {"visual.trunk.blocks.0.attn.qkv.weight", "visual.trunk.attn_pool.kv.bias", "text.ln_final.weight"} <= set(
        renamed
    )
    loaded = load(save_pt(renamed, tmp_path / "siglip.bin"), "tiny-siglip")
    assert same(loaded.state_dict(), model.state_dict())
    assert torch.equal(logits(loaded), logits(model))


# --- open_clip_config.json ------------------------------------------------------------------------------------------

TINY_CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 99, "width": 64, "heads": 1, "layers": 2},
}
PICTURES = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear", "resize_mode": "squash"}


def save_folder(folder: Path, model_config: dict[str, Any], pictures: dict[str, Any] | None = None) -> Path:
    folder.mkdir()
    save_file(random_model(VIT).state_dict(), folder / "open_clip_model.safetensors")
    values = {"model_cfg": model_config, "preprocess_cfg": pictures}
    (folder / "open_clip_config.json").write_text(json.dumps(values), "utf-8")
    return folder


@pytest.mark.parametrize(("quick", "activation"), [(True, "quick_gelu"), (False, "gelu"), (None, "gelu")])
def test_a_folder_brings_its_architecture(quick: bool | None, activation: str, tmp_path: Path) -> None:
    values = TINY_CONFIG if quick is None else {**TINY_CONFIG, "quick_gelu": quick}
    folder = save_folder(tmp_path / "model", values, PICTURES)
    for path in (folder, folder / "open_clip_model.safetensors"):
        config = load(path).config
        assert config.activation == activation
        assert (config.vision, config.text) == (VIT.vision, VIT.text)
        assert (config.mean, config.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
        assert (config.interpolation, config.resize) == ("bilinear", "squash")
        assert config.name == ("tiny-quickgelu" if quick else "tiny")


def test_what_a_folder_does_not_say_is_as_clip_has_it(tmp_path: Path) -> None:
    config = load(save_folder(tmp_path / "model", TINY_CONFIG)).config
    assert config == VIT


def test_safetensors_are_preferred_to_pickles(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "model", TINY_CONFIG)
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"never opened")
    assert same(load(folder).state_dict(), random_model(VIT).state_dict())


SIGLIP_TEXT = {
    "context_length": 64,
    "vocab_size": 32000,
    "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
    "tokenizer_kwargs": {"clean": "canonicalize"},
    "width": 768,
    "heads": 12,
    "layers": 12,
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
}
TANH = {"act_kwargs": {"approximate": "tanh"}}


def siglip_config(timm_name: str, image_size: int, **text: Any) -> dict[str, Any]:
    vision = {
        "image_size": image_size,
        "timm_model_name": timm_name,
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    }
    return {
        "embed_dim": text.get("width", 768),
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": vision,
        "text_cfg": {**SIGLIP_TEXT, **text},
    }


def vit_config(embed_dim: int, text_width: int, text_layers: int, **vision: Any) -> dict[str, Any]:
    text = {"context_length": 77, "vocab_size": 49408, "width": text_width, "heads": text_width // 64}
    vision = {"image_size": 224, **vision}
    return {"embed_dim": embed_dim, "vision_cfg": vision, "text_cfg": {**text, "layers": text_layers}}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ViT-B-32", vit_config(512, 512, 12, layers=12, width=768, patch_size=32)),
        ("ViT-B-16-quickgelu", {**vit_config(512, 512, 12, layers=12, width=768, patch_size=16), "quick_gelu": True}),
        ("ViT-H-14", vit_config(1024, 1024, 24, layers=32, width=1280, head_width=80, patch_size=14)),
        ("ViT-g-14", vit_config(1024, 1024, 24, layers=40, width=1408, head_width=88, mlp_ratio=4.3637, patch_size=14)),
        ("RN50", vit_config(1024, 512, 12, layers=[3, 4, 6, 3], width=64, patch_size=None)),
        ("RN50x4", vit_config(640, 640, 12, layers=[4, 6, 10, 6], width=80, patch_size=None, image_size=288)),
        ("ViT-B-16-SigLIP", siglip_config("vit_base_patch16_siglip_224", 224)),
        ("ViT-B-16-SigLIP2", siglip_config("vit_base_patch16_siglip_224", 224, vocab_size=256000, **TANH)),
        ("ViT-B-32-SigLIP2-256", siglip_config("vit_base_patch32_siglip_256", 256, vocab_size=256000, **TANH)),
        (
            "ViT-SO400M-16-SigLIP2-384",
            siglip_config(
                "vit_so400m_patch16_siglip_384",
                384,
                vocab_size=256000,
                width=1152,
                heads=16,
                layers=27,
                mlp_ratio=3.7362,
                **TANH,
            ),
        ),
    ],
)
def test_published_configurations_are_the_architectures_of_that_name(name: str, values: dict[str, Any]) -> None:
    read, known = read_open_clip({"model_cfg": values}, name), CONFIGS[name]
    text = replace(read.text, activation=read.text.activation or read.activation)
    assert text == replace(known.text, activation=known.text.activation or known.activation)
    assert (read.vision, read.embed_dim, read.activation) == (known.vision, known.embed_dim, known.activation)
    assert (read.norm_eps, read.logit_bias_init) == (known.norm_eps, known.logit_bias_init)


@pytest.mark.parametrize(
    ("place", "change", "reason"),
    [
        ("vision_cfg", {"timm_model_name": "convnext_base"}, "timm's convnext_base"),
        ("vision_cfg", {"pool_type": "avg"}, "pool_type"),
        ("vision_cfg", {"ls_init_value": 1e-4}, "ls_init_value"),
        ("vision_cfg", {"image_size": [32, 64]}, "not square"),
        ("vision_cfg", {"act_kwargs": {"negative_slope": 1}}, "negative_slope"),
        ("vision_cfg", {"norm_kwargs": {"eps": 1e-6}}, "normalise differently"),
        ("text_cfg", {"hf_model_name": "roberta-base"}, "roberta-base"),
        ("text_cfg", {"pool_type": "eos"}, "eos"),
        ("text_cfg", {"context_length": "many"}, "context length is 'many'"),
        ("text_cfg", {"heads": 7}, "heads do not share"),
        ("vision_cfg", {"layers": "2"}, "number of image layers is '2'"),
        (None, {"multimodal_cfg": {"width": 1}}, "multimodal_cfg"),
        (None, {"text_cfg": None}, "describes no model"),
    ],
)
def test_an_architecture_not_built_here_is_named(place: Any, change: Any, reason: str, tmp_path: Path) -> None:
    values = {**TINY_CONFIG, place: {**TINY_CONFIG[place], **change}} if place else {**TINY_CONFIG, **change}  # type: ignore[dict-item]
    with pytest.raises(CheckpointError, match=reason) as caught:
        load(save_folder(tmp_path / "model", values))
    assert "\n" not in caught.value.message


def test_settings_of_training_and_tokenizer_do_not_matter(tmp_path: Path) -> None:
    vision = {**TINY_CONFIG["vision_cfg"], "patch_dropout": 0.5, "output_tokens": True}  # type: ignore[dict-item]
    text = {**TINY_CONFIG["text_cfg"], "hf_tokenizer_name": "x", "pad_id": 1}  # type: ignore[dict-item]
    folder = save_folder(tmp_path / "model", {**TINY_CONFIG, "vision_cfg": vision, "text_cfg": text})
    assert load(folder).config == VIT


def test_half_of_a_configuration_names_what_is_missing(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "model", {"embed_dim": 32})
    with pytest.raises(CheckpointError, match="vision_cfg"):
        load(folder)


def test_mean_of_one_half_for_laion_2b_comes_from_the_name_alone() -> None:
    from clipsearch.model.checkpoint.infer import as_published

    folder = Path("CLIP-ViT-L-14-laion2B-s32B-b82K/open_clip_pytorch_model.bin")
    assert as_published(CONFIGS["ViT-L-14"], folder).mean == HALF
    assert as_published(CONFIGS["ViT-L-14"], Path("ViT-L-14-datacomp.bin")) == CONFIGS["ViT-L-14"]
