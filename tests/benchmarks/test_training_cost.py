"""What a step of training costs beside the same step in plain code, on one core and, where there is one, on a GPU.

The longer run for a GPU, of which this measures a step (ViT-B/32, 1,024 scenes a step; log.csv tells pairs a second):

    python -m training train --config training/configs/vit-b-32.toml --out runs/b32-scenes \
        --set data.kind=scenes --set data.path= --set data.augment=none --set data.workers=14 \
        --set loop.batch_size=1024 --set loop.micro_batch_size=0 --set loop.gradient_checkpointing=false \
        --set loop.steps=20000 --set optimiser.warmup_steps=1000 --set optimiser.half_statistics=false \
        --set evaluation.classes= --set evaluation.templates=default --set evaluation.every=1000 \
        --set evaluation.pictures=1400
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection

import pytest
import torch

from clipsearch.model import CLIPConfig, config
from clipsearch.model.configs import TextConfig, VisionConfig
from tests.benchmarks.models import image_macs, ratio, text_macs
from tests.benchmarks.training_steps import Cost, Step, Way, serve, step_of

ROUNDS = int(os.environ.get("CLIPSEARCH_BENCHMARK_ROUNDS", "7"))
PAIRS = int(os.environ.get("CLIPSEARCH_BENCHMARK_PAIRS", "32"))
GPU_PAIRS = int(os.environ.get("CLIPSEARCH_BENCHMARK_GPU_PAIRS", "1024"))
MB = 1 << 20
SIDE = 8192  # of the matrices whose product is the GPU's peak

#: B/32's proportions at half its width and depth
SMALL = CLIPConfig(
    "ViT-S-32",
    256,
    VisionConfig("vit", 224, width=384, layers=6, heads=6, patch_size=32),
    TextConfig(width=256, heads=4, layers=6),
)
PLAIN, PLAIN_BF16 = Way("plain code", is_plain=True), Way("plain code, bf16", is_plain=True, precision="bf16")
WAYS = (
    PLAIN,
    Way("ours, nothing on"),
    Way("checkpointing", checkpointing=True),
    Way("caching, quarters", parts=PAIRS // 4),
    Way("caching, quarters, and checkpointing", parts=PAIRS // 4, checkpointing=True),
    Way("half statistics", half_statistics=True),
    Way("all three", parts=PAIRS // 4, checkpointing=True, half_statistics=True),
    Way("ours, texts of 20 tokens at most", words=20),
    PLAIN_BF16,
    Way("ours, bf16", precision="bf16"),
)
GPU_WAYS = (
    PLAIN_BF16,
    Way("ours, nothing on", precision="bf16"),
    Way("checkpointing", precision="bf16", checkpointing=True),
    Way("caching, quarters", precision="bf16", parts=GPU_PAIRS // 4),
    Way("caching, quarters, and checkpointing", precision="bf16", parts=GPU_PAIRS // 4, checkpointing=True),
    Way("half statistics", precision="bf16", half_statistics=True),
    Way("ours, texts of 20 tokens at most", precision="bf16", words=20),
)


@pytest.mark.benchmark
def test_a_step_on_one_core() -> None:
    costs = in_turns(WAYS, SMALL)
    assert {name: one[0].loss for name, one in costs.items()} == pytest.approx(
        {way.name: costs[PLAIN.name][0].loss for way in WAYS}, rel=0.02
    )
    print(f"\n{SMALL.name}, {PAIRS} pairs of 224 pixels and up to 77 tokens a step, one thread, {ROUNDS} rounds")
    print("| step | CPU seconds | times plain | clock, times plain | peak memory | times plain |\n" + "|---" * 6 + "|")
    for name, rounds in costs.items():
        print(row(name, rounds, costs[PLAIN.name]))


def row(name: str, rounds: Sequence[Cost], base: Sequence[Cost]) -> str:
    """Tell medians over the rounds; the first round fills caches and makes the optimiser's statistics."""
    cpu, base_cpu = ([one.cpu_s for one in costs[1:]] for costs in (rounds, base))
    wall, base_wall = ([one.wall_s for one in costs[1:]] for costs in (rounds, base))
    peak, base_peak = rounds[-1].peak_bytes, base[-1].peak_bytes
    return (
        f"| {name} | {statistics.median(cpu):.2f} ({min(cpu):.2f} to {max(cpu):.2f}) | {ratio(cpu, base_cpu):.2f} | "
        f"{ratio(wall, base_wall):.2f} | {peak / MB:.0f} MB | {peak / base_peak:.2f} |"
    )


def in_turns(ways: Sequence[Way], network: CLIPConfig) -> dict[str, list[Cost]]:
    """Let each way, in a process of its own, make a step a round, one after the other; the first round is extra."""
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    with serving(ways, network) as pipes:
        for _ in range(1 + ROUNDS):
            for name, pipe in pipes.items():
                pipe.send(True)
                costs[name].append(pipe.recv())
    return costs


@contextmanager
def serving(ways: Sequence[Way], network: CLIPConfig) -> Iterator[Mapping[str, Connection]]:
    """Start a process for each way and yield the ends of pipes to them."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for way in ways:
        pipes[way.name], other = context.Pipe()
        processes.append(context.Process(target=serve, args=(way, network, PAIRS, other), daemon=True))
        processes[-1].start()
        other.close()
    try:
        yield pipes
        for pipe in pipes.values():
            pipe.send(False)
    finally:
        for pipe in pipes.values():
            pipe.close()
        for process in processes:
            process.join(60)


@pytest.mark.benchmark
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_a_step_on_a_gpu() -> None:
    """Pixels and tokens are on the GPU already; what loading them takes is for the longer run."""
    network = config("ViT-B-32-quickgelu")
    flops = 6 * GPU_PAIRS * (image_macs(network) + text_macs(network))  # forward and twice as much back
    peak, seconds = matrix_product_flops(), {way.name: gpu_seconds(way, network) for way in GPU_WAYS}
    print(f"\n{network.name} on {torch.cuda.get_device_name()}, {GPU_PAIRS} pairs a step, bf16, {ROUNDS} rounds")
    print(f"the paper's network: {flops / GPU_PAIRS / 1e9:.1f} GFLOP a pair; bf16 GEMM {peak / 1e12:.0f} TFLOP/s")
    print("| step | images/s | times plain | share of the GEMM | peak memory |\n" + "|---" * 5 + "|")
    base, _ = seconds[PLAIN_BF16.name]
    for name, (times, most) in seconds.items():
        middle = statistics.median(times)
        cells = f"{GPU_PAIRS / middle:.0f} | {statistics.median(base) / middle:.2f} | {flops / middle / peak:.2f}"
        print(f"| {name} | {cells} | {most / MB:.0f} MB |")


def gpu_seconds(way: Way, network: CLIPConfig) -> tuple[list[float], int]:
    """Return the seconds of some steps, and the most memory beyond that before the first one, in bytes."""
    step = step_of(way, network, GPU_PAIRS, "cuda")
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    for _ in range(2):
        step()
    times = [timed(step) for _ in range(ROUNDS)]
    most = torch.cuda.max_memory_allocated() - before
    del step
    torch.cuda.empty_cache()
    return times, most


def timed(step: Step) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def matrix_product_flops() -> float:
    """Return what the GPU reaches in one large bf16 matrix product, FLOP a second."""
    a, b = (torch.randn(SIDE, SIDE, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    products = [timed(lambda: float((a @ b)[0, 0])) for _ in range(2 + ROUNDS)][2:]
    return 2 * SIDE**3 / statistics.median(products)
