"""The search index: a projection of the catalog's vectors that can always be rebuilt from it.

Its kind follows the size of the library (see `index/kinds.py`); what the compressed kind finds is ranked by the
catalog's vectors (see `index/ranking.py`), so that scores are always exact.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.store.catalog import Catalog
from clipsearch.store.index import file as index_file
from clipsearch.store.index.file import Header
from clipsearch.store.index.gpu import ExactOnGpu, has_gpu
from clipsearch.store.index.id_set import Ids, IdSet
from clipsearch.store.index.kinds import KINDS, Compressed, Exact, IndexKind, kind_for
from clipsearch.store.index.ranking import candidates_for, placed, rank
from clipsearch.store.tables.intake import StoredBatch

Vectors = npt.NDArray[np.float32]

_AT_ONCE = 10_000  # ids handed over at a time, as Python's numbers are large


class VectorIndex:
    """Unit vectors of one model by photo id, searched by inner product. Safe to use from several threads."""

    def __init__(self, path: Path, catalog: Catalog, model: str, dim: int) -> None:
        """Open the index file, or start empty, and bring it up to date with the catalog."""
        self._path, self._catalog, self._model, self._dim = path, catalog, model, dim
        self._lock, self._saving = threading.Lock(), threading.Lock()
        self._index: IndexKind = Exact.empty(dim)
        self._generation = self._saved_generation = -1
        self._has_gpu = has_gpu()
        self._load()
        self._ids = IdSet(self._index.ids())
        self.refresh()

    def __len__(self) -> int:
        return len(self._index)

    def ids(self) -> Ids:
        """Return the photo ids in the index, int64 [n], ascending."""
        with self._lock:
            return np.sort(self._index.ids())

    def refresh(self) -> None:
        """Add what the catalog has and the index lacks, remove what the catalog no longer has.

        Only the photos that the catalog has noted as changed are compared, unless that was too long ago.
        """
        if self._catalog.changes.generation() == self._generation:
            return
        with self._lock:
            generation, changed = self._catalog.changes.since(self._generation)
            if not _leads_to(self._generation, generation):  # a rescued catalog has taken the place of the old one
                self._index, self._ids = Exact.empty(self._dim), IdSet(np.zeros(0, np.int64))
                changed = None
            self._compare(changed)
            self._generation = generation

    def add(self, stored: StoredBatch) -> None:
        """Add the photos of a batch that the catalog has just stored, and drop those that it replaced.

        The index stays up to date with the catalog if it was so before the batch; else the next refresh mends it.
        """
        with self._lock:
            self._change(np.array(stored.lost_ids, np.int64), np.unique(np.array(stored.photo_ids, np.int64)))
            if stored.generation == self._generation + 1:
                self._generation = stored.generation

    def _compare(self, changed: Collection[int] | None) -> None:
        """Read anew what changed; if that is not known, compare all photos."""
        wanted = self._catalog.embeddings.searchable_ids(self._model, changed)
        if changed is None:
            held = self._index.ids()
            self._change(held[~IdSet(wanted).holds(held)], wanted)
        else:
            self._change(np.fromiter(changed, np.int64, len(changed)), wanted)

    def _change(self, gone: Ids, wanted: Ids) -> None:
        """Drop photos, then add those that are wanted and not there; turn to another kind when the size asks for it."""
        gone = gone[self._ids.holds(gone)]
        self._index.remove(gone)
        self._ids.remove(gone)
        new = wanted[~self._ids.holds(wanted)]
        suitable = self._suitable(len(self) + len(new))
        try:
            self._take(suitable, new)
        except RuntimeError:  # a GPU that has no room, or is gone: the processor does as well
            if suitable is not ExactOnGpu:
                raise
            self._has_gpu = False
            self._take(self._suitable(len(self) + len(new)), new)

    def _suitable(self, count: int) -> type[IndexKind]:
        kind = kind_for(count, Exact if isinstance(self._index, Exact) else Compressed)
        return ExactOnGpu if self._has_gpu and kind is Compressed else kind

    def _take(self, kind: type[IndexKind], new: Ids) -> None:
        """Add photos; an index that is of another kind is made anew, about a second for 50,000 photos."""
        if isinstance(self._index, kind):
            self._fill(self._index, self._ids, new)
        else:
            index, ids = kind.empty(self._dim), IdSet(np.zeros(0, np.int64))
            self._fill(index, ids, np.concatenate([self._ids.all(), new]))
            self._index, self._ids = index, ids

    def _fill(self, index: IndexKind, held: IdSet, ids: Ids) -> None:
        for start in range(0, len(ids), _AT_ONCE):
            for found, vectors in self._read(ids[start : start + _AT_ONCE].tolist()):
                added = np.array(found, np.int64)
                index.add(added, vectors)
                held.add(added)

    def _read(self, ids: Sequence[int]) -> Iterator[tuple[list[int], npt.NDArray[np.float16]]]:
        return self._catalog.embeddings.of(self._model, ids)

    def search(self, queries: Vectors, limit: int, only: Ids | None = None) -> list[tuple[Ids, Vectors]]:
        """Return (photo ids [k], scores [k]) for each row of `queries`, float32 [q, dim]; best first, k <= limit.

        `only`, int64 [n], are the photos to choose from. A score is the inner product with the catalog's vector.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        with self._lock:
            is_exact = self._index.is_exact
            found = self._index.search(queries, limit if is_exact else candidates_for(limit), only)
        if is_exact:
            return found
        return [
            rank(query, ids, scores, limit, self._read) for query, (ids, scores) in zip(queries, found, strict=True)
        ]

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return the catalog's vectors of these photos, float32 [n, dim]. Raises KeyError for one not in the index."""
        asked, rows = np.unique(np.array(ids, np.int64), return_inverse=True)
        with self._lock:
            indexed = self._ids.holds(asked)
        vectors, found = np.zeros((len(asked), self._dim), np.float32), np.zeros(len(asked), np.bool_)
        for places, part in placed(asked, self._read):
            vectors[places], found[places] = part, True
        if not (indexed & found).all():
            raise KeyError(ids)
        return vectors[rows]

    def wrong_ids(self) -> Ids:
        """Return the photos of which the index holds something else than the catalog does, int64 [n]."""
        with self._lock:
            wrong = [ids[~self._is_right(ids, held)] for ids, held in self._index.decoded()]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *wrong]))

    def _is_right(self, ids: Ids, held: Vectors) -> npt.NDArray[np.bool_]:
        right = np.zeros(len(ids), np.bool_)
        for places, vectors in placed(ids, self._read):
            right[places] = np.linalg.norm(held[places] - vectors, axis=1) < self._index.error
        return right

    def save(self) -> None:
        """Write the index file, whole or not at all, unless it is already up to date or cannot be written."""
        with self._saving:
            with self._lock:
                if self._generation == self._saved_generation:
                    return
                header = Header(self._index.name, self._model, self._generation)
                data = self._index.to_bytes()
            if data is None:
                return
            with suppress(OSError):  # no room, or not ours to write: memory is as good, the next run tries again
                index_file.write(self._path, header, data)
                self._saved_generation = header.generation

    def _load(self) -> None:
        """Take the index in the file, unless it is missing, damaged, or of another model or catalog."""
        with index_file.opened(self._path) as found, suppress(RuntimeError, OSError):
            if found is None or not self._is_suitable(found[0]):
                return
            header, stream = found
            index = KINDS[header.kind].from_stream(stream)
            if index.dim == self._dim:
                self._index, self._generation, self._saved_generation = index, header.generation, header.generation

    def _is_suitable(self, header: Header) -> bool:
        is_known = header.kind in KINDS and header.model == self._model
        return is_known and _leads_to(header.generation, self._catalog.changes.generation())


def _leads_to(saved: int, now: int) -> bool:
    """Tell whether a catalog at generation `now` once was at `saved`: not another one, nor an older copy put back."""
    return saved <= now and saved >> 32 == now >> 32
