"""Our CPU engine against transformers, plain torch and the machine's own matrix product; same weights, same run."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.package import Package
from clipsearch.model import CLIP
from tests.benchmarks.models import ONE_THREAD, THREADS, image_macs, random_package, ratio, rounds

BATCHES = tuple(map(int, os.environ.get("CLIPSEARCH_BENCHMARK_BATCHES", "1 4 16 64").split()))
ROUNDS = int(os.environ.get("CLIPSEARCH_BENCHMARK_ROUNDS", "7"))
ARCHITECTURE = "ViT-B-32-quickgelu"
GEMM = 1600, 768, 3072  # rows, inputs, outputs: the MLP of 32 pictures


@pytest.fixture(scope="module", autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS or before)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[CLIP, Package]:
    return random_package(ARCHITECTURE, tmp_path_factory.mktemp("model"))


@pytest.mark.benchmark
def test_pictures(made: tuple[CLIP, Package], tmp_path: Path) -> None:
    model, package = made
    engine, peer = OnnxEngine(package, THREADS), transformers_model(model, tmp_path)
    flops = 2 * image_macs(model.config)
    gemms = {"ONNX Runtime": onnx_gemm(tmp_path), "torch": torch_gemm()}
    cores = "one core's CPU seconds" if ONE_THREAD else f"{os.cpu_count()} cores"
    print(f"\n{ARCHITECTURE}: {flops / 1e9:.2f} GFLOP a picture, {cores}, medians of {ROUNDS} rounds")
    for batch in BATCHES:
        pixels = np.random.default_rng(0).standard_normal((batch, 3, 224, 224), np.float32)
        works: dict[str, Callable[[], object]] = {
            "ours": lambda pixels=pixels: engine.image_features(pixels),
            "plain torch": lambda pixels=pixels: torch_features(model, pixels),
            "transformers": lambda pixels=pixels: transformers_features(peer, pixels),
            **{f"{name}'s GEMM": gemm for name, gemm in gemms.items()},
        }
        assert cosine(works["ours"](), works["plain torch"]()) > 0.9999
        assert cosine(works["ours"](), works["transformers"]()) > 0.9999
        report(batch, flops, rounds(works, ROUNDS))


def report(batch: int, flops: float, seconds: dict[str, list[float]]) -> None:
    """Print a line a batch size; the limit is the faster of the two matrix products, in each round."""
    gemm_flops = 2 * float(np.prod(GEMM))
    fastest = np.minimum(seconds["ONNX Runtime's GEMM"], seconds["torch's GEMM"])
    limit = batch * flops / gemm_flops * fastest
    ours, torchs = seconds["ours"], gemm_flops / np.median(seconds["torch's GEMM"]) / 1e9
    print(
        f"batch {batch}: {1000 * statistics.median(ours) / batch:.1f} ms a picture; "
        f"{ratio(seconds['plain torch'], ours):.2f} x plain torch, {ratio(seconds['transformers'], ours):.2f} x "
        f"transformers, {ratio(list(limit), ours):.2f} of the GEMM limit ({gemm_flops / np.median(fastest) / 1e9:.0f} "
        f"GFLOP/s; torch's own {torchs:.0f})"
    )


@pytest.mark.benchmark
def test_a_text_query(made: tuple[CLIP, Package]) -> None:
    model, package = made
    encoder, engine = Encoder(package, THREADS, "onnx"), OnnxEngine(package, THREADS)
    short = encoder._tokenizer(["a dog on the beach"])
    full = tuple(np.pad(part, ((0, 0), (0, 77 - part.shape[1]))) for part in short)
    tokens = torch.from_numpy(full[0])
    seconds = rounds(
        {
            "query": lambda: encoder.encode_texts(["a dog on the beach"]),
            "trimmed": lambda: engine.text_features(*short),
            "full": lambda: engine.text_features(*full),
            "torch": lambda: torch_text(model, tokens),
        },
        3 * ROUNDS,
    )
    print(
        f"\na text of {short[0].shape[1]} tokens: {1000 * statistics.median(seconds['query']):.1f} ms with its tokens; "
        f"{ratio(seconds['full'], seconds['trimmed']):.1f} x as fast as 77 positions, "
        f"{ratio(seconds['torch'], seconds['trimmed']):.1f} x as plain torch at 77"
    )


@pytest.mark.benchmark
def test_loading(made: tuple[CLIP, Package]) -> None:
    _, package = made
    texts, pictures = [], []
    for _ in range(ROUNDS):
        texts.append(elapsed(lambda: Encoder(package, engine="onnx").encode_texts(["a dog"])))
        square = np.zeros((1, 224, 224, 3), np.uint8)
        pictures.append(elapsed(lambda square=square: Encoder(package, engine="onnx").encode_images(square)))
    size_mb = sum(path.stat().st_size for path in package.folder.iterdir()) / 2**20
    print(
        f"\nfrom a package of {size_mb:.0f} MB to the first vector: a text {statistics.median(texts):.2f} s, "
        f"a picture {statistics.median(pictures):.2f} s"
    )


def elapsed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@torch.inference_mode()
def torch_features(model: CLIP, pixels: np.ndarray) -> np.ndarray:
    return model.encode_image(torch.from_numpy(pixels)).numpy()


@torch.inference_mode()
def torch_text(model: CLIP, tokens: torch.Tensor) -> np.ndarray:
    """Encode all 77 positions, as released code does."""
    return model.text(tokens).numpy()


@torch.inference_mode()
def transformers_features(model: Any, pixels: np.ndarray) -> np.ndarray:
    features = model.get_image_features(pixel_values=torch.from_numpy(pixels))
    return (features if isinstance(features, torch.Tensor) else features.pooler_output).numpy()


def transformers_model(model: CLIP, folder: Path) -> Any:
    """Make transformers' CLIPModel with the same image tower."""
    from transformers import CLIPConfig, CLIPModel

    vision, embed_dim = model.config.vision, model.config.embed_dim
    sizes = {
        "hidden_size": vision.width,
        "intermediate_size": vision.mlp_width,
        "num_hidden_layers": vision.layers,
        "num_attention_heads": vision.heads,
        "patch_size": vision.patch_size,
        "image_size": vision.image_size,
        "hidden_act": "quick_gelu",
    }
    peer = CLIPModel(CLIPConfig(vision_config=sizes, projection_dim=embed_dim)).eval()
    state = dict(transformers_names(model.visual.state_dict()))
    missing = peer.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys
    assert not [key for key in missing.missing_keys if key.startswith(("vision", "visual"))]
    return peer


def transformers_names(state: dict[str, torch.Tensor]) -> Any:
    """Translate an image tower's weights."""
    plain = {
        "conv1.weight": "embeddings.patch_embedding.weight",
        "class_embedding": "embeddings.class_embedding",
        "positional_embedding": "embeddings.position_embedding.weight",
    }
    parts = {
        "ln_pre": "pre_layrnorm",
        "ln_post": "post_layernorm",
        "transformer.resblocks": "encoder.layers",
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "attn.out_proj": "self_attn.out_proj",
        "c_fc": "fc1",
        "c_proj": "fc2",
    }
    for key, value in state.items():
        if key == "proj":
            yield "visual_projection.weight", value.T
        elif "in_proj" in key:
            block, kind = key.split("attn.in_proj_")
            block = block.replace("transformer.resblocks", "encoder.layers")
            for name, part in zip("qkv", value.chunk(3), strict=True):
                yield f"vision_model.{block}self_attn.{name}_proj.{kind}", part
        else:
            name = plain.get(key, key)
            for ours, theirs in parts.items():
                name = name.replace(ours, theirs)
            yield f"vision_model.{name}", value


def onnx_gemm(folder: Path) -> Callable[[], object]:
    """Make ONNX Runtime multiply two matrices and do nothing else, with its weights packed as in a network."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rows, inputs, outputs = GEMM
    weight = numpy_helper.from_array(np.random.default_rng(0).random((inputs, outputs), np.float32), "w")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "gemm", ends[:1], ends[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    (folder / "gemm.onnx").write_bytes(model.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(folder / "gemm.onnx"), options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).random((rows, inputs), np.float32)
    return lambda: session.run(["y"], {"x": x})


def torch_gemm() -> Callable[[], object]:
    rows, inputs, outputs = GEMM
    x, weight = torch.rand(rows, inputs), torch.rand(inputs, outputs)
    return lambda: x @ weight


def cosine(one: Any, other: Any) -> float:
    products = np.sum(one * other, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return float(products.min())
