"""Changes of categories and judgements, each a step that can be undone: the row before and the row after it is kept.

Undoing writes back what was before, in the opposite order; redoing writes what came after. A new step forgets those
that were undone. Photos keep their numbers for ever, and so do categories.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.records import Action, Category, Step
from clipsearch.store.database import Database, chunks, inserted_id
from clipsearch.store.tables import schema


class CategoryEdit(NamedTuple):
    """What a category is to be from now on; None: it is to be gone.

    The id 0 stands for a new one; so does a negative one, by which the edits behind it may refer to it.
    """

    category_id: int
    after: Category | None


class JudgementEdit(NamedTuple):
    """What the user says of a photo: in (True), out (False), or nothing any more (None)."""

    category_id: int
    photo_id: int
    is_member: bool | None


Edit = CategoryEdit | JudgementEdit


class _Change(NamedTuple):
    """One row before and after: of a category as JSON, of a judgement "1", "0" or None."""

    category_id: int
    photo_id: int | None
    before: str | None
    after: str | None


class History:
    """Every change of categories and judgements goes through here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, action: Action, subject: str, edits: Sequence[Edit]) -> list[int]:
        """Make these changes, in one step; return the ids of the categories edited, in order.

        `subject` names the category for the user. With a category go its judgements, and those nested in it move up.
        What changes nothing makes no step.
        """
        with self._database.write() as connection:
            made = list(_numbered(connection, edits))
            changes = _told_apart(connection, _with_what_hangs_on_it(connection, made))
            if changes:
                connection.execute(delete(schema.step).where(schema.step.c.is_undone != 0))
                _write(connection, [(one.category_id, one.photo_id, one.after) for one in changes])
                _note(connection, action, subject, changes)
        return [edit.category_id for edit in made if isinstance(edit, CategoryEdit)]

    def undo(self, step_id: int | None = None) -> Step | None:
        """Take the last step back, if it is the one with this id (None: whichever it is); return it if so."""
        return self._turn(step_id, undoing=True)

    def redo(self, step_id: int | None = None) -> Step | None:
        """Take the step again that was undone last, if it is this one (None: whichever it is); return it if so."""
        return self._turn(step_id, undoing=False)

    def revision(self) -> tuple[int, int]:
        """Return what changes with every step that is made, undone or redone, by whomever; it costs next to nothing."""
        table = schema.step.c
        with self._database.read() as connection:
            last, undone = connection.execute(select(func.max(table.id), func.sum(table.is_undone))).one()
        return last or 0, undone or 0

    def next_steps(self) -> tuple[Step | None, Step | None]:
        """Return the steps that would be undone and redone next."""
        with self._database.read() as connection:
            return _next(connection, undoing=True), _next(connection, undoing=False)

    def _turn(self, step_id: int | None, *, undoing: bool) -> Step | None:
        table = schema.step_change.c
        with self._database.write() as connection:
            step = _next(connection, undoing=undoing)
            if step is None or step_id not in {None, step.id}:
                return None
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))  # a judgement may come before its category
            value, order = (table.before, table.id.desc()) if undoing else (table.after, table.id)
            rows = select(table.category_id, table.photo_id, value).where(table.step_id == step.id).order_by(order)
            _write(connection, [(row[0], row[1], row[2]) for row in connection.execute(rows)])
            connection.execute(update(schema.step).where(schema.step.c.id == step.id).values(is_undone=int(undoing)))
            return step


def categories_of(connection: Connection, photo_id: int) -> set[int]:
    """Return the categories in which a step, done or undone, is about this photo."""
    table = schema.step_change.c
    return set(connection.execute(select(table.category_id).where(table.photo_id == photo_id)).scalars())


def inherit_steps(connection: Connection, old: int, new: int, but: Collection[int]) -> None:
    """Let a photo take part in the steps of the one whose edited form it is, so that undoing them reaches it.

    `but` are the categories in which it has a story of its own.
    """
    table = schema.step_change.c
    rows = select(schema.step_change).where(table.photo_id == old, table.category_id.not_in(but)).order_by(table.id)
    copies = [{**row, "id": None, "photo_id": new} for row in connection.execute(rows).mappings()]
    if copies:
        connection.execute(insert(schema.step_change), copies)


def _numbered(connection: Connection, edits: Iterable[Edit]) -> Iterator[Edit]:
    """Give new categories a number that none ever had, also in the edits that refer to them by a negative one."""
    table, journal = schema.category.c.id, schema.step_change.c.category_id
    used = max(connection.execute(select(func.max(one))).scalar() or 0 for one in (table, journal))
    numbers: dict[int | None, int] = {}
    for edit in edits:
        if isinstance(edit, CategoryEdit) and edit.category_id <= 0 and edit.after:
            used += 1
            numbers[edit.category_id] = used
            parent_id = edit.after.parent_id
            yield CategoryEdit(used, replace(edit.after, id=used, parent_id=numbers.get(parent_id, parent_id)))
        elif isinstance(edit, JudgementEdit) and edit.category_id < 0:
            yield edit._replace(category_id=numbers[edit.category_id])
        else:
            yield edit


def _with_what_hangs_on_it(connection: Connection, edits: Iterable[Edit]) -> Iterator[Edit]:
    """Yield before the end of a category: its judgements' end, and that those nested in it move up."""
    for edit in edits:
        if isinstance(edit, CategoryEdit) and edit.after is None:
            category = schema.category.c
            above = connection.execute(select(category.parent_id).where(category.id == edit.category_id)).scalar()
            inside = select(category.id).where(category.parent_id == edit.category_id)
            for inner in categories(connection, connection.execute(inside).scalars()):
                yield CategoryEdit(inner.id, replace(inner, parent_id=above))
            judged = select(schema.judgement.c.photo_id).where(schema.judgement.c.category_id == edit.category_id)
            for photo_id in connection.execute(judged).scalars():
                yield JudgementEdit(edit.category_id, photo_id, None)
        yield edit


def _told_apart(connection: Connection, edits: Iterable[Edit]) -> list[_Change]:
    """Return what really changes; of several judgements of one photo the last counts."""
    edits = list(edits)
    told = [edit.category_id for edit in edits if isinstance(edit, CategoryEdit)]
    rows: dict[int, str | None] = {one.id: _as_json(one) for one in categories(connection, told)}
    judged = {edit[:2]: _as_digit(edit.is_member) for edit in edits if isinstance(edit, JudgementEdit)}
    before = _judgements(connection, judged)
    of_photos = [_Change(*place, before.get(place), after) for place, after in judged.items()]
    of_categories = []
    for edit in edits:
        if isinstance(edit, CategoryEdit):
            after = _as_json(edit.after) if edit.after else None
            of_categories.append(_Change(edit.category_id, None, rows.get(edit.category_id), after))
            rows[edit.category_id] = after
    new = [one for one in of_categories if one.before is None]
    rest = [one for one in of_categories if one.before is not None]
    return [one for one in (*new, *of_photos, *rest) if one.before != one.after]


def _judgements(connection: Connection, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str | None]:
    table, found = schema.judgement.c, dict[tuple[int, int], str | None]()
    by_category: dict[int, list[int]] = {}
    for category_id, photo_id in places:
        by_category.setdefault(category_id, []).append(photo_id)
    for category_id, photo_ids in by_category.items():
        for chunk in chunks(photo_ids):
            rows = select(schema.judgement).where(table.category_id == category_id, table.photo_id.in_(chunk))
            found |= {(row[0], row[1]): _as_digit(row[2]) for row in connection.execute(rows)}
    return found


def _write(connection: Connection, rows: Sequence[tuple[int, int | None, str | None]]) -> None:
    """Let the rows (category, photo or None, value) be as these values say, in order."""
    for of_photos, group in groupby(rows, lambda row: row[1] is not None):
        if of_photos:
            _write_judgements(connection, list(group))
        else:
            for category_id, _, value in group:
                _write_category(connection, category_id, value)


def _write_category(connection: Connection, category_id: int, value: str | None) -> None:
    if value is None:
        connection.execute(delete(schema.category).where(schema.category.c.id == category_id))
        return
    row = asdict(_from_json(value))
    connection.execute(upsert(schema.category).values(row).on_conflict_do_update(["id"], set_=row))


def _write_judgements(connection: Connection, rows: Sequence[tuple[int, int | None, str | None]]) -> None:
    table = schema.judgement.c
    gone = [{"category": category_id, "photo": photo_id} for category_id, photo_id, value in rows if value is None]
    if gone:
        place = (table.category_id == bindparam("category"), table.photo_id == bindparam("photo"))
        connection.execute(delete(schema.judgement).where(*place), gone)
    said = [{"category_id": row[0], "photo_id": row[1], "is_member": int(row[2])} for row in rows if row[2] is not None]
    if said:
        statement = upsert(schema.judgement)
        new = {"is_member": statement.excluded.is_member}
        connection.execute(statement.on_conflict_do_update(["category_id", "photo_id"], set_=new), said)


def _note(connection: Connection, action: Action, subject: str, changes: Sequence[_Change]) -> None:
    count = sum(change.photo_id is not None for change in changes)
    step = insert(schema.step).values(action=action.value, subject=subject, photos=count)
    step_id = inserted_id(connection.execute(step))
    connection.execute(insert(schema.step_change), [{"step_id": step_id, **change._asdict()} for change in changes])


def _next(connection: Connection, *, undoing: bool) -> Step | None:
    table = schema.step.c
    order = table.id.desc() if undoing else table.id
    rows = select(schema.step).where(table.is_undone == int(not undoing)).order_by(order).limit(1)
    row = connection.execute(rows).first()
    return Step(row.id, Action(row.action), row.subject, row.photos) if row else None


# Rows and records


def categories(connection: Connection, ids: Iterable[int] | None = None) -> list[Category]:
    """Return the categories, or those of these ids, in the order in which they were added."""
    rows, number = select(schema.category).order_by(schema.category.c.id), schema.category.c.id
    asked = [rows] if ids is None else [rows.where(number.in_(chunk)) for chunk in chunks(sorted(ids))]
    return [Category(**row) for some in asked for row in connection.execute(some).mappings()]


def _as_json(category: Category) -> str:
    return json.dumps(asdict(category), sort_keys=True)


def _from_json(value: str) -> Category:
    try:
        fields = json.loads(value)
        return Category(**{**fields, "prompts": tuple(fields["prompts"]), "negatives": tuple(fields["negatives"])})
    except (ValueError, TypeError, KeyError) as error:
        raise sqlite3.DatabaseError(f"malformed step: {error}") from error


def _as_digit(is_member: bool | int | None) -> str | None:
    return None if is_member is None else str(int(is_member))
