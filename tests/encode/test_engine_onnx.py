"""The engine with tiny networks in the shapes that other programs export: Immich's, optimum's, half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.package import Files, Package, load_package
from clipsearch.encode.preprocess import Preprocess
from clipsearch.errors import PackageError
from clipsearch.paths import resource_path

SIZE, DIM, WORDS, PAD = 8, 3, 10, 9
PREPROCESS = Preprocess(1, SIZE, "squash", "bicubic", (0.5,) * 3, (0.5,) * 3)
TABLE = np.random.default_rng(0).normal(size=(WORDS, DIM)).astype(np.float32)
IDS = np.array([[1, 2, 3, PAD], [4, 5, 6, 7], [8, PAD, PAD, PAD]])
MASK = (IDS != PAD).astype(np.int64)
PIXELS = np.random.default_rng(1).normal(size=(3, 3, SIZE, SIZE)).astype(np.float32)


def engine(folder: Path, **values: Any) -> OnnxEngine:
    """An engine for Immich's layout in `folder`."""
    files = Files("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json")
    description = {"dim": DIM, "preprocess": PREPROCESS, "context_length": 6, "pad_id": PAD, "files": files} | values
    return OnnxEngine(Package(folder, "tiny", "1", "Tiny", "MIT", **description))


def write_image_tower(folder: Path, kind: int = TensorProto.FLOAT, batch: Any = "batch", **names: str) -> None:
    """The mean of each channel."""
    given, result = names.get("given", "image"), names.get("result", "embedding")
    nodes = [helper.make_node("ReduceMean", [given], [result], axes=[2, 3], keepdims=0)]
    pixels = helper.make_tensor_value_info(given, kind, [batch, 3, SIZE, SIZE])
    write(folder / "visual", nodes, [pixels], [helper.make_tensor_value_info(result, kind, [batch, DIM])])


def write_text_tower(
    folder: Path, kind: int = TensorProto.INT32, batch: Any = "batch", length: Any = 6, mask: str | None = None
) -> None:
    """The mean of the tokens' vectors; with a mask, of those that it marks."""
    inputs = [helper.make_tensor_value_info("text", kind, [batch, length])]
    nodes = [helper.make_node("Gather", ["table", "text"], ["vectors"])]
    if mask is None:
        nodes.append(helper.make_node("ReduceMean", ["vectors"], ["embedding"], axes=[1], keepdims=0))
    else:
        inputs.insert(0, helper.make_tensor_value_info(mask, kind, [batch, length]))
        nodes += [
            helper.make_node("Cast", [mask], ["marks"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["marks"], ["column"], axes=[2]),
            helper.make_node("Mul", ["vectors", "column"], ["marked"]),
            helper.make_node("ReduceSum", ["marked"], ["sum"], axes=[1], keepdims=0),
            helper.make_node("ReduceSum", ["marks"], ["count"], axes=[1], keepdims=1),
            helper.make_node("Div", ["sum", "count"], ["embedding"]),
        ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, DIM])
    write(folder / "textual", nodes, inputs, [output], [onnx.numpy_helper.from_array(TABLE, "table")])


def write(folder: Path, nodes: Any, inputs: Any, outputs: Any, tables: Any = ()) -> None:
    folder.mkdir(exist_ok=True)
    graph = helper.make_graph(nodes, "tower", inputs, outputs, list(tables))
    opset = [helper.make_opsetid("", 11)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16])
@pytest.mark.parametrize("names", [{}, {"given": "pixel_values", "result": "image_embeds"}])
def test_an_image_tower_runs_as_it_was_exported(tmp_path: Path, kind: int, batch: Any, names: dict[str, str]) -> None:
    write_image_tower(tmp_path, kind, batch, **names)
    vectors = engine(tmp_path).image_features(PIXELS)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, PIXELS.mean(axis=(2, 3)), atol=1e-6 if kind == TensorProto.FLOAT else 2e-3)


@pytest.mark.parametrize("kind", [TensorProto.INT32, TensorProto.INT64])
@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("length", [6, "length"])
def test_a_text_tower_runs_as_it_was_exported(tmp_path: Path, kind: int, batch: Any, length: Any) -> None:
    write_text_tower(tmp_path, kind, batch, length)
    seen = np.hstack([IDS, np.full((3, 2), PAD)]) if length == 6 else IDS
    assert np.allclose(engine(tmp_path).text_features(IDS, MASK), TABLE[seen].mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("length", [6, "length"])
def test_a_text_tower_gets_the_mask_it_asks_for(tmp_path: Path, batch: Any, length: Any) -> None:
    write_text_tower(tmp_path, TensorProto.INT64, batch, length, mask="attention_mask")
    wanted = [TABLE[row[marks == 1]].mean(axis=0) for row, marks in zip(IDS, MASK, strict=True)]
    assert np.allclose(engine(tmp_path).text_features(IDS, MASK), wanted, atol=1e-6)


def test_nothing_gives_nothing(tmp_path: Path) -> None:
    write_image_tower(tmp_path, batch=1)
    write_text_tower(tmp_path)
    assert engine(tmp_path).image_features(PIXELS[:0]).shape == (0, DIM)
    assert engine(tmp_path).text_features(IDS[:0], MASK[:0]).shape == (0, DIM)


def test_immich_s_layout_is_a_package(tmp_path: Path) -> None:
    write_image_tower(tmp_path)
    write_text_tower(tmp_path)
    (tmp_path / "textual" / "tokenizer.json").write_bytes(
        (resource_path("models/starter") / "tokenizer.json").read_bytes()
    )
    engine(tmp_path, context_length=6)._package.write()
    encoder = Encoder(load_package(tmp_path))
    squares = np.random.default_rng(2).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    assert encoder.encode_images(squares).shape == (2, DIM)


def test_only_the_tokens_of_the_longest_text_are_encoded(tmp_path: Path) -> None:
    """A text tower that takes any length is given no more than that."""
    write_text_tower(tmp_path, length="length")
    tower = engine(tmp_path)
    assert np.allclose(tower.text_features(IDS[2:, :1], MASK[2:, :1]), TABLE[[8]], atol=1e-6)


def test_a_picture_of_the_wrong_size_is_told(tmp_path: Path) -> None:
    write_image_tower(tmp_path)
    with pytest.raises(PackageError, match=r"model\.onnx cannot be run on inputs of \[3, 3, 8, 4\]") as caught:
        engine(tmp_path).image_features(PIXELS[..., :4])
    assert "ONNXRuntime" not in caught.value.message
    assert "ONNXRuntime" in str(caught.value.__cause__)


def test_a_damaged_tower_is_told_in_plain_words(tmp_path: Path) -> None:
    write_image_tower(tmp_path)
    path = tmp_path / "visual" / "model.onnx"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PackageError) as caught:
        engine(tmp_path).image_features(PIXELS)
    sentence = "The model package's model.onnx cannot be loaded: it is damaged, or needs a newer ONNX Runtime."
    assert caught.value.message == sentence
    assert "ONNXRuntimeError" in str(caught.value.__cause__)  # kept for whoever looks for the fault


def test_vectors_of_another_length_are_told(tmp_path: Path) -> None:
    write_image_tower(tmp_path)
    with pytest.raises(PackageError, match=r"gives \[3, 3\], not one vector of 512"):
        engine(tmp_path, dim=512).image_features(PIXELS)


def test_towers_that_changed_places_are_told(tmp_path: Path) -> None:
    write_image_tower(tmp_path)
    write_text_tower(tmp_path)
    swapped = engine(tmp_path, files=Files("textual/model.onnx", "visual/model.onnx"))
    with pytest.raises(PackageError, match=r"takes tensor\(int32\) for pixels"):
        swapped.image_features(PIXELS)
    with pytest.raises(PackageError, match=r"takes tensor\(float\) for token ids"):
        swapped.text_features(IDS, MASK)


def test_a_tower_with_other_inputs_is_told(tmp_path: Path) -> None:
    write_text_tower(tmp_path, mask="attention_mask")
    with pytest.raises(PackageError, match="takes 2 inputs instead of pixels"):
        engine(tmp_path, files=Files("textual/model.onnx")).image_features(PIXELS)
