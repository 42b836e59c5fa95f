"""Whatever happens to a library, in whatever order, its index answers as a search through all of the catalog would."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clipsearch.store.catalog import Catalog
from clipsearch.store.index import kinds as index_kinds
from clipsearch.store.vectors import VectorIndex
from tests.store.filled import MODEL, fill, random_vectors, remove

DIM = 6
VECTORS = random_vectors(5000, DIM)
QUERIES = random_vectors(3, DIM, seed=1)


class Followed(RuleBasedStateMachine):
    """Two processes' views of one library: one is told of its own batches, both refresh, save and open again."""

    @initialize(compressed_from=st.sampled_from([1, 20, 60]))
    def begin(self, compressed_from: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(index_kinds, "COMPRESSED_FROM", compressed_from)
        self.patch.setattr(index_kinds, "EXACT_BELOW", compressed_from // 2)
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.catalog = Catalog(self.folder / "catalog.sqlite")
        fill(self.catalog, VECTORS[:1])
        self.present, self.next_id = {1}, 2
        self.indices = [self.open(), self.open()]

    def open(self) -> VectorIndex:
        return VectorIndex(self.folder / "model.faiss", self.catalog, MODEL, DIM)

    @rule(count=st.integers(1, 24))
    def add(self, count: int) -> None:
        fill(self.catalog, VECTORS[self.next_id - 1 : self.next_id - 1 + count], self.next_id)
        self.present.update(range(self.next_id, self.next_id + count))
        self.next_id += count

    @precondition(lambda self: self.present)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        gone = data.draw(st.sets(st.sampled_from(sorted(self.present)), max_size=50))
        remove(self.catalog, sorted(gone))
        self.present -= gone

    @rule(which=st.integers(0, 1))
    def refresh(self, which: int) -> None:
        self.indices[which].refresh()

    @rule(which=st.integers(0, 1))
    def save(self, which: int) -> None:
        self.indices[which].save()

    @rule(which=st.integers(0, 1))
    def open_again(self, which: int) -> None:
        self.indices[which] = self.open()

    @rule()
    def lose_the_file(self) -> None:
        (self.folder / "model.faiss").unlink(missing_ok=True)

    @rule(which=st.integers(0, 1), limit=st.integers(1, 20), data=st.data())
    def search(self, which: int, limit: int, data: st.DataObject) -> None:
        self.indices[which].refresh()
        chosen = data.draw(st.none() | st.sets(st.integers(1, self.next_id + 5), max_size=60))
        among = np.array(sorted(self.present if chosen is None else self.present & chosen), np.int64)
        only = None if chosen is None else np.array(sorted(chosen), np.int64)
        for query, (ids, scores) in zip(QUERIES, self.indices[which].search(QUERIES, limit, only), strict=True):
            exact = VECTORS.astype(np.float16).astype(np.float32) @ query
            assert np.allclose(scores, np.sort(exact[among - 1])[::-1][:limit], atol=1e-5)
            assert np.allclose(scores, exact[ids - 1], atol=1e-5)
            assert len(np.unique(ids)) == len(ids)

    @invariant()
    def each_holds_the_catalogs_vectors(self) -> None:
        for index in getattr(self, "indices", []):
            known = index.ids()
            assert len(np.unique(known)) == len(index) == len(known)
            held = dict.fromkeys(known.tolist())
            for ids, vectors in index._index.decoded():
                distance = np.linalg.norm(vectors - VECTORS[ids - 1], axis=1)
                assert (distance < index._index.error).all()
                assert set(ids.tolist()) <= set(held)

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.catalog.close()
            self.scratch.cleanup()
            self.patch.undo()


TestFollowed = Followed.TestCase
TestFollowed.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
