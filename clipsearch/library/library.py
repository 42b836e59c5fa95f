"""Library: one catalog, its models and indices. What can be done with it stands in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.prompts import Classifiers
from clipsearch.errors import PackageError
from clipsearch.files.thumbnails import ThumbnailCache
from clipsearch.library.categories.background import Backgrounds
from clipsearch.library.choice import Choice
from clipsearch.library.indexing.priority import Priority
from clipsearch.library.indices import Indices
from clipsearch.library.installed import Installed, OnePackage
from clipsearch.settings import Settings
from clipsearch.store.catalog import Catalog
from clipsearch.store.vectors import VectorIndex

Answer = TypeVar("Answer")


class Library:
    """An open library folder. Safe to use from several threads; heavy parts load when they are first needed."""

    def __init__(self, folder: Path, settings: Settings, catalog: Catalog, installed: Installed) -> None:
        self.folder = folder
        self.settings = settings
        self.catalog = catalog
        self.choice = Choice(catalog, installed)
        self.indices = Indices(folder / "index", catalog)
        self.priority = Priority()
        self.classifiers = Classifiers(folder / "classifiers")
        self.backgrounds = Backgrounds(catalog, self.classifiers)
        self.thumbnails = ThumbnailCache(folder / "thumbnails", settings.thumbnail_px)

    @classmethod
    def open(cls, folder: Path, settings: Settings | None = None, package: Path | None = None) -> Library:
        """Open the library in `folder`, made if it is new, with the installed models or only that in `package`.

        Raises CatalogError, or PackageError for a `package` that is not usable.
        """
        settings = settings or Settings()
        installed = OnePackage(package, settings) if package else Installed(settings)
        return cls(folder, settings, Catalog(folder / "catalog.sqlite"), installed)

    @property
    def encoder(self) -> Encoder:
        """The chosen model's encoder, which indexing fills; the one that answers where the chosen is not usable."""
        return self.choice.models().filling

    @property
    def answering(self) -> Encoder:
        """The encoder that answers searches now."""
        return self.choice.models().answering

    @property
    def note(self) -> str:
        """Why the chosen model is not usable, and what to do, in a sentence; nothing while all is well."""
        return self.choice.models().note

    def choose_model(self, name: str) -> None:
        """Choose an installed model by name. Until it has caught up, the model that answers now goes on answering.

        Raises ClipsearchError for a model that is not installed or damaged.
        """
        self.choice.choose(name)

    def index_of(self, encoder: Encoder) -> VectorIndex:
        """Return the index of a model's vectors, up to date with the catalog."""
        self.indices.keep({*self.choice.models().in_use, encoder.model_id})
        return self.indices.of(encoder.model_id, encoder.dim)

    def ask(self, encode: Callable[[Encoder], Answer]) -> tuple[Encoder, Answer]:
        """Return the encoder that answers and what it makes of a question; a damaged one hands over to the next.

        Raises ClipsearchError when no model is left that could answer.
        """
        while True:
            encoder = self.answering
            try:
                return encoder, encode(encoder)
            except PackageError as error:
                self.choice.pass_over(encoder, error)

    def warm_up(self) -> None:
        """Load what a first text search needs, so that it answers at once."""
        encoder, _ = self.ask(lambda encoder: encoder.encode_texts(["photo"]))
        len(self.index_of(encoder))

    def close(self) -> None:
        self.catalog.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
