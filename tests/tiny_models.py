"""Tiny models that see colours, in Immich's layout: a picture's mean colour against the words red, green and blue."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

DIM, SIZE, LENGTH = 4, 32, 8
_WORDS = {
    "<pad>": (0, 0, 0, 0), "<unk>": (0.1, 0.1, 0.1, 0.1), "red": (1, 0, 0, 0), "green": (0, 1, 0, 0),
    "blue": (0, 0, 1, 0), "dog": (0.3, 0.1, 0, 0.2), "mountains": (0, 0.2, 0.3, 0.2),
}  # fmt: skip


@cache
def immich_files(scale: float = 1.0, ballast: int = 20_000) -> dict[str, bytes]:
    """Return a repository's files; another `scale` is another revision of the model, `ballast` makes a tower larger."""
    return {
        "README.md": b"# A tiny model\n",
        "config.json": _json({"embed_dim": DIM, "text_cfg": {"context_length": LENGTH, "hf_tokenizer_name": "tiny"}}),
        "visual/model.onnx": image_tower(scale, ballast),
        "visual/preprocess_cfg.json": _json(
            {"size": [SIZE, SIZE], "mode": "RGB", "mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "bilinear",
             "resize_mode": "squash", "fill_color": 0}
        ),
        "visual/fp16/model.armnn": b"for other machines",
        "textual/model.onnx": text_tower(),
        "textual/tokenizer.json": _json(tokenizer()),
        "textual/tokenizer_config.json": _json({"pad_token": "<pad>"}),
        "textual/merges.txt": b"not needed",
    }  # fmt: skip


def write_files(files: dict[str, bytes], folder: Path) -> Path:
    """Lay files out in a folder and return it."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def image_tower(scale: float = 1.0, ballast: int = 0) -> bytes:
    """`image` float32 [1, 3, 32, 32] -> its mean colour and a constant, float32 [1, 4]."""
    from onnx import helper, numpy_helper

    weights = np.hstack([scale * np.eye(3), np.zeros((3, 1))]).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["colour"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["bare"]),
        helper.make_node("Add", ["bare", "constant"], ["embedding"]),
    ]
    constants = {
        "weights": weights,
        "constant": np.array([[0.01, 0.01, 0.01, 0.1]], np.float32),
        "ballast": np.random.default_rng(0).random(ballast).astype(np.float32),
    }
    values = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    return _model(nodes, ("image", 1, [1, 3, SIZE, SIZE]), values)


def text_tower() -> bytes:
    """`text` int32 [1, 8] -> the sum of its words' vectors, float32 [1, 4]."""
    from onnx import helper, numpy_helper

    nodes = [
        helper.make_node("Gather", ["words", "text"], ["found"]),
        helper.make_node("ReduceSum", ["found", "axis"], ["embedding"], keepdims=0),
    ]
    words = numpy_helper.from_array(np.array(list(_WORDS.values()), np.float32), "words")
    return _model(nodes, ("text", 6, [1, LENGTH]), [words, numpy_helper.from_array(np.array([1]), "axis")])


def tokenizer() -> dict[str, Any]:
    """Return the tokenizer.json of a vocabulary of whole words."""
    pad = {"id": 0, "content": "<pad>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [{**pad, "special": True}],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: n for n, word in enumerate(_WORDS)}, "unk_token": "<unk>"},
    }  # fmt: skip


def _model(nodes: list[Any], source: tuple[str, int, list[int]], constants: list[Any]) -> bytes:
    from onnx import helper

    name, kind, shape = source
    inputs = [helper.make_tensor_value_info(name, kind, shape)]
    outputs = [helper.make_tensor_value_info("embedding", 1, [1, DIM])]
    graph = helper.make_graph(nodes, "tower", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def _json(values: Any) -> bytes:
    return json.dumps(values).encode()
