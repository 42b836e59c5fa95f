"""The vectors of photos, by model, in half precision."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, func, select

from clipsearch.store import schema
from clipsearch.store.changes import note_change
from clipsearch.store.database import Database, chunks


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

    def known(self, model: str, content_hashes: Sequence[str]) -> set[str]:
        """Return those of the contents whose photo has a vector of `model`."""
        photos = schema.photo.c
        known = select(photos.content_hash).where(
            photos.content_hash.in_(content_hashes), photos.id.in_(_embedded_ids(model))
        )
        with self._database.read() as connection:
            return set(connection.execute(known).scalars())

    def count(self, model: str) -> int:
        """Return how many photos have a vector of `model`, those without a file included."""
        with self._database.read() as connection:
            return count_rows(connection, _embedded_ids(model))

    def searchable_ids(self, model: str, among: Collection[int] | None = None) -> npt.NDArray[np.int64]:
        """Return the photos (`among` these) that have a file and a vector of `model`, int64 [n], ascending."""
        rows = searchable_rows(model)
        photo = schema.vector.c.photo_id
        parts = [rows] if among is None else [rows.where(photo.in_(chunk)) for chunk in chunks(sorted(among))]
        with self._database.read() as connection:
            found = (row[0] for part in parts for row in connection.execute(part.order_by(photo)))
            return np.fromiter(found, np.int64)

    def of(self, model: str, ids: Sequence[int]) -> Iterator[tuple[list[int], npt.NDArray[np.float16]]]:
        """Yield (photo ids, float16 [m, dim]) in chunks, for those of `ids` that have a sound vector of `model`."""
        for chunk in chunks(ids):
            with self._database.read() as connection:
                rows = connection.execute(
                    select(schema.vector.c.photo_id, schema.vector.c.data)
                    .join(schema.model)
                    .where(schema.model.c.name == model, schema.vector.c.photo_id.in_(chunk))
                    .where(func.length(schema.vector.c.data) == 2 * schema.model.c.dim)
                ).all()
            if rows:
                data = np.stack([np.frombuffer(row.data, np.float16) for row in rows])
                yield [row.photo_id for row in rows], data

    def wrong(self) -> list[tuple[str, int]]:
        """Return the models with vectors of another length than theirs, and how many each."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(schema.model.c.name, func.count())
                .join(schema.vector)
                .where(func.length(schema.vector.c.data) != 2 * schema.model.c.dim)
                .group_by(schema.model.c.name)
            ).all()
        return [(row[0], row[1]) for row in rows]

    def remove_wrong(self) -> int:
        """Drop vectors whose length does not fit their model, so that the photos are encoded again."""
        vector, model = schema.vector.c, schema.model.c
        dim = select(model.dim).where(model.id == vector.model_id).scalar_subquery()
        with self._database.write() as connection:
            count = connection.execute(delete(schema.vector).where(func.length(vector.data) != 2 * dim)).rowcount
            note_change(connection, None)
        return count


def count_rows(connection: Connection, rows: Any) -> int:
    """Return how many rows a SELECT gives."""
    return int(connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one())


def _embedded_ids(model: str) -> Any:
    return select(schema.vector.c.photo_id).join(schema.model).where(schema.model.c.name == model)


def searchable_rows(model: str) -> Any:
    """Select the photos that have a file and a vector of `model`."""
    return _embedded_ids(model).where(schema.vector.c.photo_id.in_(select(schema.file.c.photo_id)))
