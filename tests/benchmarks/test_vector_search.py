"""Searching 10,000 to a million photos: time, recall, memory and upkeep of the index, as a table and as a picture."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipsearch.store.catalog import Catalog
from clipsearch.store.vectors import VectorIndex
from tests.store.filled import MODEL, clustered_vectors, fill, random_vectors, remove, text_vectors

SIZES = [int(size) for size in os.environ.get("CLIPSEARCH_BENCHMARK_VECTORS", "10000 100000 1000000").split()]
DIM = int(os.environ.get("CLIPSEARCH_BENCHMARK_DIM", "512"))
ROUNDS = int(os.environ.get("CLIPSEARCH_BENCHMARK_ROUNDS", "5"))
PICTURE = Path(os.environ.get("CLIPSEARCH_BENCHMARK_PICTURE", Path(__file__).with_name("vector_search.png")))
PIECE, CHANGED = 10_000, 1000
PHOTOS: dict[str, Callable[[int, int, int], np.ndarray]] = {"random": random_vectors, "pictures": clustered_vectors}
QUERIES = {"random": random_vectors(100, DIM, seed=10**6), "pictures": text_vectors(100, DIM, seed=10**6)}


Figures = dict[str, Any]


@pytest.mark.benchmark
def test_vector_search(tmp_path: Path) -> None:
    figures: dict[str, list[Figures]] = {kind: [] for kind in PHOTOS}
    for kind, size in ((kind, size) for kind in PHOTOS for size in SIZES):
        folder = tmp_path / f"{kind}-{size}"
        truth = make(folder, kind, size)
        one = {"photos": size, **in_new_process(built, folder), **in_new_process(searched, folder, kind, truth)}
        figures[kind].append({**one, **in_new_process(kept_up, folder, kind)})
        print(f"\n{size:,} {kind} vectors of {DIM}\n{described(figures[kind][-1])}")
        for path in folder.iterdir():
            path.unlink()
    draw(figures)


def pieces(kind: str, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first photo id, vectors in half precision) piece by piece."""
    for start in range(0, size, PIECE):
        yield start + 1, PHOTOS[kind](min(PIECE, size - start), DIM, start).astype(np.float16)


def filtered(size: int) -> np.ndarray:
    """Return the ids of one photo in a hundred."""
    return np.flatnonzero(np.random.default_rng(3).random(size) < 0.01) + 1


def make(folder: Path, kind: str, size: int) -> dict[bool, np.ndarray]:
    """Fill a catalog; return the ids of the exact 100 best for each query, without and with the filter."""
    catalog, only = Catalog(folder / "catalog.sqlite"), filtered(size)
    best = {is_filtered: Best() for is_filtered in (False, True)}
    for first, vectors in pieces(kind, size):
        fill(catalog, vectors, first)
        ids = np.arange(first, first + len(vectors))
        scores = QUERIES[kind] @ vectors.astype(np.float32).T
        best[False].take(ids, scores)
        kept = np.isin(ids, only)
        best[True].take(ids[kept], scores[:, kept])
    catalog.close()
    return {is_filtered: one.ids for is_filtered, one in best.items()}


class Best:
    """The ids of the 100 best photos for each query, of all that were taken, best first."""

    def __init__(self) -> None:
        self.ids, self.scores = np.zeros((100, 0), np.int64), np.zeros((100, 0), np.float32)

    def take(self, ids: np.ndarray, scores: np.ndarray) -> None:
        ids = np.concatenate([self.ids, np.broadcast_to(ids, scores.shape)], axis=1)
        scores = np.concatenate([self.scores, scores], axis=1)
        order = np.argsort(-scores, axis=1)[:, :100]
        self.ids, self.scores = (np.take_along_axis(both, order, axis=1) for both in (ids, scores))


def in_new_process(stage: Callable[..., Figures], *arguments: object) -> Figures:
    """Run in a process of its own, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(stage, arguments)


@contextmanager
def catalog_in(folder: Path) -> Iterator[Catalog]:
    catalog = Catalog(folder / "catalog.sqlite")
    catalog.changes.generation()
    yield catalog
    catalog.close()


def opened(folder: Path, catalog: Catalog) -> VectorIndex:
    return VectorIndex(folder / "model.faiss", catalog, MODEL, DIM)


def built(folder: Path) -> Figures:
    """Make the index from the catalog, as where its file is missing."""
    with catalog_in(folder) as catalog:
        build_s, index = timed(lambda: opened(folder, catalog))
        save_s, _ = timed(index.save)
    return {"build s": build_s, "save s": save_s}


def searched(folder: Path, kind: str, truth: dict[bool, np.ndarray]) -> Figures:
    """Open the index and ask it, with and without a filter, for 10 and for 100 photos; each round is 100 questions."""
    import faiss  # noqa: F401 - not what an index costs

    figures: Figures = {}
    with catalog_in(folder) as catalog:
        before = resident_bytes()
        figures["open s"], index = timed(lambda: opened(folder, catalog))
        only = filtered(len(index))
        for limit, is_filtered in ((10, False), (10, True), (100, False), (100, True)):
            name = f"@{limit}{', 1 % kept' if is_filtered else ''}"
            rounds = [ask(index, kind, limit, only if is_filtered else None) for _ in range(ROUNDS)]
            figures |= dict(zip((f"best p95 ms {name}", f"median p95 ms {name}"), p95s(rounds), strict=True))
            found = [
                np.isin(best[:limit], ids).mean() for best, ids in zip(truth[is_filtered], rounds[0][1], strict=True)
            ]
            figures[f"recall {name}"] = float(np.mean(found))
        figures["resident bytes a photo"] = (resident_bytes() - before) / len(index)
    return figures


def ask(index: VectorIndex, kind: str, limit: int, only: np.ndarray | None) -> tuple[list[float], list[np.ndarray]]:
    """Return the seconds and the ids found for each query, asked one by one as a user does."""
    answers = [timed(lambda query=query: index.search(query[None], limit, only)) for query in QUERIES[kind]]
    return [seconds for seconds, _ in answers], [answer[0][0] for _, answer in answers]


def p95s(rounds: list[tuple[list[float], list[np.ndarray]]]) -> tuple[float, float]:
    """Return the best and the median round's 95th percentile in milliseconds."""
    each = [1000 * float(np.percentile(seconds, 95)) for seconds, _ in rounds]
    return min(each), float(np.median(each))


def kept_up(folder: Path, kind: str) -> Figures:
    """Follow the catalog after another process has added and removed a thousand photos."""
    with catalog_in(folder) as catalog:
        index = opened(folder, catalog)
        size = len(index)
        fill(catalog, PHOTOS[kind](CHANGED, DIM, size + 1), size + 1)
        add_s, _ = timed(index.refresh)
        remove(catalog, list(range(1, size, size // CHANGED))[:CHANGED])
        remove_s, _ = timed(index.refresh)
    return {"added a second": CHANGED / add_s, "removed a second": CHANGED / remove_s}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def resident_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def described(figures: Figures) -> str:
    return "\n".join(f"  {name:<30} {value:>12,.{4 if 'recall' in name else 1}f}" for name, value in figures.items())


def draw(figures: dict[str, list[Figures]]) -> None:
    """Draw time, recall and memory over the number of photos."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    plot, (time_axes, recall_axes, memory_axes) = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for kind, style in zip(figures, ("-", "--"), strict=True):
        rows = figures[kind]
        sizes = [row["photos"] for row in rows]
        for colour, name in enumerate(("@10", "@10, 1 % kept", "@100", "@100, 1 % kept")):
            look = {
                "linestyle": style,
                "marker": "o",
                "markersize": 4,
                "color": f"C{colour}",
                "label": f"{kind} {name}",
            }
            time_axes.plot(sizes, [row[f"best p95 ms {name}"] for row in rows], **look)
            recall_axes.plot(sizes, [row[f"recall {name}"] for row in rows], **look)
        memory = [row["resident bytes a photo"] for row in rows]
        memory_axes.plot(sizes, memory, linestyle=style, marker="o", markersize=4, color="C4", label=kind)
    titles = {
        time_axes: ("search, p95 in ms", 30),
        recall_axes: ("share of the exact best that is found", 0.99),
        memory_axes: ("resident bytes a photo", 200),
    }
    for axes, (title, target) in titles.items():
        axes.axhline(target, color="grey", linewidth=0.8, linestyle=":")
        axes.set(title=title, xlabel="photos", xscale="log")
        axes.legend(fontsize=7, handlelength=4)
    memory_axes.set_yscale("log")
    recall_axes.set_ylim(0.97, 1.002)
    plot.suptitle(f"Vectors of {DIM}; dotted: the target for a million photos")
    plot.savefig(PICTURE, dpi=110, metadata={"Software": None})
