"""The vectors of photos, by model, in half precision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, func, select

from clipsearch.store.database import Database, chunks
from clipsearch.store.tables import schema
from clipsearch.store.tables.changes import note_change

Ids = npt.NDArray[np.int64]

_NORM_TOLERANCE = 2e-3  # half precision rounds each number by at most one part in 2048, and so the norm
_CHECKED_AT_ONCE = 5000


class Embeddings:
    """The table of vectors, keyed by photo and model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lacking(self, model: str, folder_ids: Sequence[int] | None = None) -> set[int]:
        """Return the photos that have a file (in one of these folders) but no vector of `model`."""
        files = schema.file.c
        missing = select(files.photo_id).where(files.photo_id.not_in(_embedded_ids(model)))
        if folder_ids is not None:
            missing = missing.where(files.folder_id.in_(folder_ids))
        with self._database.read() as connection:
            return set(connection.execute(missing).scalars())

    def known(self, model: str, content_hashes: Iterable[str]) -> set[str]:
        """Return those of the contents whose photo has a vector of `model`."""
        photos = schema.photo.c
        embedded = select(photos.content_hash).where(photos.id.in_(_embedded_ids(model)))
        known: set[str] = set()
        with self._database.read() as connection:
            for chunk in chunks(content_hashes):
                known.update(connection.execute(embedded.where(photos.content_hash.in_(chunk))).scalars())
        return known

    def count(self, model: str) -> int:
        """Return how many photos have a vector of `model`, those without a file included."""
        with self._database.read() as connection:
            return count_rows(connection, _embedded_ids(model))

    def last_id(self, model: str) -> int:
        """Return the highest id of a photo that has a vector of `model`; 0 without any."""
        number = select(schema.model.c.id).where(schema.model.c.name == model).scalar_subquery()
        last = select(func.max(schema.vector.c.photo_id)).where(schema.vector.c.model_id == number)
        with self._database.read() as connection:
            return connection.execute(last).scalar() or 0

    def searchable_ids(self, model: str, among: Collection[int] | None = None) -> npt.NDArray[np.int64]:
        """Return the photos (`among` these) that have a file and a vector of `model`, int64 [n], ascending."""
        photo, file = schema.vector.c.photo_id, schema.file.c.photo_id
        files = select(file)
        with_file = [files] if among is None else [files.where(file.in_(chunk)) for chunk in chunks(sorted(among))]
        parts = [_embedded_ids(model).where(photo.in_(photos)) for photos in with_file]
        with self._database.read() as connection:
            found = (row[0] for part in parts for row in connection.execute(part.order_by(photo)))
            return np.fromiter(found, np.int64)

    def of(self, model: str, ids: Sequence[int]) -> Iterator[tuple[list[int], npt.NDArray[np.float16]]]:
        """Yield (photo ids, float16 [m, dim]) in chunks, for those of `ids` that have a sound vector of `model`."""
        for chunk in chunks(ids):
            with self._database.read() as connection:
                found = _sound_vectors(connection, model, chunk)
            if found[0]:
                yield found

    def among(self, model: str, ids: Iterable[int]) -> set[int]:
        """Return those of the photos that have a vector of `model`, whether they have a file or not."""
        photo, found = schema.vector.c.photo_id, set[int]()
        with self._database.read() as connection:
            for chunk in chunks(ids):
                found.update(connection.execute(_embedded_ids(model).where(photo.in_(chunk))).scalars())
        return found

    def searchable(self, model: str, at_once: int) -> Iterator[tuple[Ids, npt.NDArray[np.float16]]]:
        """Yield (photo ids int64 [m], float16 [m, dim]) of all photos that have a file and a vector, ids ascending.

        `at_once` rows are read in one short transaction, so that memory stays small and writers need not wait.
        """
        last = -1
        while True:
            with self._database.read() as connection:
                ids, vectors, last = _vectors_after(connection, model, last, at_once)
            if len(ids):
                yield ids, vectors
            if last < 0:
                return

    def wrong(self) -> list[tuple[str, int]]:
        """Return the models with damaged vectors (see `are_sound`), and how many each."""
        found = [(model, len(ids)) for model, ids in self._damaged().items()]
        return [(model, count) for (_, model), count in found if count]

    def remove_wrong(self) -> int:
        """Drop damaged vectors, so that the photos are encoded again."""
        damaged, vectors = self._damaged(), schema.vector.c
        with self._database.write() as connection:
            for (model_id, _), ids in damaged.items():
                for chunk in chunks(ids):
                    lost = vectors.model_id == model_id, vectors.photo_id.in_(chunk)
                    connection.execute(delete(schema.vector).where(*lost))
            note_change(connection, None)
        return sum(map(len, damaged.values()))

    def _damaged(self) -> dict[tuple[int, str], list[int]]:
        """Return the photos whose vector is damaged by the model's row and name."""
        models = schema.model.c
        with self._database.read() as connection:
            known = connection.execute(select(models.id, models.name, models.dim)).all()
            return {(row.id, row.name): list(_damaged_vectors(connection, row.id, row.dim)) for row in known}


def are_sound(data: Sequence[bytes], dim: int) -> npt.NDArray[np.bool_]:
    """Tell of each stored vector whether it is `dim` numbers in half precision, finite and of unit norm; bool [n].

    A flipped bit that matters to a search shows in the norm; one in the last places of a number does not.
    """
    sound = np.fromiter((len(one) == 2 * dim for one in data), np.bool_, len(data))
    if sound.any():
        whole = np.frombuffer(b"".join(compress(data, sound)), "<f2").reshape(-1, dim).astype(np.float32)
        with np.errstate(invalid="ignore"):  # a number that is none makes no norm
            sound[sound] = np.abs(np.sqrt(np.einsum("nd,nd->n", whole, whole)) - 1) < _NORM_TOLERANCE
    return sound


def _damaged_vectors(connection: Connection, model_id: int, dim: int) -> Iterator[int]:
    """Yield the photos whose vector of this model is damaged."""
    vectors, last = schema.vector.c, -1
    page = select(vectors.photo_id, vectors.data).where(vectors.model_id == model_id).order_by(vectors.photo_id)
    while rows := connection.execute(page.where(vectors.photo_id > last).limit(_CHECKED_AT_ONCE)).all():
        sound = are_sound([row.data for row in rows], dim)
        yield from (row.photo_id for row, is_sound in zip(rows, sound, strict=True) if not is_sound)
        last = rows[-1].photo_id


def _sound_vectors(connection: Connection, model: str, ids: Sequence[int]) -> tuple[list[int], npt.NDArray[np.float16]]:
    """Return (photo ids, float16 [m, dim]). Plain SQL, as each search waits for up to thousands of rows."""
    models = schema.model.c
    number, dim = connection.execute(select(models.id, models.dim).where(models.name == model)).first() or (0, 1)
    marks = ",".join("?" * len(ids))
    statement = f"SELECT photo_id, data FROM vector WHERE model_id = ? AND photo_id IN ({marks})"  # noqa: S608
    rows = [row for row in connection.exec_driver_sql(statement, (number, *ids)).all() if len(row[1]) == 2 * dim]
    data = np.frombuffer(b"".join([row[1] for row in rows]), np.float16)
    return [row[0] for row in rows], data.reshape(-1, dim)


def _vectors_after(
    connection: Connection, model: str, last: int, count: int
) -> tuple[Ids, npt.NDArray[np.float16], int]:
    """Return (ids, float16 [m, dim], the last id looked at or -1 at the end) of the next `count` rows. Plain SQL."""
    models = schema.model.c
    number, dim = connection.execute(select(models.id, models.dim).where(models.name == model)).first() or (0, 1)
    statement = (
        "SELECT photo_id, data, EXISTS (SELECT 1 FROM file WHERE file.photo_id = vector.photo_id)"
        " FROM vector WHERE model_id = ? AND photo_id > ? ORDER BY photo_id LIMIT ?"
    )
    rows = connection.exec_driver_sql(statement, (number, last, count)).all()
    kept = [row for row in rows if row[2] and len(row[1]) == 2 * dim]
    vectors = np.frombuffer(b"".join([row[1] for row in kept]), "<f2").reshape(-1, dim)
    ids = np.fromiter((row[0] for row in kept), np.int64, len(kept))
    return ids, vectors, int(rows[-1][0]) if len(rows) == count else -1


def count_rows(connection: Connection, rows: Any) -> int:
    """Return how many rows a SELECT gives."""
    return int(connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one())


def _embedded_ids(model: str) -> Any:
    return select(schema.vector.c.photo_id).join(schema.model).where(schema.model.c.name == model)


def searchable_rows(model: str) -> Any:
    """Select the photos that have a file and a vector of `model`."""
    return _embedded_ids(model).where(schema.vector.c.photo_id.in_(select(schema.file.c.photo_id)))
