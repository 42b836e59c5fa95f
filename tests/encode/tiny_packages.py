"""Small random models as packages: what conversion makes of them, made in this process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from clipsearch.encode import convert
from clipsearch.encode.package import Package, load_package
from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.checkpoint import save
from clipsearch.model.configs import HALF, TextConfig, VisionConfig

TEXT = TextConfig(width=64, heads=4, layers=3)
VIT = CLIPConfig("tiny", 48, VisionConfig("vit", 64, width=128, layers=3, heads=4, patch_size=16), TEXT)
QUICK = replace(VIT, activation="quick_gelu")
RESNET = replace(
    VIT,
    vision=VisionConfig("resnet", 64, width=16, layers=(1, 2, 1, 1), heads=8, class_token=False, pre_norm=False),
)
BAG = replace(VIT, text=replace(TEXT, kind="bag-of-words"))
SIGLIP = CLIPConfig(
    name="tiny-siglip",
    embed_dim=64,
    vision=VisionConfig(
        kind="vit",
        image_size=32,
        width=64,
        layers=3,
        heads=4,
        patch_size=8,
        class_token=False,
        pre_norm=False,
        patch_bias=True,
        pool="attention",
        projection=False,
    ),
    text=replace(TEXT, context_length=16, vocab_size=99, causal=False, pool="last", projection_bias=True),
    activation="gelu",
    norm_eps=1e-6,
    mean=HALF,
    std=HALF,
    resize="squash",
    logit_bias_init=-10.0,
)
SIGLIP_TANH = replace(SIGLIP, activation="gelu_tanh")
FAMILIES = {"vit": VIT, "quick": QUICK, "resnet": RESNET, "bag": BAG, "siglip": SIGLIP, "siglip-tanh": SIGLIP_TANH}


def random_model(config: CLIPConfig) -> CLIP:
    """Make a model with gains, biases and statistics that differ from what a new one has."""
    torch.manual_seed(0)
    model = CLIP(config).eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and tensor.ndim:
                tensor.add_(torch.rand_like(tensor) * 0.1 if "var" in name else torch.randn_like(tensor) * 0.05)
    return model


def checkpoint(config: CLIPConfig, folder: Path, dtype: torch.dtype = torch.float32) -> Path:
    """Save a random model in a folder, with a tokenizer where it needs its own."""
    save(random_model(config).to(dtype), folder)
    if config.text.vocab_size == SIGLIP.text.vocab_size:
        write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    words = {"<pad>": 7, "<unk>": 8, "a": 9, "dog": 10, "sunset": 11, "cat": 12, "mountains": 13}
    tokenizer = Tokenizer(WordLevel(words, "<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>"}))


def package(config: CLIPConfig, folder: Path, dtype: torch.dtype = torch.float32) -> Package:
    """Convert a random model in this process."""
    made = folder / "package"
    made.mkdir()
    source = checkpoint(config, folder / "checkpoint", dtype)
    for _ in convert._steps(convert._Job(source, made, "tiny", "Tiny", "MIT", None)):
        pass
    return load_package(made)
