"""The open indices of a library, one a model."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from clipsearch.store.catalog import Catalog
from clipsearch.store.vectors import VectorIndex


class Indices:
    """Opens each model's index once, from its file or the catalog. Safe to use from several threads."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder = folder
        self._catalog = catalog
        self._open: dict[str, VectorIndex] = {}
        self._lock = threading.Lock()

    def of(self, model: str, dim: int) -> VectorIndex:
        """Return the index of a model's vectors, up to date with the catalog."""
        with self._lock:
            index = self._open.get(model) or self._opened(model, dim)
            self._open[model] = index
        index.refresh()
        return index

    def keep(self, models: Collection[str]) -> None:
        """Let go of the others' memory."""
        with self._lock:
            self._open = {model: index for model, index in self._open.items() if model in models}

    def rebuild(self) -> None:
        """Forget all of them, files too; each is made anew from the catalog when it is next needed."""
        with self._lock:
            self._open = {}
            for path in self._folder.glob("*.faiss"):
                with suppress(OSError):  # one that was wrong and cannot be removed is found wrong again
                    path.unlink()

    def _opened(self, model: str, dim: int) -> VectorIndex:
        index = VectorIndex(self._folder / f"{model}.faiss", self._catalog, model, dim)
        index.save()
        return index
