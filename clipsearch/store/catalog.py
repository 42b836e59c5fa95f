"""The catalog: short transactions in, frozen records out. It is the truth; the index and thumbnails follow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from clipsearch.nouns import noun
from clipsearch.store.database import Database
from clipsearch.store.tables import schema
from clipsearch.store.tables.changes import Changes
from clipsearch.store.tables.embeddings import Embeddings, count_rows, searchable_rows
from clipsearch.store.tables.files import Files
from clipsearch.store.tables.folders import Folders
from clipsearch.store.tables.intake import NewFile, StoredBatch, take_in
from clipsearch.store.tables.labels import Labels
from clipsearch.store.tables.memberships import Memberships
from clipsearch.store.tables.models import Models
from clipsearch.store.tables.photos import Photos


@dataclass(frozen=True, slots=True)
class Counts:
    """`photos` have at least one file; `embedded` of them have a vector of the model asked about.

    `waiting` are files that were found and not read yet.
    """

    photos: int
    files: int
    embedded: int
    problems: int
    waiting: int = 0


class Catalog:
    """The catalog in one SQLite file, a table group each. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open or make the catalog. Raises CatalogError when it is damaged, newer or not writable."""
        self._database = Database(path)
        self.folders = Folders(self._database)
        self.files = Files(self._database)
        self.photos = Photos(self._database)
        self.embeddings = Embeddings(self._database)
        self.models = Models(self._database)
        self.labels = Labels(self._database)
        self.memberships = Memberships(self._database)
        self.changes = Changes(self._database)

    @property
    def read_only(self) -> bool:
        """Whether the library may only be read, as on a disk that is mounted so."""
        return self._database.read_only

    def close(self) -> None:
        self._database.close()

    def store(self, dims: Mapping[str, int], files: Sequence[NewFile]) -> StoredBatch:
        """Record files with their photos, vectors and labels in one transaction (see `intake.take_in`)."""
        with self._database.write() as connection:
            return take_in(connection, dims, files)

    def counts(self, model: str) -> Counts:
        """Return the numbers of photos, files, photos with a vector of `model`, problems, and files not read yet."""
        with self._database.read() as connection:
            photos, files = connection.execute(
                select(func.count(schema.file.c.photo_id.distinct()), func.count(schema.file.c.id))
            ).one()
            embedded = count_rows(connection, searchable_rows(model))
            problems = count_rows(connection, select(schema.problem.c.id))
            waiting = count_rows(connection, select(schema.waiting.c.folder_id))
        return Counts(photos, files, embedded, problems, waiting)

    def holds_anything(self) -> bool:
        """Tell whether there is something to lose: a folder, or a category."""
        return bool(self.folders.places() or self.labels.categories())

    def back_up(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Make a backup if one is due (see `Backups`). Raises CatalogError where that fails, StoppedError."""
        self._database.back_up(stop)

    def is_sound(self) -> bool:
        """Tell whether nothing is wrong with the file itself. Raises DamagedCatalogError for worse damage."""
        return not self._database.integrity() and self.changes.generation() >= 0

    def integrity(self) -> list[str]:
        """Return what is wrong with the catalog itself, one sentence each."""
        damaged = [f"The catalog file is damaged: {finding}." for finding in self._database.integrity()]
        wrong = self.embeddings.wrong()
        return damaged + [
            f"{count} {noun(count, 'vector')} of {name} {'is' if count == 1 else 'are'} damaged."
            for name, count in wrong
        ]
