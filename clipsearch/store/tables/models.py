"""The models that vectors were made with, and which of them the user chose."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.store.database import Database, inserted_id
from clipsearch.store.tables import schema
from clipsearch.store.tables.changes import note_change

_CHOSEN_MODEL = "model"  # a row of library_setting


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that vectors were made with. `caught_up` says that it has known every photo within reach."""

    name: str
    dim: int
    caught_up: bool


class Models:
    """The table of models, and the choice among them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def chosen(self) -> str | None:
        """Return the name of the package that the user chose, None before any choice."""
        table = schema.library_setting.c
        with self._database.read() as connection:
            return connection.execute(select(table.value).where(table.name == _CHOSEN_MODEL)).scalar()

    def choose(self, package: str) -> None:
        """Record the name of the package that the user chose."""
        statement = upsert(schema.library_setting).values(name=_CHOSEN_MODEL, value=package)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(["name"], set_={"value": package}))
            note_change(connection)

    def known(self) -> list[KnownModel]:
        """Return the models known here: those that have caught up first, the latest of them at the top."""
        table = schema.model.c
        order = (table.caught_up_at.desc().nulls_last(), table.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(select(table.name, table.dim, table.caught_up_at).order_by(*order)).all()
            if not all(isinstance(row.dim, int) and row.dim > 0 for row in rows):
                raise sqlite3.DatabaseError("malformed model")
        return [KnownModel(row.name, row.dim, row.caught_up_at is not None) for row in rows]

    def set_caught_up(self, model: str, dim: int, caught_up: bool) -> None:
        """Record that `model` knows every photo within reach from now on, or that it no longer does."""
        with self._database.write() as connection:
            row = model_row(connection, model, dim)
            now = note_change(connection)
            at = now if caught_up else None
            connection.execute(update(schema.model).where(schema.model.c.id == row).values(caught_up_at=at))


def model_row(connection: Connection, model: str, dim: int) -> int:
    models = schema.model.c
    row = connection.execute(select(models.id).where(models.name == model)).scalar()
    return row if row is not None else inserted_id(connection.execute(insert(schema.model).values(name=model, dim=dim)))
