"""The short version of the benchmark: 20,000 photos held as a million would be, against exact search."""

from __future__ import annotations

import multiprocessing
import multiprocessing.synchronize
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clipsearch.store.catalog import Catalog
from clipsearch.store.index import kinds as index_kinds
from clipsearch.store.index.kinds import Compressed, Exact
from clipsearch.store.vectors import VectorIndex
from tests.store.filled import MODEL, clustered_vectors, fill, random_vectors, remove, text_vectors

COUNT, DIM = 20_000, 64
PHOTOS = {"random": random_vectors(COUNT, DIM), "clustered": clustered_vectors(COUNT, DIM)}
QUERIES = {"random": random_vectors(20, DIM, seed=1), "clustered": text_vectors(20, DIM, seed=1)}


@pytest.fixture(autouse=True)
def compressed_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_kinds, "COMPRESSED_FROM", 1000)
    monkeypatch.setattr(index_kinds, "EXACT_BELOW", 500)


@pytest.fixture(scope="module", params=list(PHOTOS))
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Catalog]]:
    catalog = Catalog(tmp_path_factory.mktemp(request.param) / "catalog.sqlite")
    fill(catalog, PHOTOS[request.param])
    yield request.param, catalog
    catalog.close()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    yield catalog
    catalog.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "model.faiss"


def opened(path: Path, catalog: Catalog) -> VectorIndex:
    return VectorIndex(path, catalog, MODEL, DIM)


def held_as(index: VectorIndex) -> type:
    return type(index._index)


def recall(
    index: VectorIndex, photos: np.ndarray, queries: np.ndarray, k: int, only: np.ndarray | None = None
) -> float:
    """Return the share of the exact k best that are found, of photo ids that count from 1."""
    among = np.arange(1, len(photos) + 1) if only is None else only
    stored = photos.astype(np.float16).astype(np.float32)[among - 1]
    found = 0
    for query, (ids, scores) in zip(queries, index.search(queries, k, only), strict=True):
        exact = among[np.argsort(-(stored @ query), kind="stable")[:k]]
        assert np.all(np.diff(scores) <= 0)
        assert np.allclose(scores, photos.astype(np.float16).astype(np.float32)[ids - 1] @ query, atol=1e-5)
        found += len(np.intersect1d(ids, exact))
    return found / (len(queries) * k)


def test_nearly_all_of_the_best_are_found_with_exact_scores(path: Path, filled: tuple[str, Catalog]) -> None:
    kind, catalog = filled
    index = opened(path, catalog)
    assert held_as(index) is Compressed
    assert recall(index, PHOTOS[kind], QUERIES[kind], 10) >= 0.99
    assert recall(index, PHOTOS[kind], QUERIES[kind], 100) >= 0.98


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_a_filter_leaves_out_all_others(path: Path, filled: tuple[str, Catalog], share: float) -> None:
    kind, catalog = filled
    only = np.flatnonzero(np.random.default_rng(2).random(COUNT) < share) + 1
    index = opened(path, catalog)
    assert recall(index, PHOTOS[kind], QUERIES[kind], 10, only) >= 0.99
    ((ids, _),) = index.search(QUERIES[kind][:1], 100, only)
    assert set(ids.tolist()) <= set(only.tolist())


def test_a_filter_that_keeps_nothing_or_unknown_photos_finds_nothing(path: Path, filled: tuple[str, Catalog]) -> None:
    kind, catalog = filled
    index = opened(path, catalog)
    for only in (np.zeros(0, np.int64), np.array([COUNT + 5, COUNT + 900])):
        ((ids, scores),) = index.search(QUERIES[kind][:1], 10, only)
        assert len(ids) == len(scores) == 0


def test_few_bytes_a_photo(path: Path, filled: tuple[str, Catalog]) -> None:
    index = opened(path, filled[1])
    index.save()
    assert path.stat().st_size < COUNT * (DIM / 4 + 8) + 30_000  # two bits a dimension, an id, the rotation


def test_what_is_written_is_read_again(
    path: Path, filled: tuple[str, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, catalog = filled
    before = opened(path, catalog)
    before.save()
    with monkeypatch.context() as patch:
        patch.setattr(catalog.embeddings, "of", lambda *_: pytest.fail("read from the catalog"))
        again = opened(path, catalog)
    assert held_as(again) is Compressed
    for one, other in zip(before.search(QUERIES[kind], 10), again.search(QUERIES[kind], 10), strict=True):
        assert np.array_equal(one[0], other[0])
    assert len(again.wrong_ids()) == 0


def test_photos_come_and_go(path: Path, catalog: Catalog) -> None:
    photos = random_vectors(3000, DIM)
    fill(catalog, photos[:2000])
    index = opened(path, catalog)
    for step in range(4):  # removals leave blocks of 32 half full, which the next photos fill
        remove(catalog, [7 + step, 1000 + step, *range(1500 + 50 * step, 1545 + 50 * step)])
        index.refresh()
        fill(catalog, photos[2000 + 37 * step : 2037 + 37 * step], 2001 + 37 * step)
        index.refresh()
        assert len(index.wrong_ids()) == 0
        assert index.ids().tolist() == catalog.embeddings.searchable_ids(MODEL).tolist()
        ((ids, scores),) = index.search(photos[2036 + 37 * step][None], 1)
        assert ids.tolist() == [2037 + 37 * step]
        assert scores[0] == pytest.approx(1, abs=1e-3)
    index.save()
    assert len(opened(path, catalog).wrong_ids()) == 0


def test_a_refresh_reads_only_what_changed(path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(catalog, random_vectors(1500, DIM))
    index = opened(path, catalog)
    fill(catalog, random_vectors(3, DIM, seed=5), 1501)
    remove(catalog, [12])
    asked: list[int] = []
    searchable, of = catalog.embeddings.searchable_ids, catalog.embeddings.of
    monkeypatch.setattr(
        catalog.embeddings, "searchable_ids", lambda model, ids: asked.extend(ids) or searchable(model, ids)
    )
    monkeypatch.setattr(catalog.embeddings, "of", lambda model, ids: asked.extend(ids) or of(model, ids))
    index.refresh()
    assert set(asked) == {12, 1501, 1502, 1503}
    assert len(index) == 1502


def test_a_vector_made_anew_replaces_the_old_one(path: Path, catalog: Catalog) -> None:
    fill(catalog, random_vectors(1500, DIM))
    index = opened(path, catalog)
    new = random_vectors(1, DIM, seed=9)
    with catalog._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM file WHERE photo_id = 8")
        connection.exec_driver_sql("DELETE FROM vector WHERE photo_id = 8")
        connection.exec_driver_sql("DELETE FROM photo WHERE id = 8")
    fill(catalog, new, 8)
    index.refresh()
    assert index.search(new, 1)[0][0].tolist() == [8]
    assert len(index.wrong_ids()) == 0


def test_the_kind_follows_the_size_but_not_to_and_fro(path: Path, catalog: Catalog) -> None:
    fill(catalog, random_vectors(999, DIM))
    index = opened(path, catalog)
    assert held_as(index) is Exact
    fill(catalog, random_vectors(1, DIM, seed=3), 1000)
    index.refresh()
    assert held_as(index) is Compressed
    remove(catalog, list(range(1, 401)))
    index.refresh()
    assert held_as(index) is Compressed
    remove(catalog, list(range(401, 502)))
    index.refresh()
    assert held_as(index) is Exact
    assert index.ids().tolist() == list(range(502, 1001))
    assert len(index.wrong_ids()) == 0


def test_a_kind_that_cannot_be_made_leaves_the_old_one(
    path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, random_vectors(900, DIM))
    index = opened(path, catalog)
    fill(catalog, random_vectors(200, DIM, seed=4), 901)
    with monkeypatch.context() as patch:
        patch.setattr(catalog.embeddings, "of", lambda *_: (_ for _ in ()).throw(OSError("the disk is away")))
        with pytest.raises(OSError, match="away"):
            index.refresh()
    assert len(index.search(random_vectors(1, DIM), 5)[0][0]) == 5
    index.refresh()
    assert held_as(index) is Compressed
    assert len(index) == 1100


def test_a_photo_that_goes_while_it_is_ranked_is_left_out(path: Path, catalog: Catalog) -> None:
    photos = random_vectors(1500, DIM)
    fill(catalog, photos)
    index = opened(path, catalog)
    with catalog._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM vector WHERE photo_id = 5")
    ids, _ = index.search(photos[4:5], 10)[0]
    assert 5 not in ids
    assert len(ids) == 10


def test_searches_from_several_threads_while_photos_are_added(path: Path, catalog: Catalog) -> None:
    photos = random_vectors(2600, DIM)
    fill(catalog, photos[:900])
    index, failures, over = opened(path, catalog), [], threading.Event()

    def search() -> None:
        while not over.is_set():
            index.refresh()
            ((ids, _),) = index.search(photos[3:4], 3)
            if ids[0] != 4:
                failures.append(ids)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(900, 2600, 100):
        fill(catalog, photos[start : start + 100], start + 1)
        index.refresh()
        index.save()
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(index) == 2600
    assert len(index.wrong_ids()) == 0


def save_again_and_again(path: Path, library: Path, at_it: multiprocessing.synchronize.Event) -> None:
    catalog = Catalog(library)
    index = VectorIndex(path, catalog, MODEL, DIM)
    while True:
        index._saved_generation = -1
        index.save()
        at_it.set()


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_a_kill_while_saving_leaves_a_whole_file(path: Path, catalog: Catalog, tmp_path: Path) -> None:
    fill(catalog, random_vectors(1500, DIM))
    spawn = multiprocessing.get_context("spawn")
    for delay_s in (0.001, 0.004, 0.009):
        at_it = spawn.Event()
        process = spawn.Process(target=save_again_and_again, args=(path, tmp_path / "catalog.sqlite", at_it))
        process.start()
        assert at_it.wait(60)
        time.sleep(delay_s)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        index = opened(path, catalog)
        assert index._saved_generation == catalog.changes.generation()
        assert len(index.wrong_ids()) == 0
