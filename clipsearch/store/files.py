"""Where photos lie: files, the places that could not be read, and those that wait to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.records import FoundFile, Problem
from clipsearch.store import schema
from clipsearch.store.changes import note_change
from clipsearch.store.database import Database, chunks


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


class Files:
    """The tables of files, problems and waiting files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, folder_id: int) -> dict[str, KnownFile]:
        """Return every file and problem of a folder by relative path."""
        files, problems = schema.file.c, schema.problem.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(problems.relative_path, problems.size_bytes, problems.mtime_ns).where(
                    problems.folder_id == folder_id
                )
            )
            known = {row[0]: KnownFile(row[1], row[2], None, True) for row in rows}
            columns = (files.relative_path, files.size_bytes, files.mtime_ns, files.photo_id, files.is_companion)
            places = connection.execute(select(*columns).where(files.folder_id == folder_id))
            known |= {row[0]: KnownFile(row[1], row[2], row[3], row[0] in known, bool(row[4])) for row in places}
        return known

    def at(self, places: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Return the photos that lie at these places (folder id, relative path)."""
        with self._database.read() as connection:
            return _photos_at(connection, places)

    def lie(self, content_hash: str) -> list[tuple[int, FoundFile]]:
        """Return where a photo lies, with what was known of each file when it was last looked at, and its folder."""
        files, folders = schema.file.c, schema.folder.c
        columns = (files.folder_id, folders.path, files.relative_path, files.size_bytes, files.mtime_ns)
        tables = schema.file.join(schema.photo).join(schema.folder)
        chosen = select(*columns).select_from(tables).where(schema.photo.c.content_hash == content_hash)
        with self._database.read() as connection:
            rows = connection.execute(chosen.where(files.is_companion == 0)).all()
        return [(row[0], FoundFile(Path(row[1]), row[2], row[3], row[4])) for row in rows]

    def accompany(self, folder_id: int, companions: Sequence[FoundFile]) -> list[FoundFile]:
        """Record files as companions of their partners' photos; return those whose partner is no photo."""
        with self._database.write() as connection:
            partners = _photos_at(connection, [(folder_id, found.partner or "") for found in companions])
            before = _photos_at(connection, [(folder_id, found.relative_path) for found in companions])
            linked = [found for found in companions if (folder_id, found.partner) in partners]
            for found in linked:
                _forget_all(connection, folder_id, [found.relative_path])
            rows = [_companion_row(folder_id, found, partners[folder_id, found.partner or ""]) for found in linked]
            if rows:
                connection.execute(insert(schema.file), rows)
                note_change(connection, {*before.values(), *partners.values()})
        return [found for found in companions if (folder_id, found.partner) not in partners]

    def wait(self, folder_id: int, relative_paths: Iterable[str]) -> None:
        """Record the files of a folder that are still to be read, in place of those recorded before."""
        rows = [{"folder_id": folder_id, "relative_path": path} for path in relative_paths]
        with self._database.write() as connection:
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
