"""Where photos lie: files, the places that could not be read, and those that wait to be read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.records import FoundFile, Problem
from clipsearch.store.database import Database, chunks
from clipsearch.store.tables import schema
from clipsearch.store.tables.changes import note_change
from clipsearch.store.tables.labels import inherit

_Row: TypeAlias = tuple[Any, ...]  # relative path, size, mtime, photo id, as the driver gives them


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

    `photos` are the rows of photos without a problem that lie there in their own right: relative path, size, mtime,
    photo id. They stay as the driver gives them, since to make records of a million would take as long as to look at
    their files. `others` are few.
    """

    def __init__(self, photos: dict[str, _Row], others: dict[str, KnownFile]) -> None:
        self._photos, self._others = photos, others
        self._met: list[str] = []

    def __getitem__(self, relative_path: str) -> KnownFile:
        row = self._photos.get(relative_path)
        return KnownFile(*row[1:]) if row else self._others[relative_path]

    def __iter__(self) -> Iterator[str]:
        return chain(self._photos, self._others)

    def __len__(self) -> int:
        return len(self._photos) + len(self._others)

    def meet(self, found: Sequence[Any]) -> list[int | None]:
        """Note that what a scan found is still there, and return the photo of each file that is as it was.

        None for a file that changed, has a problem or accompanies another, and for what is no FoundFile. A rescan asks
        this of every file, so no file costs a call.
        """
        photo_at = self._photos.get
        rows = [photo_at(one.relative_path) for one in found]
        self._met += [row[0] for row in rows if row]
        self._met += [one.relative_path for one in found if one.relative_path in self._others] if self._others else []
        return [
            row[3]
            if row
            and isinstance(one, FoundFile)
            and row[1] == one.size_bytes
            and row[2] == one.mtime_ns
            and one.partner is None
            else None
            for one, row in zip(found, rows, strict=True)
        ]

    def unmet(self) -> list[str]:
        """Return the places that have not been met, sorted."""
        met = set(self._met)
        return sorted((self._photos.keys() - met) | (self._others.keys() - met))


class Files:
    """The tables of files, problems and waiting files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, folder_id: int, places: Sequence[tuple[str, bool]] = (("", True),)) -> KnownFiles:
        """Return the files and problems of a folder by relative path, all of them or those at some places.

        A place is a directory, and whether what lies below it counts, too.
        """
        photos: dict[str, _Row] = {}
        others: dict[str, KnownFile] = {}
        with self._database.read() as connection:
            for place in places:
                photos |= _rows_at(connection, _known_files(folder_id, companions=False), *place)
                for path, row in _rows_at(connection, _known_files(folder_id, companions=True), *place).items():
                    others[path] = KnownFile(*row[1:])._replace(is_companion=True)
                for path, row in _rows_at(connection, _known_problems(folder_id), *place).items():
                    beside = others.get(path) or KnownFile(*photos.pop(path, row)[1:])
                    others[path] = beside._replace(has_problem=True)
        return KnownFiles(photos, others)

    def at(self, places: Sequence[tuple[int, str]]) -> dict[tuple[int, str], KnownFile]:
        """Return the files known at these places (folder id, relative path), as they were when last looked at."""
        table, found = schema.file.c, dict[tuple[int, str], KnownFile]()
        columns = (table.folder_id, table.relative_path, table.size_bytes, table.mtime_ns, table.photo_id)
        with self._database.read() as connection:
            for chunk in chunks(places):
                rows = connection.execute(select(*columns).where(tuple_(*columns[:2]).in_(chunk)))
                found |= {(row[0], row[1]): KnownFile(*row[2:]) for row in rows}
        return found

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
        """Return the content hashes of the photos that have a file of one of these sizes, by size.

        Photos of which a rescue saved no more than the hash (they have no width) are left out, to be read again.
        """
        files, photos = schema.file.c, schema.photo.c
        chosen = select(files.size_bytes, photos.content_hash).join(schema.photo)
        chosen = chosen.where(files.is_companion == 0, photos.width > 0)
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
        """Record that the place cannot be read. A photo known there before is no longer there, but with `keep_file`.

        It is remembered, so that its labels go over to what is read there next.
        """
        place = (folder_id, relative_path)
        values: dict[str, Any] = {"size_bytes": size_bytes, "mtime_ns": mtime_ns, "reason": reason}
        with self._database.write() as connection:
            if (before := _photos_at(connection, [place]).get(place)) is not None:
                values["photo_id"] = before
            statement = upsert(schema.problem).values(folder_id=folder_id, relative_path=relative_path, **values)
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

    def read_again(self, folder_id: int, relative_paths: Sequence[str]) -> None:
        """Let the next indexing run read these files, whatever their size and time."""
        table = schema.file.c
        with self._database.write() as connection:
            for chunk in chunks(relative_paths):
                there = table.folder_id == folder_id, table.relative_path.in_(chunk)
                connection.execute(update(schema.file).where(*there).values(mtime_ns=-1))

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


def _known_files(folder_id: int, companions: bool) -> Select[Any]:
    table = schema.file.c
    rows = select(table.relative_path, table.size_bytes, table.mtime_ns, table.photo_id)
    return rows.where(table.folder_id == folder_id, table.is_companion == int(companions))


def _known_problems(folder_id: int) -> Select[Any]:
    table = schema.problem.c
    rows = select(table.relative_path, table.size_bytes, table.mtime_ns, null())
    return rows.where(table.folder_id == folder_id)


def _rows_at(connection: Connection, rows: Select[Any], directory: str, deep: bool) -> dict[str, _Row]:
    """Return by path those rows that belong to a directory and the places in it, or also `deep` below it."""
    column = rows.selected_columns[0]
    ranges: Sequence[ColumnElement[bool]]
    if directory:  # two ranges of the index; names that are not valid Unicode are bytes, which follow all text
        ranges = [column.between(directory, f"{directory}0"), column >= literal_column("x''")]
    else:
        ranges = [true() if deep else func.instr(column, literal_column("'/'")) == 0]
    known = {row[0]: row for chosen in ranges for row in _plain_rows(connection, rows.where(chosen))}
    for path in [path for path in known if path.__class__ is bytes]:
        known[os.fsdecode(path)] = (os.fsdecode(path), *known.pop(path)[1:])
    everything = deep and not directory
    return known if everything else {path: known[path] for path in known if _lies_at(path, directory, deep)}


def _plain_rows(connection: Connection, rows: Select[Any]) -> Iterable[_Row]:
    """Return rows as the driver gives them, for a million at once: a path that is not valid Unicode comes as bytes."""
    return cast("Iterable[_Row]", connection.execute(rows).cursor)


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
