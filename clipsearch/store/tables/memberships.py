"""What a model makes of the categories: their heads, and the photos that these find. All of it can be made again.

So can the sample of the library that they are held against, but it stays the same, so that the heads do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, Table, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.store.database import Database
from clipsearch.store.tables import schema
from clipsearch.store.tables.models import model_row

LogOdds = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


def _none() -> LogOdds:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the examples would get if they had not been seen, float32 log-odds: those put in, and those taken out."""

    put_in: LogOdds = field(default_factory=_none)
    taken_out: LogOdds = field(default_factory=_none)


@dataclass(frozen=True, slots=True)
class StoredHead:
    """A category's classifier in one model: weights float32 [r, dim] and biases float32 [r]; row 0 is the category.

    The further rows are what is meant not to be. `digest` tells what it was made of.
    """

    category_id: int
    digest: str
    weights: npt.NDArray[np.float32]
    biases: npt.NDArray[np.float32]
    left_out: LeftOut = field(default_factory=LeftOut)


@dataclass(frozen=True, slots=True)
class StoredSample:
    """Photos drawn at random from a library that had so many `photos` then: `photo_ids` int64 [n], as drawn."""

    photos: int
    photo_ids: Ids


@dataclass(frozen=True, slots=True)
class Membership:
    """The photos that a head found, int64 [n] ascending, with their log-odds, float32 [n].

    It holds for the photos of the catalog at `generation`; `digest` tells which heads and thresholds it was made with.
    """

    category_id: int
    digest: str
    generation: int
    photo_ids: npt.NDArray[np.int64]
    log_odds: npt.NDArray[np.float32]


class Memberships:
    """The tables of heads and memberships, by category and model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heads(self, model: str, category_ids: Collection[int] | None = None) -> dict[int, StoredHead]:
        """Return the heads of a model by category, of all of them or of some."""
        table = schema.head
        rows = select(table, schema.model.c.dim).join(schema.model).where(schema.model.c.name == model)
        if category_ids is not None:
            rows = rows.where(table.c.category_id.in_(category_ids))
        with self._database.read() as connection:
            found = connection.execute(rows).all()
        return {
            row.category_id: StoredHead(
                row.category_id,
                row.digest,
                np.frombuffer(row.weights, "<f4").reshape(-1, row.dim),
                np.frombuffer(row.biases, "<f4"),
                _left_out(row),
            )
            for row in found
        }

    def left_out(self, model: str, category_ids: Collection[int] | None = None) -> dict[int, LeftOut]:
        """Return what the examples of each category, of all of them or of some, would get without themselves."""
        table = schema.head.c
        rows = select(table.category_id, table.put_in, table.taken_out).join(schema.model)
        rows = rows.where(schema.model.c.name == model)
        if category_ids is not None:
            rows = rows.where(table.category_id.in_(category_ids))
        with self._database.read() as connection:
            return {row.category_id: _left_out(row) for row in connection.execute(rows)}

    def store_heads(self, model: str, dim: int, heads: Iterable[StoredHead]) -> None:
        """Keep the heads of a model, each instead of an older one; a category that is gone meanwhile is passed over."""
        rows = [
            {
                "category_id": head.category_id,
                "digest": head.digest,
                "weights": head.weights.astype("<f4").tobytes(),
                "biases": head.biases.astype("<f4").tobytes(),
                "put_in": head.left_out.put_in.astype("<f4").tobytes(),
                "taken_out": head.left_out.taken_out.astype("<f4").tobytes(),
            }
            for head in heads
        ]
        self._store(schema.head, model, dim, rows)

    def all(self, model: str, category_ids: Collection[int] | None = None) -> dict[int, Membership]:
        """Return the memberships of a model by category, of all of them or of some."""
        table = schema.membership
        rows = select(table).join(schema.model).where(schema.model.c.name == model)
        if category_ids is not None:
            rows = rows.where(table.c.category_id.in_(category_ids))
        with self._database.read() as connection:
            found = connection.execute(rows).all()
        return {
            row.category_id: Membership(
                row.category_id,
                row.digest,
                row.generation,
                np.frombuffer(row.photo_ids, "<i8"),
                np.frombuffer(row.scores, "<f4"),
            )
            for row in found
        }

    def store(self, model: str, dim: int, memberships: Iterable[Membership]) -> None:
        """Keep the memberships of a model, each instead of an older one; see `store_heads`."""
        rows = [
            {
                "category_id": one.category_id,
                "digest": one.digest,
                "generation": one.generation,
                "photo_ids": one.photo_ids.astype("<i8").tobytes(),
                "scores": one.log_odds.astype("<f4").tobytes(),
            }
            for one in memberships
        ]
        self._store(schema.membership, model, dim, rows)

    def sample(self, model: str) -> StoredSample | None:
        """Return the sample of the library that the heads of a model are held against, None before there is one."""
        table = schema.background.c
        rows = select(table.photos, table.photo_ids).join(schema.model).where(schema.model.c.name == model)
        with self._database.read() as connection:
            row = connection.execute(rows).first()
        return StoredSample(row.photos, np.frombuffer(row.photo_ids, "<i8")) if row else None

    def store_sample(self, model: str, dim: int, sample: StoredSample) -> None:
        """Keep the sample of a model instead of an older one."""
        told = {"photos": sample.photos, "photo_ids": sample.photo_ids.astype("<i8").tobytes()}
        with self._database.write() as connection:
            row = {"model_id": model_row(connection, model, dim), **told}
            connection.execute(upsert(schema.background).values(row).on_conflict_do_update(["model_id"], set_=told))

    def forget(self, category_ids: Collection[int]) -> None:
        """Drop the heads and memberships of these categories, in every model, so that they are made anew."""
        with self._database.write() as connection:
            for table in (schema.head, schema.membership):
                connection.execute(delete(table).where(table.c.category_id.in_(category_ids)))

    def _store(self, table: Table, model: str, dim: int, rows: Sequence[Mapping[str, object]]) -> None:
        with self._database.write() as connection:
            known = set(connection.execute(select(schema.category.c.id)).scalars())
            model_id = model_row(connection, model, dim)
            rows = [{**row, "model_id": model_id} for row in rows if row["category_id"] in known]
            if rows:
                statement = upsert(table)
                new = {name: statement.excluded[name] for name in rows[0] if name not in {"category_id", "model_id"}}
                connection.execute(statement.on_conflict_do_update(["category_id", "model_id"], set_=new), rows)


def _left_out(row: Row[*tuple[Any, ...]]) -> LeftOut:
    return LeftOut(np.frombuffer(row.put_in, "<f4"), np.frombuffer(row.taken_out, "<f4"))
