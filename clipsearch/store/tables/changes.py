"""The catalog's generation, and a journal of the photos that each one changed.

Whoever follows the catalog (the index, another process) remembers a generation and asks what came after it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, insert, select, update

from clipsearch.store.database import Database
from clipsearch.store.tables import schema

_KEPT = 100_000  # photos in the journal; whoever is further behind compares everything


class Changes:
    """The generation and the journal, as others read them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def generation(self) -> int:
        """Return a number that grows whenever the set of searchable vectors or the model that answers may have changed.

        Its bits from the 32nd up are drawn by lot when the catalog is made, and stay.
        """
        with self._database.read() as connection:
            return _generation(connection)

    def since(self, generation: int) -> tuple[int, set[int] | None]:
        """Return the generation now and the photos that may have become searchable, or cease to be, after that one.

        None stands for all photos: the journal does not reach back so far.
        """
        changes = schema.change.c
        with self._database.read() as connection:
            now = _generation(connection)
            if generation < connection.execute(select(schema.generation.c.journal_from)).scalar_one():
                return now, None
            rows = connection.execute(select(changes.photo_id).where(changes.generation > generation))
            return now, set(rows.scalars())


def note_change(connection: Connection, photo_ids: Iterable[int] | None = ()) -> int:
    """Begin the next generation, in which these photos changed (None: any of them); return it."""
    generations = schema.generation.c
    step = update(schema.generation).values(value=generations.value + 1)
    generation = int(connection.execute(step.returning(generations.value)).scalar_one())
    changed = None if photo_ids is None else [{"generation": generation, "photo_id": one} for one in photo_ids]
    if changed is None or len(changed) > _KEPT:
        _forget_up_to(connection, generation)
    elif changed:
        connection.execute(insert(schema.change), changed)
        _trim(connection)
    return generation


def _generation(connection: Connection) -> int:
    return int(connection.execute(select(schema.generation.c.value)).scalar_one())


def _trim(connection: Connection) -> None:
    """Keep the journal short: forget the older half once there is twice as much as wanted."""
    ids = schema.change.c.id
    first, last = connection.execute(select(func.min(ids), func.max(ids))).one()
    if last - first >= 2 * _KEPT:
        oldest = select(schema.change.c.generation).where(ids == last - _KEPT)
        _forget_up_to(connection, connection.execute(oldest).scalar_one())


def _forget_up_to(connection: Connection, generation: int) -> None:
    connection.execute(delete(schema.change).where(schema.change.c.generation <= generation))
    connection.execute(update(schema.generation).values(journal_from=generation))
