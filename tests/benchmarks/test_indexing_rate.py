"""How near indexing comes to the machine's limit: cores / (CPU seconds to decode one + CPU seconds to encode one)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.preprocess import to_square
from clipsearch.files.decode import decode
from clipsearch.library.library import Library
from tests.benchmarks.photos import write_photos

PHOTOS = int(os.environ.get("CLIPSEARCH_BENCHMARK_PHOTOS", "500"))
SAMPLE = 48


@pytest.mark.benchmark
def test_indexing_rate_as_a_share_of_the_limit(tmp_path: Path) -> None:
    paths = write_photos(tmp_path / "photos", PHOTOS)
    with Library.open(tmp_path / "library") as library:
        decode_s = [decode_cpu_seconds(paths, library)]
        encode_s = [encode_cpu_seconds(paths, library)]
        whole, inside = indexing_rates(tmp_path)
        decode_s.append(decode_cpu_seconds(paths, library))
        encode_s.append(encode_cpu_seconds(paths, library))
    cores = os.cpu_count() or 1
    limit = cores / (np.mean(decode_s) + np.mean(encode_s))
    print(f"\n{PHOTOS} photos of 12 megapixels on {cores} cores")
    print(f"decode {milliseconds(decode_s)}, encode {milliseconds(encode_s)} of CPU a photo (before, after)")
    for title, rate in (("the whole process", whole), ("the run in it", inside)):
        print(f"{title}: {rate:.1f} photos/s, limit {limit:.1f}: {rate / limit:.2f} of the limit")


def indexing_rates(folder: Path) -> tuple[float, float]:
    """Return photos a second of `clipsearch index`: as a whole process, and by the seconds that it reports itself."""
    command = [
        sys.executable,
        "-m",
        "clipsearch",
        "index",
        str(folder / "photos"),
        "--library",
        str(folder / "new"),
        "--json",
    ]
    started = time.perf_counter()
    answer = subprocess.run(command, check=True, capture_output=True).stdout
    return PHOTOS / (time.perf_counter() - started), PHOTOS / json.loads(answer)["seconds"]


def decode_cpu_seconds(paths: list[Path], library: Library) -> float:
    """Return the CPU seconds that decoding one photo at the reduced size costs a single process."""
    size = library.encoder.preprocess.size
    sample = paths[:SAMPLE]
    return cpu_seconds(lambda: [decode(path, size) for path in sample]) / len(sample)


def encode_cpu_seconds(paths: list[Path], library: Library) -> float:
    """Return the CPU seconds, over all threads, from a decoded picture to its vector: the model's own resizing, and
    its image tower in batches of the program's size."""
    spec, batch = library.encoder.preprocess, library.settings.batch_size
    pictures = [decode(path, spec.size).image for path in paths[:SAMPLE]]
    batches = [pictures[start : start + batch] for start in range(0, len(pictures), batch)]

    def encode() -> None:
        for pictures in batches:
            library.encoder.encode_images(np.stack([to_square(picture, spec) for picture in pictures]))

    encode()
    return cpu_seconds(encode) / len(pictures)


def milliseconds(seconds: list[float]) -> str:
    return f"{1000 * np.mean(seconds):.1f} ms ({', '.join(f'{1000 * value:.1f}' for value in seconds)})"


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
