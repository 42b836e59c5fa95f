"""The FAISS index: a projection of the catalog's vectors that can always be rebuilt from it.

One file a model: a line of JSON (model, generation of the catalog, checksum), then FAISS's own bytes. It is written
through Python, since FAISS's own file functions fail on non-ASCII paths on Windows (facebookresearch/faiss #3073).
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipsearch.store.catalog import Catalog
from clipsearch.store.intake import StoredBatch

_FORMAT = 1


class VectorIndex:
    """Unit vectors of one model by photo id, searched by inner product. Safe to use from several threads."""

    def __init__(self, path: Path, catalog: Catalog, model: str, dim: int) -> None:
        """Open the index file, or start empty, and bring it up to date with the catalog."""
        self._path, self._catalog, self._model, self._dim = path, catalog, model, dim
        self._lock = threading.RLock()
        self._generation = -1
        self._saved_generation = -1
        self._index = self._load() or _empty(dim)
        self.refresh()

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def ids(self) -> npt.NDArray[np.int64]:
        """Return the photo ids in the index, int64 [n], in no fixed order."""
        import faiss

        with self._lock:
            return faiss.vector_to_array(self._index.id_map).astype(np.int64)

    def refresh(self) -> None:
        """Add what the catalog has and the index lacks, remove what the catalog no longer has."""
        with self._lock:
            generation = self._catalog.changes.generation()
            if generation == self._generation:
                return
            wanted, present = self._catalog.embeddings.searchable_ids(self._model), self.ids()
            gone = np.setdiff1d(present, wanted, assume_unique=True)
            if len(gone):
                self._index.remove_ids(gone)
            self._add_from_catalog(np.setdiff1d(wanted, present, assume_unique=True).tolist())
            self._generation = generation

    def add(self, stored: StoredBatch) -> None:
        """Add the photos of a batch that the catalog has just stored, and drop those that it replaced.

        The index stays up to date with the catalog if it was so before the batch; else the next refresh mends it.
        """
        with self._lock:
            new = [photo_id for photo_id in dict.fromkeys(stored.photo_ids) if not self._has(photo_id)]
            self._add_from_catalog(new)
            if stored.lost_ids:
                self._index.remove_ids(np.array(stored.lost_ids, np.int64))
            if stored.generation == self._generation + 1:
                self._generation = stored.generation

    def _add_from_catalog(self, photo_ids: Sequence[int]) -> None:
        for ids, vectors in self._catalog.embeddings.of(self._model, photo_ids):
            self._index.add_with_ids(vectors.astype(np.float32), np.array(ids, np.int64))

    def _has(self, photo_id: int) -> bool:
        try:
            self._index.reconstruct(photo_id)
        except RuntimeError:
            return False
        return True

    def search(
        self, queries: npt.NDArray[np.float32], limit: int
    ) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
        """Return (photo ids [k], scores [k]) for each row of `queries`, float32 [q, dim]; best first, k <= limit."""
        with self._lock:
            count = min(limit, len(self))
            if count == 0:
                return [(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries]
            scores, ids = self._index.search(np.ascontiguousarray(queries, np.float32), count)
        return list(zip(ids, scores, strict=True))

    def vectors(self, ids: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the vectors of these photos, float32 [n, dim]. Raises KeyError for a photo not in the index."""
        vectors = np.empty((len(ids), self._dim), np.float32)
        with self._lock:
            try:
                for row, photo_id in enumerate(ids):
                    vectors[row] = self._index.reconstruct(int(photo_id))
            except RuntimeError as error:
                raise KeyError(ids) from error
        return vectors

    def save(self) -> None:
        """Write the index file, whole or not at all, unless it is already up to date or cannot be written."""
        with self._lock:
            if self._generation == self._saved_generation:
                return
            import faiss

            data: Any = faiss.serialize_index(self._index)  # uint8 [bytes], written without a copy
            header = {"format": _FORMAT, "model": self._model, "generation": self._generation, "crc": zlib.crc32(data)}
            try:
                self._write(json.dumps(header).encode() + b"\n", data)
            except OSError:  # no room, or not ours to write: the index in memory is as good, the next run tries again
                return
            self._saved_generation = self._generation

    def _write(self, header: bytes, data: Any) -> None:
        scratch = self._path.with_name(f"{self._path.stem}.{os.getpid()}.new")  # two processes may save at once
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb") as stream:
                stream.write(header)
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            scratch.replace(self._path)
        finally:
            scratch.unlink(missing_ok=True)

    def _load(self) -> Any:
        """Return the FAISS index in the file, None when it is missing, damaged, or of another model or catalog."""
        import faiss

        try:
            with self._path.open("rb") as stream:
                header = json.loads(stream.readline())
                data = stream.read()
            if (header["format"], header["model"], header["crc"]) != (_FORMAT, self._model, zlib.crc32(data)):
                return None
            if not _leads_to(int(header["generation"]), self._catalog.changes.generation()):
                return None
            index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
            self._generation = self._saved_generation = int(header["generation"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            return None
        return index


def _leads_to(saved: int, now: int) -> bool:
    """Tell whether a catalog at generation `now` once was at `saved`: not another one, nor an older copy put back."""
    return saved <= now and saved >> 32 == now >> 32


def _empty(dim: int) -> Any:
    """Exact inner-product search over half-precision vectors, the precision that the catalog keeps."""
    import faiss

    flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap2(flat)
