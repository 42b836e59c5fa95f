"""A sound catalog out of a damaged one: every row that can be read, and what the newest backup adds to it.

Indexes of the damaged file are only witnesses. A photo that none but the index of contents still knows keeps its
number, so that its labels stay with it. Where table and index disagree, the row is left out, or its file is read again
by the next indexing run. The user's labels are put back from the backup wherever some could not be read.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import compress, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Float, Integer, LargeBinary, Table

from clipsearch.errors import CatalogError
from clipsearch.nouns import noun
from clipsearch.store.database import Database
from clipsearch.store.safety.backups import Backup, Backups
from clipsearch.store.safety.salvage import Row, Salvage, opened_damaged
from clipsearch.store.safety.sqlite_file import Access, Failure, beside, connect, uri
from clipsearch.store.safety.swap import rescued_name, swap
from clipsearch.store.tables import schema
from clipsearch.store.tables.embeddings import are_sound
from clipsearch.store.tables.schema import PathText

_TABLES = (  # in the order in which they refer to each other
    schema.model,
    schema.folder,
    schema.photo,
    schema.file,
    schema.problem,
    schema.library_setting,
    schema.category,
    schema.judgement,
    schema.vector,
)
_TOLD = ("folder", "photo", "file", "category", "judgement", "vector")  # tables, called as one of their rows is
_WITNESSES = {  # table -> an index that holds these columns, too
    "photo": ("sqlite_autoindex_photo_1", "content_hash"),
    "file": ("ix_file_photo_id", "photo_id"),
    "judgement": ("sqlite_autoindex_judgement_1", "category_id, photo_id"),
    "vector": ("sqlite_autoindex_vector_1", "model_id, photo_id"),
}
_NAMES_KEPT_TWICE = {  # table -> an index that holds what its rows are known by
    "folder": ("sqlite_autoindex_folder_1", "path"),
    "category": ("sqlite_autoindex_category_1", "name"),
}
_HISTORY = (schema.step, schema.step_change)
_NEEDED_TO_UNDO = {"photo", "category", "judgement"}
_WRONG_STEPS = """SELECT (SELECT count(*) FROM step WHERE id NOT IN (SELECT step_id FROM step_change))
    + (SELECT count(*) FROM step_change WHERE step_id NOT IN (SELECT id FROM step)
        OR NOT json_valid(coalesce(before, '0')) OR NOT json_valid(coalesce(after, '0')))"""
_ROWS_AT_ONCE = 5000
_READ_AGAIN = -1  # as mtime of a file: no file has it, so that the next indexing run reads this one again

_FILL = {  # table -> what a backup, attached as `old`, adds to it; rows are found by names and contents, not by numbers
    "model": ("INSERT OR IGNORE INTO model SELECT * FROM old.model",),
    "folder": ("INSERT OR IGNORE INTO folder SELECT * FROM old.folder",),
    "photo": (
        "INSERT OR IGNORE INTO photo SELECT * FROM old.photo",
        """INSERT OR IGNORE INTO photo (content_hash, width, height, format, captured_at, camera)
            SELECT content_hash, width, height, format, captured_at, camera FROM old.photo
            WHERE content_hash NOT IN (SELECT content_hash FROM photo)""",
        """UPDATE photo SET (width, height, format, captured_at, camera) = (
            SELECT width, height, format, captured_at, camera FROM old.photo o
            WHERE o.content_hash = photo.content_hash
        ) WHERE width = 0 AND content_hash IN (SELECT content_hash FROM old.photo)""",
    ),
    "file": (
        """INSERT OR IGNORE INTO file (folder_id, relative_path, size_bytes, mtime_ns, photo_id, is_companion)
            SELECT folder.id, f.relative_path, f.size_bytes, f.mtime_ns, photo.id, f.is_companion
            FROM old.file f JOIN old.folder o ON o.id = f.folder_id JOIN folder ON folder.path = o.path
            JOIN old.photo p ON p.id = f.photo_id JOIN photo ON photo.content_hash = p.content_hash""",
    ),
    "library_setting": ("INSERT OR IGNORE INTO library_setting SELECT * FROM old.library_setting",),
    "category": (
        "INSERT OR IGNORE INTO category SELECT * FROM old.category",
        """INSERT OR IGNORE INTO category
            (name, prompts, negatives, templates, exclusive_group, threshold, colour, shared)
            SELECT name, prompts, negatives, templates, exclusive_group, threshold, colour, shared FROM old.category""",
        """UPDATE category SET
            (parent_id, prompts, negatives, templates, exclusive_group, threshold, colour, shared) = (
            SELECT parent_id, prompts, negatives, templates, exclusive_group, threshold, colour, shared
            FROM old.category o WHERE o.name = category.name
        ) WHERE prompts = '' AND name IN (SELECT name FROM old.category)""",
    ),
    "judgement": (
        """INSERT OR IGNORE INTO judgement (category_id, photo_id, is_member)
            SELECT category.id, photo.id, j.is_member
            FROM old.judgement j JOIN old.category c ON c.id = j.category_id JOIN category ON category.name = c.name
            JOIN old.photo p ON p.id = j.photo_id JOIN photo ON photo.content_hash = p.content_hash""",
    ),
    "vector": (
        """INSERT OR IGNORE INTO vector (model_id, photo_id, data)
            SELECT model.id, photo.id, v.data
            FROM old.vector v JOIN old.model m ON m.id = v.model_id JOIN model ON model.name = m.name
            JOIN old.photo p ON p.id = v.photo_id JOIN photo ON photo.content_hash = p.content_hash""",
    ),
}
_REFERENCES = (  # table, column, the table that it refers to
    ("judgement", "category_id", "category"),
    ("judgement", "photo_id", "photo"),
    ("vector", "model_id", "model"),
    ("vector", "photo_id", "photo"),
    ("file", "folder_id", "folder"),
    ("file", "photo_id", "photo"),
)
_MAY_SHRINK = {"file", "problem"}  # between two backups, without any loss
_REMAINS = (  # rows that refer to lost ones, lists that are none, and vectors of photos that are to be read again
    "UPDATE category SET prompts = '[]' WHERE NOT json_valid(prompts)",
    "UPDATE category SET negatives = '[]' WHERE NOT json_valid(negatives)",
    "UPDATE category SET parent_id = NULL WHERE parent_id NOT IN (SELECT id FROM category)",
    "DELETE FROM vector WHERE photo_id IN (SELECT id FROM photo WHERE width = 0)",
    "DELETE FROM file WHERE folder_id NOT IN (SELECT id FROM folder) OR photo_id NOT IN (SELECT id FROM photo)",
    "DELETE FROM problem WHERE folder_id NOT IN (SELECT id FROM folder)",
    "DELETE FROM judgement WHERE category_id NOT IN (SELECT id FROM category)"
    " OR photo_id NOT IN (SELECT id FROM photo)",
    "DELETE FROM vector WHERE model_id NOT IN (SELECT id FROM model) OR photo_id NOT IN (SELECT id FROM photo)",
)


def rescue(catalog: Path) -> list[str]:
    """Put a sound catalog in the damaged one's place, which is kept beside it; return what was done, in sentences.

    Nobody else may be writing the library. Raises CatalogError when there is no room, or no right, to do it.
    """
    scratch = catalog.with_name("rescue.tmp")
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        report = _make_sound(catalog, scratch)
        (scratch / "catalog.sqlite").replace(rescued_name(catalog))
        kept = swap(catalog)
    except (*Failure, OSError) as error:
        raise CatalogError(f"The damaged catalog cannot be repaired: {error}.", catalog) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [f"The catalog was damaged; it is kept as {kept.name}." if kept else "The catalog was gone.", *report]


def _make_sound(catalog: Path, scratch: Path) -> list[str]:
    """Make a sound catalog in the folder `scratch`; return what is in it and what is not, in sentences."""
    Database(scratch / "catalog.sqlite").close()
    with closing(connect(scratch / "catalog.sqlite", Access.WRITE)) as new:
        new.execute("PRAGMA foreign_keys=OFF")
        new.execute("BEGIN")
        damaged = _save_readable(catalog, new, scratch)
        damaged |= _referred_to_in_vain(new)
        saved = _counts(new)
        new.execute("COMMIT")
        used = _fill_up(new, catalog, scratch, damaged)
        new.execute("BEGIN")
        for statement in _REMAINS:
            new.execute(statement)
        _count_generations_anew(new)
        new.execute("COMMIT")
        return [*_told(saved, _counts(new), used), *_told_lost(damaged, used)]


# What can be read of the damaged catalog


def _save_readable(catalog: Path, new: sqlite3.Connection, scratch: Path) -> set[str]:
    """Copy every sound row that can be read; return the tables of which some could not."""
    if not catalog.exists():
        return {table.name for table in _TABLES}
    with opened_damaged(catalog, scratch) as source:
        if source is None:
            return {table.name for table in _TABLES}
        damaged = {table.name for table in _TABLES if not _save_table(source, new, table)}
        _save_photos_by_index(source, new)
        _save_names_by_index(source, new)
        if not damaged & _NEEDED_TO_UNDO:
            _save_history(source, new)
    return damaged


def _save_table(source: sqlite3.Connection, new: sqlite3.Connection, table: Table) -> bool:
    """Copy the sound rows of a table; tell whether these were all."""
    columns = _columns(source, table)
    if not columns:
        return False
    salvage = Salvage(source, table.name, [column.name for column in columns])
    rows, complete = _attested(source, table, columns, salvage.rows()), True
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        sound = [row for row in batch if all(map(_fits, row, columns))]
        kept = _sound_vectors(new, sound) if table is schema.vector else sound
        complete &= len(kept) == len(batch)
        new.executemany(_insert(table, columns), kept)
    return complete and salvage.complete


def _attested(
    source: sqlite3.Connection, table: Table, columns: Sequence[Column[Any]], rows: Iterable[Row]
) -> Iterator[Row]:
    """Yield the rows (rowid, *columns) without their rowid; one that an index contradicts is emptied.

    A file keeps its row and is read again.
    """
    names = [column.name for column in columns]
    witness = _witness(source, table)
    for rowid, *values in rows:
        row = dict(zip(names, values, strict=True))
        said = witness.get(rowid)
        if said is not None and said != tuple(row[name] for name in _witnessed(table)):
            row = {**row, "mtime_ns": _READ_AGAIN} if table is schema.file else dict.fromkeys(row)
        yield tuple(row.values())


def _witnessed(table: Table) -> list[str]:
    return _WITNESSES[table.name][1].split(", ")


def _witness(source: sqlite3.Connection, table: Table) -> dict[int, Row]:
    """Return what an index says of each row, by rowid, as far as the index can be read."""
    if table.name not in _WITNESSES:
        return {}
    return {row[0]: row[1:] for row in _indexed(source, table)}


def _indexed(source: sqlite3.Connection, table: Table) -> Iterator[Row]:
    """Yield (rowid, *columns) out of a table's witness, as far as that can be read from either end."""
    index, columns = (_WITNESSES | _NAMES_KEPT_TWICE)[table.name]
    select = f"SELECT rowid, {columns} FROM {table.name} INDEXED BY {index} ORDER BY "  # noqa: S608 (our own names)
    for order in ("ASC", "DESC"):
        with suppress(*Failure):
            yield from source.execute(select + ", ".join(f"{name} {order}" for name in columns.split(", ")))
            return


def _columns(source: sqlite3.Connection, table: Table) -> list[Column[Any]]:
    """Return the columns of today that the damaged file's table has; none where it cannot be read."""
    try:
        present = {row[1] for row in source.execute(f"PRAGMA table_info({table.name})")}
    except Failure:
        return []
    return [column for column in table.columns if column.name in present]


def _insert(table: Table, columns: Iterable[Column[Any]]) -> str:
    names = ", ".join(column.name for column in columns)
    marks = ", ".join("?" for _ in columns)
    return f"INSERT OR IGNORE INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 (our own names)


def _fits(value: Any, column: Column[Any]) -> bool:
    """Tell whether a value is what its column holds, as a flipped bit may make a number of a text."""
    if value is None:
        return bool(column.nullable)
    match column.type:
        case Integer():
            return isinstance(value, int)
        case Float():
            return isinstance(value, float)
        case LargeBinary():
            return isinstance(value, bytes)
        case PathText() if isinstance(value, bytes):
            return True
        case _:
            return _is_text(value)


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _sound_vectors(new: sqlite3.Connection, rows: Sequence[Row]) -> list[Row]:
    """Return the rows (model id, photo id, data) with data that may be a vector of the model."""
    dims = dict(new.execute("SELECT id, dim FROM model").fetchall())
    whole = [row for row in rows if len(row) == len(schema.vector.c)]  # a damaged schema may have lost the data
    by_model = [(dim, [row for row in whole if row[0] == model_id]) for model_id, dim in dims.items()]
    return [row for dim, vectors in by_model for row in compress(vectors, are_sound([one[2] for one in vectors], dim))]


def _save_photos_by_index(source: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save the number of photos that only the index of contents knows; mark files whose photo is in doubt."""
    known = dict(new.execute("SELECT content_hash, id FROM photo").fetchall())
    doubtful = set[int]()
    for photo_id, content in _indexed(source, schema.photo):
        if _is_text(content) and known.get(content) != photo_id:
            doubtful.add(photo_id)
            new.execute(_insert(schema.photo, schema.photo.columns), (photo_id, content, 0, 0, "", None, None, 0))
    marks = [(_READ_AGAIN, photo_id) for photo_id in doubtful]
    new.executemany("UPDATE file SET mtime_ns = ? WHERE photo_id = ?", marks)


def _save_names_by_index(source: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save the folders and categories that only the index of their names still knows; a backup may tell the rest."""
    for table in (schema.folder, schema.category):
        column = table.columns[_NAMES_KEPT_TWICE[table.name][1]]
        known = {row[0] for row in new.execute(f"SELECT id FROM {table.name}")}  # noqa: S608 (our own names)
        rows = [row for row in _indexed(source, table) if row[0] not in known and _fits(row[1], column)]
        new.executemany(_insert(table, (table.columns["id"], column)), rows)
        if table is schema.category:
            new.executemany("UPDATE category SET prompts = '' WHERE id = ?", [(row[0],) for row in rows])


def _save_history(source: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save the steps that can be undone: all of them or none, since each begins where the one before it ended."""
    complete = all(_save_table(source, new, table) for table in _HISTORY)
    if not complete or new.execute(_WRONG_STEPS).fetchone()[0]:
        for table in reversed(_HISTORY):
            new.execute(f"DELETE FROM {table.name}")  # noqa: S608 (our own names)


def _referred_to_in_vain(new: sqlite3.Connection) -> set[str]:
    """Return the tables that lack rows which others refer to: a broken page may pass for an empty one."""
    lost = "SELECT count(*) FROM {} WHERE {} NOT IN (SELECT id FROM {})"
    return {step[2] for step in _REFERENCES if new.execute(lost.format(*step)).fetchone()[0]}


# What the newest backup adds


def _fill_up(new: sqlite3.Connection, catalog: Path, scratch: Path, damaged: Iterable[str]) -> Backup | None:
    """Add what the newest sound backup has of the damaged tables and of those that shrank; return that backup."""
    for backup in Backups(catalog).all():
        with suppress(*Failure, OSError, CatalogError), _brought_up_to_date(backup, scratch) as path:
            _add_from(new, path, damaged)
            return backup
    return None


@contextmanager
def _brought_up_to_date(backup: Backup, scratch: Path) -> Iterator[Path]:
    """Copy a backup and bring it to the current schema. Raises CatalogError for a damaged one, and OSError."""
    place = scratch / "backup"
    place.mkdir(exist_ok=True)
    copy = place / "catalog.sqlite"
    for stale in (copy, *beside(copy)):
        stale.unlink(missing_ok=True)
    shutil.copyfile(backup.path, copy)
    with closing(Database(copy)) as database:
        if findings := database.integrity():
            raise CatalogError(findings[0], backup.path)
    yield copy


def _add_from(new: sqlite3.Connection, backup: Path, damaged: Iterable[str]) -> None:
    new.execute("ATTACH ? AS old", (uri(backup, Access.READ),))
    try:
        new.execute("BEGIN")
        for table in _TABLES:
            if table.name in damaged or _has_shrunk(new, table.name):
                for statement in _FILL.get(table.name, ()):
                    new.execute(statement)
        new.execute("COMMIT")
    except Failure:
        new.execute("ROLLBACK")
        raise
    finally:
        new.execute("DETACH old")


def _has_shrunk(new: sqlite3.Connection, table: str) -> bool:
    """Tell whether the backup has more rows than were read: rather bring back what was removed than lose labels."""
    count = f"SELECT (SELECT count(*) FROM main.{table}) < (SELECT count(*) FROM old.{table})"  # noqa: S608
    return table not in _MAY_SHRINK and bool(new.execute(count).fetchone()[0])


def _count_generations_anew(new: sqlite3.Connection) -> None:
    """Number the moments at which models caught up within the new catalog's generations, in their old order."""
    now = new.execute("SELECT value FROM generation").fetchone()[0]
    caught_up = new.execute("SELECT id FROM model WHERE caught_up_at NOTNULL ORDER BY caught_up_at, id").fetchall()
    moments = [(now + number, row[0]) for number, row in enumerate(caught_up, 1)]
    new.executemany("UPDATE model SET caught_up_at = ? WHERE id = ?", moments)
    new.execute("UPDATE generation SET value = ?, journal_from = ?", (now + len(moments) + 1,) * 2)


# What the user is told


def _counts(new: sqlite3.Connection) -> dict[str, int]:
    return {
        name: int(new.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 (our own names)
        for name in _TOLD
    }


def _told(saved: dict[str, int], now: dict[str, int], used: Backup | None) -> Iterator[str]:
    if any(now.values()) or used:
        yield from _told_saved(saved, now, used)
    else:
        yield "Nothing could be saved, so the library is empty now; `clipsearch index DIR` adds your folders again."


def _told_saved(saved: dict[str, int], now: dict[str, int], used: Backup | None) -> Iterator[str]:
    yield f"Read from it: {_listed(saved)}."
    added = {name: now[name] - count for name, count in saved.items() if now[name] > count}
    if used and added:
        yield f"Put back from the backup of {used.day}: {_listed(added)}."


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {noun(count, name)}" for name, count in counts.items())


def _told_lost(damaged: Iterable[str], used: Backup | None) -> Iterator[str]:
    """Say what was hit by the damage and what that means."""
    damaged = set(damaged)
    since = f"of after the backup of {used.day}" if used else "for there is no sound backup"
    if damaged & {"category", "judgement"}:
        yield f"Some of your categories and judgements may be missing, {since}."
    if damaged & {"folder", "library_setting"}:
        yield "Please see in `clipsearch status` whether all your folders and your model are still chosen."
    if damaged & {"photo", "file", "problem", "vector", "model"}:
        yield "Some photos could not be read; `clipsearch index` completes them."
