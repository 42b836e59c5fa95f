"""Where photos lie: files, the places that could not be read, and those that wait to be read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Select, Table, delete, func, insert, literal, null, or_, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.records import FoundFile, Problem
from clipsearch.store import schema
from clipsearch.store.changes import note_change
from clipsearch.store.database import Database, chunks
from clipsearch.store.labels import inherit


class KnownFile(NamedTuple):
    """What the catalog knows of a place on disk; `photo_id` is None where there was a problem instead of a photo.

    `has_problem` says that a problem is listed, instead of the photo or beside it (see `store_problem`).
    """

    size_bytes: int
    mtime_ns: int
    photo_id: int | None
    has_problem: bool = False
    is_companion: bool = False

    def same_as(self, found: FoundFile) -> bool:
        return self.size_bytes == found.size_bytes and self.mtime_ns == found.mtime_ns


class KnownFiles(Mapping[str, KnownFile]):
    """What the catalog knows of a folder, by relative path.

    Rows stay as the driver gives them: to make records of a million would take as long as to look at their files.
    """

    def __init__(self, rows: dict[str, tuple[Any, ...]]) -> None:
        """`rows` hold relative path, size, mtime, photo id, whether there is a problem, whether it is a companion."""
        self._rows = rows

    def __getitem__(self, relative_path: str) -> KnownFile:
        _, size_bytes, mtime_ns, photo_id, has_problem, is_companion = self._rows[relative_path]
        return KnownFile(size_bytes, mtime_ns, photo_id, bool(has_problem), bool(is_companion))

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def photo_of(self, found: FoundFile) -> int | None:
        """Return the photo of a file that is as it was; None of one that changed, has a problem or is a companion."""
        row = self._rows.get(found.relative_path)
        if row is None or row[1] != found.size_bytes or row[2] != found.mtime_ns or row[4] or row[5]:
            return None
        photo_id: int | None = row[3]
        return photo_id


class Files:
    """The tables of files, problems and waiting files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, folder_id: int, places: Sequence[tuple[str, bool]] = (("", True),)) -> KnownFiles:
        """Return the files and problems of a folder by relative path, all of them or those at some places.

        A place is a directory, and whether what lies below it counts, too.
        """
        known: dict[str, tuple[Any, ...]] = {}
        with self._database.read() as connection:
            for directory, deep in places:
                known |= _known_at(connection, schema.file, folder_id, directory, deep)
                for path, row in _known_at(connection, schema.problem, folder_id, directory, deep).items():
                    known[path] = (*known[path][:4], True, known[path][5]) if path in known else row
        return KnownFiles(known)

    def at(self, places: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Return the photos that lie at these places (folder id, relative path)."""
        with self._database.read() as connection:
            return _photos_at(connection, places)

    def lie(self, content_hash: str) -> list[FoundFile]:
        """Return where a photo lies, with what was known of each file when it was last looked at."""
        files, folders = schema.file.c, schema.folder.c
        columns = (folders.path, files.relative_path, files.size_bytes, files.mtime_ns)
        tables = schema.file.join(schema.photo).join(schema.folder)
        chosen = select(*columns).select_from(tables).where(schema.photo.c.content_hash == content_hash)
        with self._database.read() as connection:
            rows = connection.execute(chosen.where(files.is_companion == 0)).all()
        return [FoundFile(Path(row[0]), *row[1:]) for row in rows]

    def contents_of_size(self, sizes_bytes: Collection[int]) -> dict[int, set[str]]:
        """Return the content hashes of the photos that have a file of one of these sizes, by size."""
        files = schema.file.c
        chosen = select(files.size_bytes, schema.photo.c.content_hash).join(schema.photo).where(files.is_companion == 0)
        contents: dict[int, set[str]] = {}
        with self._database.read() as connection:
            for chunk in chunks(sizes_bytes):
                for size_bytes, content_hash in connection.execute(chosen.where(files.size_bytes.in_(chunk))):
                    contents.setdefault(size_bytes, set()).add(content_hash)
        return contents

    def accompany(self, folder_id: int, companions: Sequence[FoundFile]) -> dict[str, int]:
        """Record files as companions of their partners' photos; return these photos by the companion's relative path.

        One whose partner is no photo is left out. What a companion was as a photo of its own, its labels, is kept.
        """
        with self._database.write() as connection:
            partners = _photos_at(connection, [(folder_id, found.partner or "") for found in companions])
            before = _photos_at(connection, [(folder_id, found.relative_path) for found in companions])
            linked = {
                found: partners[folder_id, found.partner]
                for found in companions
                if found.partner and (folder_id, found.partner) in partners
            }
            for chunk in chunks(linked):
                _forget_all(connection, folder_id, [found.relative_path for found in chunk])
            if linked:
                rows = [_companion_row(folder_id, found, photo_id) for found, photo_id in linked.items()]
                connection.execute(insert(schema.file), rows)
                successors = {before.get((folder_id, found.relative_path)): new for found, new in linked.items()}
                inherit(connection, {old: new for old, new in successors.items() if old not in {None, new}})
                note_change(connection, {*before.values(), *linked.values()})
        return {found.relative_path: photo_id for found, photo_id in linked.items()}

    def wait(self, folder_id: int, relative_paths: Iterable[str], instead: bool = True) -> None:
        """Record files of a folder that are still to be read, `instead` of those recorded before or besides them."""
        rows = [{"folder_id": folder_id, "relative_path": path} for path in relative_paths]
        with self._database.write() as connection:
            if instead:
                connection.execute(delete(schema.waiting).where(schema.waiting.c.folder_id == folder_id))
            if rows:
                connection.execute(upsert(schema.waiting).on_conflict_do_nothing(), rows)

    def waiting(self) -> int:
        """Return how many files were found and have not been read yet."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(schema.waiting)).scalar_one()

    def store_problem(
        self,
        folder_id: int,
        relative_path: str,
        size_bytes: int,
        mtime_ns: int,
        reason: str,
        *,
        keep_file: bool = False,
    ) -> None:
        """Record that the place cannot be read. A photo known there before is no longer there, but with `keep_file`."""
        values = {"size_bytes": size_bytes, "mtime_ns": mtime_ns, "reason": reason}
        statement = upsert(schema.problem).values(folder_id=folder_id, relative_path=relative_path, **values)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(["folder_id", "relative_path"], set_=values))
            _forget(connection, schema.waiting, folder_id, [relative_path])
            if not keep_file:
                _forget_files(connection, folder_id, [relative_path])

    def remove(self, folder_id: int, relative_paths: Sequence[str]) -> None:
        """Forget files and problems that are gone from the disk."""
        with self._database.write() as connection:
            for chunk in chunks(relative_paths):
                _forget(connection, schema.problem, folder_id, chunk)
                _forget(connection, schema.waiting, folder_id, chunk)
                _forget_files(connection, folder_id, chunk)

    def problems(self) -> list[Problem]:
        """Return what could not be read and why, by path."""
        tables = schema.problem.join(schema.folder)
        columns = (schema.folder.c.path, schema.problem.c.relative_path, schema.problem.c.reason)
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).select_from(tables).order_by(*columns[:2])).all()
        return [Problem(Path(row[0], row[1]), row[2]) for row in rows]

    def sample(self, folder_id: int, count: int) -> dict[str, int]:
        """Return the sizes in bytes of up to `count` files of a folder, drawn by lot, by relative path."""
        files = schema.file.c
        drawn = select(files.id).where(files.folder_id == folder_id).order_by(func.random()).limit(count)
        with self._database.read() as connection:
            rows = connection.execute(select(files.relative_path, files.size_bytes).where(files.id.in_(drawn)))
            return {row[0]: row[1] for row in rows}

    def count_in(self, folder_ids: Sequence[int]) -> int:
        """Return how many files these folders hold."""
        files = schema.file.c
        with self._database.read() as connection:
            return connection.execute(select(func.count(files.id)).where(files.folder_id.in_(folder_ids))).scalar_one()


def _known_at(connection: Connection, table: Table, folder_id: int, directory: str, deep: bool) -> dict[str, tuple[Any, ...]]:
    """Return what a table tells, as KnownFiles wants it, of a directory and the places in it, or also `deep` below it."""
    path, no, yes = table.c.relative_path, literal(False), literal(True)
    told = (table.c.photo_id, no, table.c.is_companion) if table is schema.file else (null(), yes, no)
    rows = select(path, table.c.size_bytes, table.c.mtime_ns, *told).where(table.c.folder_id == folder_id)
    if directory:  # names that are not valid Unicode are no text, and sorted after it
        below = path.between(f"{directory}/", f"{directory}0", symmetric=False)
        rows = rows.where(or_(below, path == directory, func.typeof(path) == "blob"))
    known = {
        row[0] if row[0].__class__ is str else os.fsdecode(row[0]): row
        for row in _plain_rows(connection, rows)
    }
    everything = deep and not directory
    return known if everything else {path: known[path] for path in known if _lies_at(path, directory, deep)}


def _plain_rows(connection: Connection, rows: Select[Any]) -> Iterable[tuple[Any, ...]]:
    """Return rows as the driver gives them, for a million at once: a path that is not valid Unicode comes as bytes."""
    return cast("Iterable[tuple[Any, ...]]", connection.execute(rows).cursor)


def _lies_at(path: str, directory: str, deep: bool) -> bool:
    prefix = f"{directory}/" if directory else ""
    return path == directory or (path.startswith(prefix) and (deep or "/" not in path[len(prefix) :]))


def _photos_at(connection: Connection, places: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    table = schema.file.c
    columns = (table.folder_id, table.relative_path, table.photo_id)
    found: dict[tuple[int, str], int] = {}
    for chunk in chunks(places):
        rows = connection.execute(select(*columns).where(tuple_(*columns[:2]).in_(chunk)))
        found |= {(row[0], row[1]): row[2] for row in rows}
    return found


def _companion_row(folder_id: int, found: FoundFile, photo_id: int) -> dict[str, Any]:
    return {
        "folder_id": folder_id,
        "relative_path": found.relative_path,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "photo_id": photo_id,
        "is_companion": 1,
    }


def _forget_all(connection: Connection, folder_id: int, relative_paths: Sequence[str]) -> None:
    for table in (schema.file, schema.problem, schema.waiting):
        _forget(connection, table, folder_id, relative_paths)


def _forget(connection: Connection, table: Any, folder_id: int, relative_paths: Sequence[str]) -> None:
    connection.execute(delete(table).where(table.c.folder_id == folder_id, table.c.relative_path.in_(relative_paths)))


def _forget_files(connection: Connection, folder_id: int, relative_paths: Sequence[str]) -> None:
    """Delete the files at these places, at most as many as IN (...) takes; their photos may be found no more."""
    lost = _photos_at(connection, [(folder_id, path) for path in relative_paths])
    if lost:
        _forget(connection, schema.file, folder_id, relative_paths)
        note_change(connection, lost.values())
