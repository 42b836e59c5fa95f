"""The kind of index that lies in a graphics card's memory: every vector in half precision, searched in full.

Used from the size on at which the processor would turn to two bits a dimension, where FAISS was built for GPUs and sees
one. FAISS's flat GPU index takes no ids, filters or removals and at most 2,048 hits; so ids stand beside it, removed
photos are passed over until there are many, and a filtered or very long search reads its rows back. It is not written
to a file, but made from the catalog when the library is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from clipsearch.store.index.kinds import Found, Ids, IndexKind, Vectors, load_faiss

_MOST_HITS = 2048
_MOST_REMOVED = 1000
_AT_ONCE = 20_000  # rows read back at a time


class ExactOnGpu(IndexKind):
    """Every vector in half precision on the first GPU. Its methods raise RuntimeError where the GPU fails."""

    name, is_exact, error = "gpu", True, 0.01

    def __init__(self, index: Any) -> None:
        super().__init__(index)
        self._rows = np.zeros(0, np.int64)  # the photo in each row, -1 where it was removed

    @classmethod
    def empty(cls, dim: int) -> ExactOnGpu:
        return cls(_flat(dim))

    def __len__(self) -> int:
        return len(self._rows) - self._removed

    @property
    def _removed(self) -> int:
        return int((self._rows < 0).sum())

    def to_bytes(self) -> None:
        return None

    def ids(self) -> Ids:
        return self._rows[self._rows >= 0]

    def decoded(self) -> Iterator[tuple[Ids, Vectors]]:
        return self._read(np.flatnonzero(self._rows >= 0))

    def add(self, ids: Ids, vectors: npt.NDArray[np.floating[Any]]) -> None:
        self._index.add(np.ascontiguousarray(vectors, np.float32))
        self._rows = np.concatenate([self._rows, ids])

    def remove(self, ids: Ids) -> None:
        self._rows[np.isin(self._rows, ids)] = -1
        if self._removed > _MOST_REMOVED:
            self._close_gaps()

    def _close_gaps(self) -> None:
        whole, rows = _flat(self.dim), self.ids()
        for _, vectors in self.decoded():
            whole.add(vectors)
        self._index, self._rows = whole, rows

    def search(self, queries: Vectors, count: int, only: Ids | None) -> Found:
        count = min(count, len(self))
        if only is not None or count + self._removed > _MOST_HITS:
            wanted = self._rows >= 0 if only is None else np.isin(self._rows, only)
            return self._search_rows(queries, count, np.flatnonzero(wanted))
        scores, rows = self._index.search(queries, count + self._removed)
        found = []
        for score, row in zip(scores, rows, strict=True):
            there = np.flatnonzero((row >= 0) & (self._rows[row] >= 0))[:count]
            found.append((self._rows[row[there]], score[there]))
        return found

    def _search_rows(self, queries: Vectors, count: int, rows: npt.NDArray[np.intp]) -> Found:
        """Rank some rows by reading them back."""
        ids = [np.zeros(0, np.int64)]
        scores = [np.zeros((len(queries), 0), np.float32)]
        for part, vectors in self._read(rows):
            ids.append(part)
            scores.append(queries @ vectors.T)
        known, every = np.concatenate(ids), np.concatenate(scores, axis=1)
        order = np.argsort(-every, axis=1)[:, :count]
        return [(known[row], score[row]) for row, score in zip(order, every, strict=True)]

    def _read(self, rows: npt.NDArray[np.intp]) -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE].astype(np.int64)
            yield self._rows[part], self._index.reconstruct_batch(part)


def has_gpu() -> bool:
    """Tell whether FAISS was built for GPUs and sees one."""
    faiss = load_faiss()
    return hasattr(faiss, "GpuIndexFlatIP") and faiss.get_num_gpus() > 0


def _flat(dim: int) -> Any:
    faiss = load_faiss()
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    return faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), dim, config)
