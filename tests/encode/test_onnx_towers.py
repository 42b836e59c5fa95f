"""The ONNX graphs against the torch network, family by family and in every precision that weights are stored in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from clipsearch.encode.onnx_graph import WeightsFile
from clipsearch.encode.onnx_towers import write_image_tower, write_text_tower
from clipsearch.model import CLIP, CLIPConfig
from tests.encode.tiny_packages import FAMILIES, QUICK, SIGLIP, random_model

PRECISIONS = [torch.float32, torch.float16, torch.bfloat16]


def write(config: CLIPConfig, folder: Path, dtype: torch.dtype = torch.float32) -> CLIP:
    """Write both towers; return the model whose weights they have."""
    model = random_model(replace(config, text=replace(config.text, vocab_size=99)))
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in model.state_dict().items()}
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "weights.safetensors")
    config, weights = model.config, WeightsFile(folder / "weights.safetensors")
    write_image_tower(config, weights, folder / "image.onnx")
    write_text_tower(config, weights, folder / "text.onnx")
    model.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
    return model


def run(path: Path, array: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["embedding"], {session.get_inputs()[0].name: array})[0]


def far(made: np.ndarray, wanted: torch.Tensor) -> float:
    """Return the largest difference, as a share of the largest number."""
    return float(np.abs(made - wanted.numpy()).max() / wanted.abs().max())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@torch.inference_mode()
def test_both_towers_give_torch_s_features(family: str, dtype: torch.dtype, tmp_path: Path) -> None:
    config = FAMILIES[family]
    model, size, text = write(config, tmp_path, dtype), config.vision.image_size, config.text
    for count in (1, 3):
        pixels = torch.randn(count, 3, size, size)
        assert far(run(tmp_path / "image.onnx", pixels.numpy()), model.encode_image(pixels)) < 1e-5
        for length in (2, 9, text.context_length) if text.ends_early else (text.context_length,):
            tokens = torch.randint(1, 90, (count, length))
            tokens[:, length // 2] = 98
            assert far(run(tmp_path / "text.onnx", tokens.numpy()), model.encode_text(tokens)) < 1e-5


@torch.inference_mode()
def test_texts_of_unlike_lengths_in_one_batch(tmp_path: Path) -> None:
    model = write(QUICK, tmp_path)
    tokens = torch.tensor([[5, 6, 98, 0, 0, 0], [7, 98, 0, 0, 0, 98], [1, 2, 3, 4, 5, 98]])
    together = run(tmp_path / "text.onnx", tokens.numpy())
    assert far(together, model.encode_text(tokens)) < 1e-5
    assert far(together[1:2], model.encode_text(tokens[1:2, :2])) < 1e-5


@pytest.mark.parametrize("config", [QUICK, SIGLIP])
def test_weights_are_stored_once_and_any_runtime_knows_the_operators(config: CLIPConfig, tmp_path: Path) -> None:
    write(config, tmp_path)
    for name in ("image.onnx", "text.onnx"):
        path = tmp_path / name
        model = onnx.load(path, load_external_data=False)
        assert path.stat().st_size < 80_000
        assert {node.domain for node in model.graph.node} == {""}
        assert model.opset_import[0].version <= 20 and model.ir_version <= 10
        places = [
            entry.value
            for tensor in model.graph.initializer
            for entry in tensor.external_data
            if entry.key == "location"
        ]
        assert set(places) == {"weights.safetensors"}


def test_siglip_takes_whole_contexts_only(tmp_path: Path) -> None:
    write(SIGLIP, tmp_path)
    inputs = onnx.load(tmp_path / "text.onnx", load_external_data=False).graph.input
    assert inputs[0].type.tensor_type.shape.dim[1].dim_value == SIGLIP.text.context_length
