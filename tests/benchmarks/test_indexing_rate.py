"""How near indexing comes to the machine's limit: cores / (CPU seconds to decode one + CPU seconds to encode one)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.preprocess import to_square
from clipsearch.files.decode import decode
from clipsearch.library.indexing import index_folders
from clipsearch.library.library import Library
from tests.benchmarks.photos import write_photos

PHOTOS = int(os.environ.get("CLIPSEARCH_BENCHMARK_PHOTOS", "300"))
SAMPLE = 48


@pytest.mark.benchmark
def test_indexing_rate_as_a_share_of_the_limit(tmp_path: Path) -> None:
    paths = write_photos(tmp_path / "photos", PHOTOS)
    with Library.open(tmp_path / "library") as library:
        decode_s = [decode_cpu_seconds(paths, library)]
        encode_s = [encode_cpu_seconds(paths, library)]
        started = time.perf_counter()
        for step in index_folders(library, [tmp_path / "photos"]):
            last = step
        rate = last.counts.added / (time.perf_counter() - started)
        decode_s.append(decode_cpu_seconds(paths, library))
        encode_s.append(encode_cpu_seconds(paths, library))
    cores = os.cpu_count() or 1
    limit = cores / (np.mean(decode_s) + np.mean(encode_s))
    print(f"\n{last.counts.added} photos of 12 megapixels on {cores} cores, worker start included")
    print(f"decode {milliseconds(decode_s)}, encode {milliseconds(encode_s)} of CPU a photo (before, after)")
    print(f"indexing {rate:.1f} photos/s, limit {limit:.1f}: {rate / limit:.2f} of the limit")


def decode_cpu_seconds(paths: list[Path], library: Library) -> float:
    """Return the CPU seconds that decoding one photo at the reduced size costs a single process."""
    size = library.encoder.preprocess.size
    sample = paths[:SAMPLE]
    return cpu_seconds(lambda: [decode(path, size) for path in sample]) / len(sample)


def encode_cpu_seconds(paths: list[Path], library: Library) -> float:
    """Return the CPU seconds, over all threads, that encoding one photo costs in batches of the program's size."""
    spec, batch = library.encoder.preprocess, library.settings.batch_size
    square = to_square(decode(paths[0], spec.size).image, spec)
    squares = np.stack([square] * batch)
    library.encoder.encode_images(squares)
    return cpu_seconds(lambda: [library.encoder.encode_images(squares) for _ in range(4)]) / (4 * batch)


def milliseconds(seconds: list[float]) -> str:
    return f"{1000 * np.mean(seconds):.1f} ms ({', '.join(f'{1000 * value:.1f}' for value in seconds)})"


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
