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
from tests.soak.test_memory import memory_of

PHOTOS = int(os.environ.get("CLIPSEARCH_BENCHMARK_PHOTOS", "500"))
SAMPLE = 48


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_photos(tmp_path_factory.mktemp("photos"), PHOTOS)


@pytest.mark.benchmark
@pytest.mark.parametrize("model", ["starter", "ViT-B-32"])
def test_indexing_rate_as_a_share_of_the_limit(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path / "models"))
    if model != "starter":
        install_random(model, tmp_path)
    with Library.open(tmp_path / "library") as library:
        library.choose_model(model)
        decode_s = [decode_cpu_seconds(photos, library)]
        encode_s = [encode_cpu_seconds(photos, library)]
        whole, inside, peak_mb = indexing_rates(photos[0].parent, tmp_path / "library")
        decode_s.append(decode_cpu_seconds(photos, library))
        encode_s.append(encode_cpu_seconds(photos, library))
    cores = os.cpu_count() or 1
    limit = cores / (np.mean(decode_s) + np.mean(encode_s))
    print(f"\n{model}: {PHOTOS} photos of 12 megapixels on {cores} cores")
    print(f"decode {milliseconds(decode_s)}, encode {milliseconds(encode_s)} of CPU a photo (before, after)")
    for title, rate in (("the whole process", whole), ("the run in it", inside)):
        print(f"{title}: {rate:.1f} photos/s, limit {limit:.1f}: {rate / limit:.2f} of the limit")
    print(f"at most {peak_mb:.0f} MB, all its processes together")


def install_random(name: str, folder: Path) -> None:
    """Install a model of random weights under the name of its architecture."""
    from tests.benchmarks.models import random_package

    _, package = random_package(name, folder)
    description = package.folder / "model.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | {"name": name}))
    (folder / "models").mkdir()
    package.folder.rename(folder / "models" / name)


def indexing_rates(photos: Path, library: Path) -> tuple[float, float, float]:
    """Return photos a second of `clipsearch index`, as a whole process and by the seconds that it reports itself; and
    the most memory in MB that its processes had for themselves, as read twice a second."""
    command = [sys.executable, "-m", "clipsearch", "index", str(photos), "--library", str(library), "--json"]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        used = [0]
        while process.poll() is None:
            used.append(memory_of(process.pid))
            time.sleep(0.02 if len(used) < 3 else 0.5)
        seconds = time.perf_counter() - started
        answer = process.stdout.read() if process.stdout else b""
    return PHOTOS / seconds, PHOTOS / json.loads(answer)["seconds"], max(used) / 1024**2


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
