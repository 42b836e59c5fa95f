"""Categories of a large library: putting all photos into all of them, learning from one more judgement, previewing.

Photos and texts are vectors made by lot (see `tests/store/filled.py`); encoding texts is measured apart from this, by
the real starter model.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.encoder import Encoder
from clipsearch.library.categories import applying, editing, judging, suggesting
from clipsearch.library.categories.preview import preview
from clipsearch.library.library import Library
from clipsearch.paths import resource_path
from clipsearch.records import Category
from tests.benchmarks.test_vector_search import in_new_process, resident_bytes
from tests.fakes import FakeEncoder, FakeInstalled, fake_library
from tests.store.filled import MODEL, clustered_vectors, fill, text_vectors

PHOTOS = int(os.environ.get("CLIPSEARCH_BENCHMARK_PHOTOS", "100000"))
CATEGORIES = int(os.environ.get("CLIPSEARCH_BENCHMARK_CATEGORIES", "200"))
EXAMPLES = int(os.environ.get("CLIPSEARCH_BENCHMARK_EXAMPLES", "1000"))
DIM = int(os.environ.get("CLIPSEARCH_BENCHMARK_DIM", "512"))
ROUNDS = int(os.environ.get("CLIPSEARCH_BENCHMARK_ROUNDS", "5"))
PIECE = 10_000
MB = 1 << 20


class ManyTexts(FakeEncoder):
    """Gives each text a vector of its own, float32 [n, DIM], without a model."""

    model_id = MODEL
    dim = DIM

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        return directions()[[zlib.crc32(text.encode()) % len(directions()) for text in texts]]

    @cached_property
    def background(self) -> np.ndarray:
        return clustered_vectors(500, DIM, seed=10**6)


@cache
def directions() -> np.ndarray:
    return text_vectors(4096, DIM, seed=10**6)


@pytest.mark.benchmark
def test_categories_of_a_large_library(tmp_path: Path) -> None:
    with library_in(tmp_path) as library:
        for start in range(0, PHOTOS, PIECE):
            fill(library.catalog, clustered_vectors(min(PIECE, PHOTOS - start), DIM, start), start + 1)
        for number in range(CATEGORIES):
            editing.add(library, Category(0, f"category {number}", prompts=(f"thing {number}", f"one {number}")))
    print(f"\n{PHOTOS:,} photos of {DIM} dimensions, {CATEGORIES} categories")
    for stage in (learned, applied, followed, retrained, asked, previewed):
        for name, value in in_new_process(stage, tmp_path).items():
            print(f"{name:60} {value}")


@pytest.mark.benchmark
def test_encoding_the_texts_of_categories() -> None:
    starter = Encoder.from_folder(resource_path("models") / "starter")
    starter.encode_texts(["warm"])
    texts = [f"{article} thing {number}" for number in range(CATEGORIES) for article in ("", "a", "the", "my", "some")]
    print(f"\n{len(texts)} texts: {seconds(lambda: starter.encode_texts(texts)):.2f} s")


def learned(folder: Path) -> dict[str, str]:
    """Make all heads for the first time; texts are made by lot, so that they cost next to nothing."""
    with library_in(folder) as library, watched_memory() as memory:
        steps = applying.apply(library)
        first = seconds(lambda: next(steps))
        rest = seconds(lambda: list(steps))
    values = {
        "first head, with sampling the library": f"{first:.3f} s",
        "all other heads, then all photos": f"{rest:.2f} s",
    }
    return values | {"memory beyond the open library's, at most": f"{memory[0]:.0f} MB"}


def applied(folder: Path) -> dict[str, str]:
    """Look at all photos for all categories, whose heads are there; their thresholds have changed."""
    with library_in(folder) as library:
        times, floors, rounds = [], [], iter(range(1, ROUNDS + 1))
        with watched_memory() as memory:
            for number in rounds:
                for category in library.catalog.labels.all():
                    editing.change(library, replace(category, threshold=0.5 + 0.01 * number))
                times.append(seconds(lambda: applying.refresh(library)))
                floors.append(seconds(lambda: read_all(library)))
        members = sum(info.found for info in editing.categories(library))
        again = [seconds(lambda: applying.refresh(library)) for _ in range(ROUNDS)]
    return {
        f"apply, all photos to all categories ({members:,} members)": spread(times),
        "the same in times of reading all vectors once": f"{statistics.median(times) / statistics.median(floors):.2f}",
        "memory beyond the open library's, at most": f"{memory[0]:.0f} MB",
        "apply when nothing has changed": spread(again),
    }


def followed(folder: Path) -> dict[str, str]:
    """Put new photos into all categories."""
    with library_in(folder) as library:
        times = []
        for number in range(ROUNDS):
            fill(library.catalog, clustered_vectors(100, DIM, 10**7 + number), PHOTOS + 100 * number + 1)
            times.append(seconds(lambda: applying.refresh(library)))
    return {"apply after 100 new photos": spread(times)}


def retrained(folder: Path) -> dict[str, str]:
    """Judge one photo more in a category with many examples; learn and look at all photos again."""
    with library_in(folder) as library:
        category = editing.find(library, "category 7").category
        ids, _ = applying.all_scores(library, category.id)
        examples = np.random.default_rng(1).permutation(ids[: 4 * EXAMPLES])[:EXAMPLES]
        judging.judge(library, category.id, examples[::2].tolist(), True)
        judging.judge(library, category.id, examples[1::2].tolist(), False)
        applying.refresh(library)
        times, others = [], [photo_id for photo_id in ids.tolist() if photo_id not in set(examples.tolist())]
        with watched_memory() as memory:
            for photo_id in others[:ROUNDS]:
                judging.judge(library, category.id, [photo_id], True)
                times.append(seconds(lambda: applying.refresh(library)))
    return {
        f"one judgement more, beside {EXAMPLES:,} examples": spread(times),
        "memory beyond the open library's, at most": f"{memory[0]:.0f} MB",
    }


def asked(folder: Path) -> dict[str, str]:
    """What the window and `show` ask."""
    with library_in(folder) as library:
        category = editing.find(library, "category 7").category
        works: dict[str, Callable[[], object]] = {
            "the categories with their numbers": lambda: editing.categories(library),
            "the members of one": lambda: applying.member_ids(library, category.id),
            "all photos in order": lambda: applying.all_scores(library, category.id),
            "ten photos to judge next": lambda: suggesting.to_judge(library, category.id),
        }
        return {name: spread([seconds(work) for _ in range(ROUNDS)]) for name, work in works.items()}


def previewed(folder: Path) -> dict[str, str]:
    """Type a name letter by letter, then drag the threshold."""
    with library_in(folder) as library:
        word = "birthday party with many candles"
        library.warm_up()
        with watched_memory() as memory:
            first = seconds(lambda: preview(library, Category(0, "b"), 100))
            typed = [Category(0, word[:end], negatives=("cake",)) for end in range(2, len(word))]
            dragged = [Category(0, word, threshold=step / 20) for step in range(1, 20)]
            known = editing.find(library, "category 7").category
            taught = [replace(known, prompts=(word[:end],)) for end in range(1, 9)]
            times = [
                [seconds(partial(preview, library, one, 100)) for one in many] for many in (typed, dragged, taught)
            ]
    return {
        "preview, the first one, with sampling the library": f"{first:.3f} s",
        "preview while typing, with a rival": spread(times[0]),
        "preview while dragging the threshold": spread(times[1]),
        "preview of new prompts beside all those examples": spread(times[2]),
        "memory beyond the open library's, at most": f"{memory[0]:.0f} MB",
    }


def library_in(folder: Path) -> Library:
    return fake_library(folder / "library", installed=FakeInstalled(starter=ManyTexts()))


def read_all(library: Library) -> None:
    """The floor: every vector once, as numbers that can be multiplied."""
    for _, vectors in library.catalog.embeddings.searchable(MODEL, 4096):
        vectors.astype(np.float32)


@contextmanager
def watched_memory() -> Iterator[list[float]]:
    """Yield a list whose first number is, after the block, by how many MB the process grew in it at most."""
    before, done, most = resident_bytes(), threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], (resident_bytes() - before) / MB)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.3f} s ({min(times):.3f} to {max(times):.3f})"
