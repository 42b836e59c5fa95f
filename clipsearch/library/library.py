"""Library: one catalog, one index, one encoder. What can be done with it stands in the modules beside this one."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from clipsearch.encode.encoder import Encoder
from clipsearch.files.thumbnails import ThumbnailCache
from clipsearch.paths import resource_path
from clipsearch.settings import Settings
from clipsearch.store.catalog import Catalog
from clipsearch.store.vectors import VectorIndex


class Library:
    """An open library folder. Safe to use from several threads; heavy parts load when they are first needed."""

    def __init__(self, folder: Path, settings: Settings, encoder: Encoder, catalog: Catalog) -> None:
        self.folder = folder
        self.settings = settings
        self.encoder = encoder
        self.catalog = catalog
        self.thumbnails = ThumbnailCache(folder / "thumbnails", settings.thumbnail_px)
        self._index: VectorIndex | None = None
        self._loading = threading.Lock()

    @classmethod
    def open(cls, folder: Path, settings: Settings | None = None, package: Path | None = None) -> Library:
        """Open the library in `folder`, made if it is new, with the model in `package` (default: the starter).

        Raises CatalogError or PackageError.
        """
        settings = settings or Settings()
        encoder = Encoder.from_folder(package or resource_path("models/starter"), settings.encode_threads)
        return cls(folder, settings, encoder, Catalog(folder / "catalog.sqlite"))

    @property
    def index(self) -> VectorIndex:
        """The index of the current model's vectors, up to date with the catalog."""
        with self._loading:
            index = self._index or self._open_index()
            self._index = index
        index.refresh()
        return index

    def rebuild_index(self) -> None:
        """Make the index anew from the catalog."""
        with self._loading:
            self._index_path.unlink(missing_ok=True)
            self._index = self._open_index()

    @property
    def _index_path(self) -> Path:
        return self.folder / "index" / f"{self.encoder.model_id}.faiss"

    def _open_index(self) -> VectorIndex:
        index = VectorIndex(self._index_path, self.catalog, self.encoder.model_id, self.encoder.dim)
        index.save()
        return index

    def warm_up(self) -> None:
        """Load what a first text search needs, so that it answers at once."""
        self.encoder.encode_texts(["photo"])
        len(self.index)

    def close(self) -> None:
        self.catalog.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
