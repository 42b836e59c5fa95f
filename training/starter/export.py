"""Writes the model package: two ONNX towers, the tokenizer, pictures to compare with, and model.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter import efficientnet_lite, minilm
from training.starter.graph import Graph
from training.starter.pixels import SIZE

# Given the graph, the pixels [n,3,s,s], features [n,1280] and logits [n,1000], adds nodes up to the embedding [n,dim].
ImageHead = Callable[[Graph, str, str, str], str]
# Given the graph and MiniLM's unit vectors [n,384], adds nodes up to the embedding [n,dim].
TextHead = Callable[[Graph, str], str]


@dataclass(frozen=True)
class Heads:
    """What is put on the two towers."""

    dim: int
    image: ImageHead
    text: TextHead


@dataclass(frozen=True)
class Towers:
    """The pre-trained networks, as plain arrays, and the sentence encoder's tokenizer file."""

    image: efficientnet_lite.Weights
    text: minilm.Weights
    tokenizer: Path


def write_towers(folder: Path, towers: Towers, heads: Heads) -> None:
    """Write the tokenizer and the two networks into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    minilm.write_tokenizer(towers.tokenizer, folder / "tokenizer.json")
    write_image_tower(folder / "image.onnx", towers, heads)
    write_text_tower(folder / "text.onnx", towers, heads)


def write_description(folder: Path, dim: int, background: npt.NDArray[Any]) -> None:
    """Complete the package with model.json and background.npy: unit vectors [m,dim] of ordinary, varied pictures."""
    np.save(folder / "background.npy", background.astype(np.float16))
    description = json.dumps(_describe(folder, dim), indent=2)
    (folder / "model.json").write_text(description + "\n", "utf-8")


def write_image_tower(path: Path, towers: Towers, heads: Heads) -> None:
    graph = Graph("image")
    pixels = graph.input("pixels", "float32", ["n", 3, SIZE, SIZE])
    features, logits = efficientnet_lite.add_network(graph, pixels, towers.image)
    graph.output(heads.image(graph, pixels, features, logits), "embedding", ["n", heads.dim])
    graph.save(path)


def write_text_tower(path: Path, towers: Towers, heads: Heads) -> None:
    graph = Graph("text")
    ids = graph.input("input_ids", "int64", ["n", "l"])
    mask = graph.input("attention_mask", "int64", ["n", "l"])
    vectors = minilm.add_network(graph, ids, mask, towers.text)
    graph.output(heads.text(graph, vectors), "embedding", ["n", heads.dim])
    graph.save(path)


def _describe(folder: Path, dim: int) -> dict[str, Any]:
    mean, std = efficientnet_lite.MEAN, efficientnet_lite.STD
    return {
        "format": 1,
        "name": "starter",
        "revision": _revision(folder),
        "title": "Starter (EfficientNet-Lite2 and MiniLM)",
        "licence": "Apache-2.0",
        "languages": ["en"],
        "dim": dim,
        "preprocess": {
            "version": 1,
            "size": SIZE,
            "resize": "squash",
            "interpolation": "bicubic",
            "mean": [mean] * 3,
            "std": [std] * 3,
            "fill": [255] * 3,
        },
        "text": {"context_length": minilm.CONTEXT, "pad_id": 0, "cleaning": "subject"},
    }


def _revision(folder: Path) -> str:
    """Return 12 hexadecimal digits that change whenever a vector could."""
    digest = hashlib.sha256()
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]
