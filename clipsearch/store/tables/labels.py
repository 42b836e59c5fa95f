"""Categories, and the user's judgements of photos: in or out. They are kept whatever becomes of the files.

Each change is a step of the `History`, which can undo it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, func, insert, select, update

from clipsearch.records import Action, Category
from clipsearch.store.database import Database
from clipsearch.store.tables import history, schema
from clipsearch.store.tables.history import CategoryEdit, History, JudgementEdit, categories_of, inherit_steps


class Labels:
    """The tables of categories and judgements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.history = History(database)

    def all(self) -> list[Category]:
        """Return the categories in the order in which they were added."""
        with self._database.read() as connection:
            return history.categories(connection)

    def get(self, category_id: int) -> Category | None:
        """Return a category, None for one that is gone."""
        with self._database.read() as connection:
            return next(iter(history.categories(connection, [category_id])), None)

    def categories(self) -> dict[str, int]:
        """Return the ids of the categories by name, in the order in which they were added."""
        table = schema.category.c
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(select(table.name, table.id).order_by(table.id))}

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
        table = schema.category.c
        with self._database.read() as connection:
            known = connection.execute(select(table.id).where(table.name == name)).scalar()
        return known or self.history.change(Action.ADD, name, [CategoryEdit(0, Category(0, name))])[0]

    def remove(self, category_id: int) -> None:
        """Forget a category with its judgements; what is nested in it moves up."""
        self.history.change(Action.REMOVE, self._name(category_id), [CategoryEdit(category_id, None)])

    def judge(self, category_id: int, photo_ids: Collection[int], is_member: bool | None) -> None:
        """Record that the user put these photos in, took them out, or (None) takes back what was said of them."""
        action = {True: Action.ASSIGN, False: Action.REJECT, None: Action.TAKE_BACK}[is_member]
        edits = [JudgementEdit(category_id, int(photo_id), is_member) for photo_id in photo_ids]
        self.history.change(action, self._name(category_id), edits)

    def judgements(self, category_id: int) -> dict[int, bool]:
        """Return the photos that the user judged: True for those put in, False for those taken out."""
        table = schema.judgement.c
        rows = select(table.photo_id, table.is_member).where(table.category_id == category_id)
        with self._database.read() as connection:
            return {row[0]: bool(row[1]) for row in connection.execute(rows)}

    def all_judgements(self, *, present: bool = False) -> dict[int, dict[int, bool]]:
        """Return the photos that the user judged, by category that has any; with `present`, those that have a file."""
        return self._judged("photo_id IN (SELECT photo_id FROM file)" if present else "true")

    def examples(self) -> dict[int, dict[int, bool]]:
        """Return the judgements to learn from, by category: all but those of photos that are there as edited only.

        A rating program writes a new form of the same picture each time; it counts once. A photo whose file is away,
        or gone, still teaches.
        """
        superseded = "SELECT 1 FROM photo WHERE id = judgement.photo_id AND is_superseded = 1"
        gone = "photo_id NOT IN (SELECT photo_id FROM file)"
        return self._judged(f"NOT (EXISTS ({superseded}) AND {gone})")

    def _name(self, category_id: int) -> str:
        category = self.get(category_id)
        return category.name if category else ""

    def _judged(self, condition: str) -> dict[int, dict[int, bool]]:
        """Return the judgements for which an SQL condition holds, by category that has any."""
        found: dict[int, dict[int, bool]] = {}
        rows = f"SELECT category_id, photo_id, is_member FROM judgement WHERE {condition}"  # noqa: S608 (our own)
        with self._database.read() as connection:
            for category_id, photo_id, is_member in connection.exec_driver_sql(rows):
                if category_id is None or photo_id is None:
                    raise sqlite3.DatabaseError("malformed judgement")
                found.setdefault(category_id, {})[photo_id] = bool(is_member)
        return found


def inherit(connection: Connection, successors: Mapping[int, int]) -> None:
    """Let each photo take over what was said of the one whose edited form it is ({old photo: new photo}).

    Where something was said of the new one itself, as it may have been in this form before, that holds: what is taken
    over has neither judgement nor steps beside it, so that undoing brings back the same for both photos.
    """
    table = schema.judgement.c
    for old, new in successors.items():
        spoken = categories_of(connection, new)
        known = select(table.category_id).where(table.photo_id == new)
        spoken |= set(connection.execute(known).scalars())
        rows = select(schema.judgement).where(table.photo_id == old, table.category_id.not_in(spoken))
        taken = [{**row, "photo_id": new} for row in connection.execute(rows).mappings()]
        if taken:
            connection.execute(insert(schema.judgement), taken)
        inherit_steps(connection, old, new, spoken)
        for photo_id, is_superseded in ((old, 1), (new, 0)):
            row = schema.photo.c.id == photo_id
            connection.execute(update(schema.photo).where(row).values(is_superseded=is_superseded))
