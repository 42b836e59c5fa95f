"""The torch engine on a GPU against a plain loop over fp16 autocast, and as a share of the GPU's matrix product."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from clipsearch.encode.encoder import unit
from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.engine_torch import TorchEngine
from clipsearch.model import CLIP
from tests.benchmarks.models import image_macs, random_package

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")

PICTURES = 1024
PLAIN_BATCH = 32  # OpenCLIP's examples and clip-retrieval's default are of this order
ROUNDS = 5
SIDE = 8192


@pytest.mark.benchmark
@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-L-14"])
def test_pictures_on_a_gpu(name: str, tmp_path: Path) -> None:
    model, package = random_package(name, tmp_path)
    engines = {precision: TorchEngine(package, "cuda", precision) for precision in ("fp16", "bf16")}
    pixels = np.random.default_rng(0).standard_normal((PICTURES, 3, 224, 224), np.float32)
    wanted = unit(OnnxEngine(package).image_features(pixels[:8]))
    plain = model.cuda()
    flops, peak = 2 * image_macs(model.config), matrix_product_flops()
    base, gpu = rate(lambda: plain_loop(plain, pixels)), torch.cuda.get_device_name()
    print(f"\n{name} on {gpu}: {flops / 1e9:.1f} GFLOP a picture, fp16 GEMM {peak / 1e12:.0f} TFLOP/s")
    print(f"plain fp16 autocast, batches of {PLAIN_BATCH}: {base:.0f} images/s")
    for precision, engine in engines.items():
        cosines = np.sum(unit(engine.image_features(pixels[:8])) * wanted, axis=1)
        ours, resident = rate(lambda engine=engine: engine.image_features(pixels)), resident_rate(engine)
        print(
            f"{precision}, batches of {engine.batch_size}: {ours:.0f} images/s, {ours / base:.2f} x plain, "
            f"{ours * flops / peak:.2f} of the GEMM; without the way from main memory {resident:.0f} images/s, "
            f"{resident * flops / peak:.2f} of the GEMM; least cosine to ONNX Runtime {cosines.min():.5f}"
        )
        assert cosines.min() > 0.999


@torch.inference_mode()
def plain_loop(model: CLIP, pixels: np.ndarray) -> np.ndarray:
    """Encode as the examples of OpenCLIP do: fp32 weights, autocast, a fixed batch, one copy after the other."""
    features = []
    for start in range(0, len(pixels), PLAIN_BATCH):
        with torch.autocast("cuda", torch.float16):
            batch = torch.from_numpy(pixels[start : start + PLAIN_BATCH]).to("cuda")
            features.append(model.encode_image(batch).float().cpu().numpy())
    return np.concatenate(features)


def rate(work: Callable[[], object]) -> float:
    """Return pictures a second, the median of some rounds."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return PICTURES / statistics.median(seconds)


@torch.inference_mode()
def resident_rate(engine: TorchEngine) -> float:
    """Return pictures a second of the network alone, its input already on the GPU."""
    dtype = engine._model.visual.state_dict()["positional_embedding"].dtype
    batch = torch.randn(engine.batch_size, 3, 224, 224, device="cuda", dtype=dtype)
    batch = batch.to(memory_format=torch.channels_last)
    passes = max(1, PICTURES // len(batch))

    def work() -> None:
        for _ in range(passes):
            engine._model.encode_image(batch)

    return rate(work) * passes * len(batch) / PICTURES


@torch.inference_mode()
def matrix_product_flops() -> float:
    """Return what the GPU reaches in one large fp16 matrix product, FLOP a second."""
    a, b = (torch.randn(SIDE, SIDE, device="cuda", dtype=torch.float16) for _ in range(2))
    return rate(lambda: a @ b) / PICTURES * 2 * SIDE**3
