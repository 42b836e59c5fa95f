"""The torch engine against ONNX Runtime, on the CPU; what only a GPU does is in tests/benchmarks/test_gpu_speed.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clipsearch.encode import engine_torch
from clipsearch.encode.encoder import unit
from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.engine_torch import TorchEngine
from clipsearch.encode.package import Package
from clipsearch.errors import EngineError, PackageError
from tests.encode.tiny_packages import FAMILIES, VIT, package

LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999, "bf16": 0.999}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return package(VIT, tmp_path_factory.mktemp("tiny"))


def pixels(of: Package, count: int) -> np.ndarray:
    size = of.preprocess.size
    return np.random.default_rng(0).standard_normal((count, 3, size, size), np.float32)


def tokens(count: int) -> tuple[np.ndarray, np.ndarray]:
    ids = np.random.default_rng(0).integers(1, 90, (count, 6))
    ids[:, -1] = 98
    return ids, np.ones_like(ids)


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sum(unit(one) * unit(other), axis=1)


@pytest.mark.parametrize("family", ["vit", "resnet", "siglip"])
def test_same_vectors_as_onnx_runtime(family: str, tmp_path: Path) -> None:
    made = package(FAMILIES[family], tmp_path)
    onnx = OnnxEngine(made)
    images, texts = onnx.image_features(pixels(made, 5)), onnx.text_features(*tokens(5))
    for precision, least in LEAST_COSINE.items():
        engine = TorchEngine(made, "cpu", precision)
        features = engine.image_features(pixels(made, 5))
        assert (features.dtype, features.shape) == (np.float32, (5, made.dim))
        assert cosines(features, images).min() >= least
        assert cosines(engine.text_features(*tokens(5)), texts).min() >= least


def test_no_pictures_no_features(tiny: Package) -> None:
    assert TorchEngine(tiny, "cpu").image_features(pixels(tiny, 0)).shape == (0, tiny.dim)


def limit_batches(engine: TorchEngine, largest: int, monkeypatch: Any) -> list[int]:
    """Let more pictures at once than `largest` run out of memory; returns the sizes that were tried."""
    encode, tried = engine._model.encode_image, []

    def limited(batch: torch.Tensor) -> torch.Tensor:
        tried.append(len(batch))
        if len(batch) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return encode(batch)

    monkeypatch.setattr(engine._model, "encode_image", limited)
    return tried


def test_a_batch_that_does_not_fit_is_halved(tiny: Package, monkeypatch: Any) -> None:
    engine = TorchEngine(tiny, "cpu")
    engine._fits = 16
    wanted = engine.image_features(pixels(tiny, 10))
    tried = limit_batches(engine, 3, monkeypatch)
    assert np.allclose(engine.image_features(pixels(tiny, 10)), wanted, atol=1e-5)
    assert tried == [10, 5, 2, 2, 2, 2, 2]
    assert engine.batch_size == 2


def test_a_picture_that_does_not_fit_alone_is_told(tiny: Package, monkeypatch: Any) -> None:
    engine = TorchEngine(tiny, "cpu")
    limit_batches(engine, 0, monkeypatch)
    with pytest.raises(EngineError, match=r"memory of the GPU .* tiny"):
        engine.image_features(pixels(tiny, 4))


def test_a_gpu_that_cannot_run_it_says_why(tiny: Package, monkeypatch: Any) -> None:
    def fail(batch: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with ...")

    engine = TorchEngine(tiny, "cpu")
    monkeypatch.setattr(engine._model, "encode_image", fail)
    with pytest.raises(EngineError, match=r"^torch cannot run .* \(CUDA error: no kernel image is available\)\.$"):
        engine.image_features(pixels(tiny, 1))


def test_other_failures_are_not_taken_for_memory(tiny: Package) -> None:
    with pytest.raises(ValueError, match="takes pixels"):
        TorchEngine(tiny, "cpu").image_features(np.zeros((1, 3, 8, 8), np.float32))


def test_numbers_too_large_for_fp16_go_over_to_bf16(tiny: Package) -> None:
    engine = TorchEngine(tiny, "cpu", "fp16")
    engine._model.visual.proj.data *= 1e5
    features = engine.image_features(pixels(tiny, 2))
    assert np.isfinite(features).all()
    assert str(engine) == "torch on cpu in bf16"
    assert cosines(features, OnnxEngine(tiny).image_features(pixels(tiny, 2))).min() > 0.999


def test_damaged_weights_are_told(tiny: Package, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(PackageError, match=r"weights\.safetensors is damaged"):
        TorchEngine(replace(tiny, folder=tmp_path), "cpu").image_features(pixels(tiny, 1))


@pytest.mark.parametrize(("free_mb", "batch"), [(0, 1), (1, 4), (20, 128), (10**6, 256)])
def test_batches_are_sized_to_free_memory(tiny: Package, free_mb: int, batch: int, monkeypatch: Any) -> None:
    engine = TorchEngine(tiny, "cpu", "fp16")
    engine._model  # noqa: B018 - loads on the CPU
    engine._device = "cuda"
    monkeypatch.setattr(engine_torch, "_free_bytes", lambda device: free_mb * 2**20)
    assert engine.batch_size == batch
