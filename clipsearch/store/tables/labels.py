"""Categories, and the user's judgements of photos: in or out. They are kept whatever becomes of the files."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.store.database import Database, chunks, inserted_id
from clipsearch.store.tables import schema


class Labels:
    """The tables of categories and judgements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def categories(self) -> dict[str, int]:
        """Return the ids of the categories by name, in the order in which they were added."""
        table = schema.category.c
        with self._database.read() as connection:
            rows = connection.execute(select(table.name, table.id).order_by(table.id)).all()
        return {row.name: row.id for row in rows}

    def counts(self) -> dict[int, tuple[int, int]]:
        """Return how many photos that have a file were put in and taken out, by category; (0, 0) is left out."""
        table = schema.judgement.c
        present = table.photo_id.in_(select(schema.file.c.photo_id))
        columns = (table.category_id, func.sum(table.is_member), func.count())
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).where(present).group_by(table.category_id)).all()
        return {row[0]: (row[1], row[2] - row[1]) for row in rows}

    def add(self, name: str) -> int:
        """Add a category, or return the id of the one that has this name already, upper or lower case."""
        table = schema.category
        with self._database.write() as connection:
            known = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
            return known or inserted_id(connection.execute(insert(table).values(name=name)))

    def remove(self, category_id: int) -> None:
        """Forget a category with its judgements."""
        with self._database.write() as connection:
            connection.execute(delete(schema.category).where(schema.category.c.id == category_id))

    def judge(self, category_id: int, photo_ids: Collection[int], is_member: bool) -> None:
        """Record that the user put these photos in, or took them out; an earlier judgement gives way."""
        rows = [{"category_id": category_id, "photo_id": one, "is_member": int(is_member)} for one in photo_ids]
        statement = upsert(schema.judgement)
        new = {"is_member": statement.excluded.is_member}
        with self._database.write() as connection:
            if rows:
                connection.execute(statement.on_conflict_do_update(["category_id", "photo_id"], set_=new), rows)

    def judgements(self, category_id: int) -> dict[int, bool]:
        """Return the photos that the user judged: True for those put in, False for those taken out."""
        table = schema.judgement.c
        with self._database.read() as connection:
            rows = connection.execute(select(table.photo_id, table.is_member).where(table.category_id == category_id))
            return {row.photo_id: bool(row.is_member) for row in rows}


def inherit(connection: Connection, successors: Mapping[int, int]) -> None:
    """Let each photo take over the judgements of the one whose edited form it is ({old photo: new photo})."""
    table = schema.judgement.c
    for old_ids in chunks(successors):
        rows = connection.execute(select(schema.judgement).where(table.photo_id.in_(old_ids))).mappings()
        new = [{**row, "photo_id": successors[row["photo_id"]]} for row in rows]
        if new:
            connection.execute(upsert(schema.judgement).on_conflict_do_nothing(), new)
