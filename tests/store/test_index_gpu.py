"""The GPU's index, on a stand-in for FAISS's GPU classes that can do as little as they can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import faiss
import numpy as np
import pytest

from clipsearch.store.catalog import Catalog
from clipsearch.store.index import gpu as index_gpu
from clipsearch.store.index import kinds as index_kinds
from clipsearch.store.index.gpu import ExactOnGpu
from clipsearch.store.index.kinds import Compressed
from clipsearch.store.vectors import VectorIndex
from tests.store.filled import MODEL, fill, random_vectors, remove

DIM = 16


class FlatOnCard:
    """A flat GPU index: no ids, no removal, no filters, 2,048 hits, and only so much memory."""

    room = 10**9

    def __init__(self, _resources: object, dim: int, config: SimpleNamespace) -> None:
        assert config.useFloat16
        self._flat, self.d = faiss.IndexFlatIP(dim), dim

    def add(self, vectors: np.ndarray) -> None:
        if self._flat.ntotal + len(vectors) > self.room:
            raise RuntimeError("out of memory on the device")
        self._flat.add(vectors.astype(np.float16).astype(np.float32))

    def search(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        assert count <= 2048
        return self._flat.search(queries, count)

    def reconstruct_batch(self, rows: np.ndarray) -> np.ndarray:
        return self._flat.reconstruct_batch(rows)


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = SimpleNamespace(
        GpuIndexFlatIP=FlatOnCard,
        GpuIndexFlatConfig=SimpleNamespace,
        StandardGpuResources=object,
        get_num_gpus=lambda: 1,
    )
    monkeypatch.setattr(index_gpu, "load_faiss", lambda: stand_in)
    monkeypatch.setattr(index_kinds, "COMPRESSED_FROM", 1000)
    monkeypatch.setattr(index_kinds, "EXACT_BELOW", 500)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    yield catalog
    catalog.close()


def opened(tmp_path: Path, catalog: Catalog) -> VectorIndex:
    return VectorIndex(tmp_path / "model.faiss", catalog, MODEL, DIM)


def assert_exact(index: VectorIndex, vectors: np.ndarray, limit: int = 10, only: np.ndarray | None = None) -> None:
    among = index.ids() if only is None else np.intersect1d(only, index.ids())
    for query, (ids, scores) in zip(vectors[:3], index.search(vectors[:3], limit, only), strict=True):
        exact = np.sort(vectors[among - 1].astype(np.float16).astype(np.float32) @ query)[::-1][:limit]
        assert np.allclose(scores, exact, atol=1e-5)
        assert np.isin(ids, among).all()


def test_a_large_library_is_searched_on_the_gpu_through_removals(tmp_path: Path, catalog: Catalog) -> None:
    vectors = random_vectors(4000, DIM)
    fill(catalog, vectors)
    index = opened(tmp_path, catalog)
    assert isinstance(index._index, ExactOnGpu)
    assert_exact(index, vectors)
    for gone in (range(10, 700), range(700, 1400)):  # passed over; then the gaps are closed
        remove(catalog, list(gone))
        index.refresh()
        assert_exact(index, vectors)
        assert_exact(index, vectors, 2500)
        assert_exact(index, vectors, 10, np.arange(600, 1500))
        assert len(index) == len(index.ids())
        assert len(index.wrong_ids()) == 0


def test_it_is_made_from_the_catalog_each_time(tmp_path: Path, catalog: Catalog) -> None:
    fill(catalog, random_vectors(1200, DIM))
    opened(tmp_path, catalog).save()
    assert not (tmp_path / "model.faiss").exists()
    assert len(opened(tmp_path, catalog)) == 1200


def test_a_gpu_without_room_leaves_it_to_the_processor(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FlatOnCard, "room", 1500)
    vectors = random_vectors(2000, DIM)
    fill(catalog, vectors[:1200])
    index = opened(tmp_path, catalog)
    assert isinstance(index._index, ExactOnGpu)
    fill(catalog, vectors[1200:], 1201)
    index.refresh()
    assert isinstance(index._index, Compressed)
    assert len(index) == 2000
    assert len(index.wrong_ids()) == 0


def test_a_small_library_stays_with_the_processor(tmp_path: Path, catalog: Catalog) -> None:
    fill(catalog, random_vectors(100, DIM))
    index = opened(tmp_path, catalog)
    assert not isinstance(index._index, ExactOnGpu)
    index.save()
    assert (tmp_path / "model.faiss").exists()
