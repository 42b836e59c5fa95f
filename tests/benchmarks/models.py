"""Random weights of a real architecture, as a package and in the programs that it is compared with."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from clipsearch.encode import convert
from clipsearch.encode.package import Package, load_package
from clipsearch.model import CLIP, CLIPConfig, create
from clipsearch.model.checkpoint import save

#: On a machine that is busy with other things: one thread, and its CPU seconds instead of the clock's.
ONE_THREAD = bool(os.environ.get("CLIPSEARCH_BENCHMARK_ONE_THREAD"))
THREADS = 1 if ONE_THREAD else 0


def random_package(name: str, folder: Path) -> tuple[CLIP, Package]:
    """Make a model with the paper's initialisation, and convert it in this process."""
    torch.manual_seed(0)
    model = create(name).eval()
    save(model, folder / "checkpoint")
    made = folder / "package"
    made.mkdir()
    for _ in convert._steps(convert._Job(folder / "checkpoint", made, "benchmark", name, "", None)):
        pass
    return model, load_package(made)


def image_macs(config: CLIPConfig) -> float:
    """Return the multiplications of a ViT for one picture: patches, blocks (four w^2 of attention, two of the MLP's
    widths, and what attention itself multiplies), projection; everything that the paper's network computes."""
    vision = config.vision
    layers = vision.layers if isinstance(vision.layers, int) else sum(vision.layers)
    width, length, patches = vision.width, vision.positions, vision.grid**2
    block = length * (4 * width**2 + 2 * width * vision.mlp_width) + 2 * length**2 * width
    return patches * 3 * (vision.patch_size or 32) ** 2 * width + layers * block + width * config.embed_dim


def text_macs(config: CLIPConfig) -> float:
    """Return the multiplications of a text that fills all positions, counted as those of a picture."""
    text, length = config.text, config.text.context_length
    block = length * (4 * text.width**2 + 2 * text.width * text.mlp_width) + 2 * length**2 * text.width
    return text.layers * block + text.width * config.embed_dim


def rounds(works: Mapping[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    """Time each work once a round, in turn, so that what else the machine does meets all alike; seconds."""
    clock = time.process_time if ONE_THREAD else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(count):
        for name, work in works.items():
            started = clock()
            work()
            seconds[name].append(clock() - started)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    """Return the median, over the rounds, of how many times as long `slow` took."""
    return statistics.median(np.array(slow) / np.array(fast))
