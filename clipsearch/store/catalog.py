"""The catalog: short transactions in, frozen records out. It is the truth; the index and thumbnails follow it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, CursorResult, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.records import Folder, FoundFile, Photo, Problem
from clipsearch.store import schema
from clipsearch.store.database import Database

_CHUNK = 500  # values in one IN (...) list, within SQLite's limits
_CHOSEN_MODEL = "model"  # a row of library_setting


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the catalog knows of a place on disk; `photo_id` is None where there was a problem instead of a photo.

    `has_problem` says that a problem is listed, instead of the photo or beside it (see `store_problem`).
    """

    size_bytes: int
    mtime_ns: int
    photo_id: int | None
    has_problem: bool = False

    def same_as(self, found: FoundFile) -> bool:
        return self.size_bytes == found.size_bytes and self.mtime_ns == found.mtime_ns


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file read just now. `vectors` are float32 [dim] by model, of those models that had none of the photo."""

    folder_id: int
    found: FoundFile
    content_hash: str
    width: int
    height: int
    format: str
    vectors: Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch: the photo of each file, in order, and the catalog's generation after it.

    `lost_ids` are the photos that lay at these places before and have no file any more.
    """

    photo_ids: list[int]
    generation: int
    lost_ids: list[int]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that vectors were made with. `caught_up` says that it has known every photo within reach."""

    name: str
    dim: int
    caught_up: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """`photos` have at least one file; `embedded` of them have a vector of the model asked about."""

    photos: int
    files: int
    embedded: int
    problems: int


class Catalog:
    """The catalog in one SQLite file. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open or make the catalog. Raises CatalogError when it is damaged, newer or not writable."""
        self._database = Database(path)

    def close(self) -> None:
        self._database.close()

    # Folders

    def folders(self) -> list[Folder]:
        """Return the folders that the user added, by path; one that cannot be reached now is offline."""
        with self._database.read() as connection:
            rows = connection.execute(select(schema.folder).order_by(schema.folder.c.path)).all()
        return [Folder(row.id, Path(row.path), offline=not os.path.isdir(row.path)) for row in rows]

    def add_folder(self, path: Path, holds: Callable[[Path, Path], bool] | None = None) -> Folder:
        """Add a folder, or return the one that already holds it. Added folders inside it become part of it.

        `holds(outer, inner)` tells whether looking through one folder comes to the other; by default, whether it lies
        in it.
        """
        holds = holds or _lies_in
        with self._database.write() as connection:
            known = [(row.id, Path(row.path)) for row in connection.execute(select(schema.folder))]
            for folder_id, known_path in known:
                if holds(known_path, path):
                    return Folder(folder_id, known_path)
            folder_id = _inserted_id(connection.execute(insert(schema.folder).values(path=str(path))))
            for inner_id, inner_path in known:
                if holds(path, inner_path):
                    _absorb(connection, folder_id, inner_id, inner_path.relative_to(path).as_posix())
        return Folder(folder_id, path)

    def remove_folder(self, folder_id: int) -> None:
        """Forget a folder with its files and problems. Photos keep what is known of them, should they come back."""
        with self._database.write() as connection:
            connection.execute(delete(schema.folder).where(schema.folder.c.id == folder_id))
            _next_generation(connection)

    # Files

    def known_files(self, folder_id: int) -> dict[str, KnownFile]:
        """Return every file and problem of a folder by relative path."""
        files, problems = schema.file.c, schema.problem.c
        with self._database.read() as connection:
            known = {
                row.relative_path: KnownFile(row.size_bytes, row.mtime_ns, None, True)
                for row in connection.execute(
                    select(problems.relative_path, problems.size_bytes, problems.mtime_ns).where(
                        problems.folder_id == folder_id
                    )
                )
            }
            rows = connection.execute(
                select(files.relative_path, files.size_bytes, files.mtime_ns, files.photo_id).where(
                    files.folder_id == folder_id
                )
            )
            known |= {row[0]: KnownFile(row[1], row[2], row[3], row[0] in known) for row in rows}
        return known

    def photos_without_vector(self, model: str, folder_ids: Sequence[int] | None = None) -> set[int]:
        """Return the photos that have a file (in one of these folders) but no vector of `model`."""
        files = schema.file.c
        missing = select(files.photo_id).where(files.photo_id.not_in(_embedded_ids(model)))
        if folder_ids is not None:
            missing = missing.where(files.folder_id.in_(folder_ids))
        with self._database.read() as connection:
            return set(connection.execute(missing).scalars())

    def embedded(self, model: str, content_hashes: Sequence[str]) -> set[str]:
        """Return those of the contents whose photo has a vector of `model`."""
        photos = schema.photo.c
        known = select(photos.content_hash).where(
            photos.content_hash.in_(content_hashes), photos.id.in_(_embedded_ids(model))
        )
        with self._database.read() as connection:
            return set(connection.execute(known).scalars())

    def store(self, dims: Mapping[str, int], files: Sequence[NewFile]) -> StoredBatch:
        """Record files with their photos and vectors in one transaction; a problem at the same place is over.

        `dims` holds the dimension of each model that the vectors may belong to.
        """
        with self._database.write() as connection:
            photo_ids = _store_photos(connection, files)
            replaced = _photos_at(connection, files)
            _store_files(connection, files, photo_ids)
            lost = replaced - _with_file(connection, replaced)
            for model, dim in dims.items():
                _store_vectors(connection, _model_row(connection, model, dim), model, files, photo_ids)
            for file in files:
                _forget(connection, schema.problem, file.folder_id, [file.found.relative_path])
            generation = _next_generation(connection)
        return StoredBatch([photo_ids[file.content_hash] for file in files], generation, sorted(lost))

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
            if not keep_file and _forget(connection, schema.file, folder_id, [relative_path]):
                _next_generation(connection)

    def remove_files(self, folder_id: int, relative_paths: Sequence[str]) -> None:
        """Forget files and problems that are gone from the disk."""
        with self._database.write() as connection:
            _forget(connection, schema.problem, folder_id, relative_paths)
            if _forget(connection, schema.file, folder_id, relative_paths):
                _next_generation(connection)

    # Photos and problems

    def photo_ids(self) -> list[int]:
        """Return every photo that has a file, the one with the newest file first."""
        files = schema.file.c
        newest = func.max(files.mtime_ns)
        with self._database.read() as connection:
            rows = connection.execute(
                select(files.photo_id).group_by(files.photo_id).order_by(newest.desc(), files.photo_id)
            )
            return [row[0] for row in rows]

    def photos(self, ids: Sequence[int]) -> list[Photo]:
        """Return the photos in the order asked; those that have no file are left out."""
        with self._database.read() as connection:
            found = {photo.id: photo for chunk in _chunks(ids) for photo in _photos(connection, chunk)}
        return [found[photo_id] for photo_id in ids if photo_id in found]

    def problems(self) -> list[Problem]:
        """Return what could not be read and why, by path."""
        tables = schema.problem.join(schema.folder)
        columns = (schema.folder.c.path, schema.problem.c.relative_path, schema.problem.c.reason)
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).select_from(tables).order_by(*columns[:2])).all()
        return [Problem(Path(row[0], row[1]), row[2]) for row in rows]

    def counts(self, model: str) -> Counts:
        """Return the numbers of photos, files, photos with a vector of `model`, and problems."""
        with self._database.read() as connection:
            photos, files = connection.execute(
                select(func.count(schema.file.c.photo_id.distinct()), func.count(schema.file.c.id))
            ).one()
            embedded = _count(connection, _searchable(model))
            problems = connection.execute(select(func.count(schema.problem.c.id))).scalar_one()
        return Counts(photos, files, embedded, problems)

    def files_in(self, folder_ids: Sequence[int]) -> int:
        """Return how many files these folders hold."""
        files = schema.file.c
        with self._database.read() as connection:
            return connection.execute(select(func.count(files.id)).where(files.folder_id.in_(folder_ids))).scalar_one()

    # The choice of model

    def chosen_model(self) -> str | None:
        """Return the name of the package that the user chose, None before any choice."""
        table = schema.library_setting.c
        with self._database.read() as connection:
            return connection.execute(select(table.value).where(table.name == _CHOSEN_MODEL)).scalar()

    def choose_model(self, package: str) -> None:
        """Record the name of the package that the user chose."""
        statement = upsert(schema.library_setting).values(name=_CHOSEN_MODEL, value=package)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(["name"], set_={"value": package}))
            _next_generation(connection)

    def models(self) -> list[KnownModel]:
        """Return the models known here: those that have caught up first, the latest of them at the top."""
        table = schema.model.c
        order = (table.caught_up_at.desc().nulls_last(), table.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(select(table.name, table.dim, table.caught_up_at).order_by(*order)).all()
        return [KnownModel(row.name, row.dim, row.caught_up_at is not None) for row in rows]

    def set_caught_up(self, model: str, dim: int, caught_up: bool) -> None:
        """Record that `model` knows every photo within reach from now on, or that it no longer does."""
        with self._database.write() as connection:
            row = _model_row(connection, model, dim)
            now = _next_generation(connection)
            at = now if caught_up else None
            connection.execute(update(schema.model).where(schema.model.c.id == row).values(caught_up_at=at))

    # Vectors

    def generation(self) -> int:
        """Return a number that grows whenever the set of searchable vectors or the model that answers may have changed.

        Its bits from the 32nd up are drawn by lot when the catalog is made, and stay.
        """
        with self._database.read() as connection:
            return int(connection.execute(select(schema.generation.c.value)).scalar_one())

    def vector_count(self, model: str) -> int:
        """Return how many photos have a vector of `model`, those without a file included."""
        with self._database.read() as connection:
            return _count(connection, _embedded_ids(model))

    def searchable_ids(self, model: str) -> npt.NDArray[np.int64]:
        """Return the ids of the photos that have a file and a vector of `model`, int64 [n], ascending."""
        with self._database.read() as connection:
            rows = connection.execute(_searchable(model).order_by(schema.vector.c.photo_id))
            return np.fromiter((row[0] for row in rows), np.int64)

    def vectors(self, model: str, ids: Sequence[int]) -> Iterator[tuple[list[int], npt.NDArray[np.float16]]]:
        """Yield (photo ids, float16 [m, dim]) in chunks, for those of `ids` that have a sound vector of `model`."""
        for chunk in _chunks(ids):
            with self._database.read() as connection:
                rows = connection.execute(
                    select(schema.vector.c.photo_id, schema.vector.c.data)
                    .join(schema.model)
                    .where(schema.model.c.name == model, schema.vector.c.photo_id.in_(chunk))
                    .where(func.length(schema.vector.c.data) == 2 * schema.model.c.dim)
                ).all()
            if rows:
                data = np.stack([np.frombuffer(row.data, np.float16) for row in rows])
                yield [row.photo_id for row in rows], data

    def integrity(self) -> list[str]:
        """Return what is wrong with the catalog itself, one sentence each."""
        with self._database.read() as connection:
            wrong = connection.execute(
                select(schema.model.c.name, func.count())
                .join(schema.vector)
                .where(func.length(schema.vector.c.data) != 2 * schema.model.c.dim)
                .group_by(schema.model.c.name)
            ).all()
        damaged = [f"The catalog file is damaged: {finding}." for finding in self._database.integrity()]
        return damaged + [f"{count} vectors of {name} have the wrong length." for name, count in wrong]

    def remove_wrong_vectors(self) -> int:
        """Drop vectors whose length does not fit their model, so that the photos are encoded again."""
        vector, model = schema.vector.c, schema.model.c
        dim = select(model.dim).where(model.id == vector.model_id).scalar_subquery()
        with self._database.write() as connection:
            count = connection.execute(delete(schema.vector).where(func.length(vector.data) != 2 * dim)).rowcount
            _next_generation(connection)
        return count


def _lies_in(outer: Path, inner: Path) -> bool:
    """Tell whether `inner` is `outer` or a folder in it, as this system compares names."""
    return Path(os.path.normcase(inner)).is_relative_to(os.path.normcase(outer))


def _absorb(connection: Connection, folder_id: int, inner_id: int, prefix: str) -> None:
    """Move files and problems of an inner folder to the folder that now holds it."""
    for table in (schema.file, schema.problem):
        paths = connection.execute(select(table.c.id, table.c.relative_path).where(table.c.folder_id == inner_id)).all()
        moved = [{"row": row.id, "path": "/".join(filter(None, (prefix, row.relative_path)))} for row in paths]
        if moved:
            statement = update(table).where(table.c.id == bindparam("row"))
            connection.execute(statement.values(folder_id=folder_id, relative_path=bindparam("path")), moved)
    connection.execute(delete(schema.folder).where(schema.folder.c.id == inner_id))


def _store_photos(connection: Connection, files: Sequence[NewFile]) -> dict[str, int]:
    rows = {
        file.content_hash: {
            "content_hash": file.content_hash,
            "width": file.width,
            "height": file.height,
            "format": file.format,
        }
        for file in files
    }
    if rows:
        connection.execute(upsert(schema.photo).on_conflict_do_nothing(["content_hash"]), list(rows.values()))
    photos = schema.photo.c
    found = connection.execute(select(photos.content_hash, photos.id).where(photos.content_hash.in_(list(rows))))
    return {row[0]: row[1] for row in found}


def _photos_at(connection: Connection, files: Sequence[NewFile]) -> set[int]:
    """Return the photos known so far at the places of `files`."""
    table = schema.file.c
    places = {(file.folder_id, file.found.relative_path) for file in files}
    paths = [path for _, path in places]
    rows = connection.execute(
        select(table.folder_id, table.relative_path, table.photo_id).where(
            table.folder_id.in_({folder_id for folder_id, _ in places}), table.relative_path.in_(paths)
        )
    )
    return {row[2] for row in rows if (row[0], row[1]) in places}


def _with_file(connection: Connection, photo_ids: Iterable[int]) -> set[int]:
    """Return those of the photos that have a file."""
    photo = schema.file.c.photo_id
    return set(connection.execute(select(photo).where(photo.in_(list(photo_ids)))).scalars())


def _store_files(connection: Connection, files: Sequence[NewFile], photo_ids: dict[str, int]) -> None:
    rows = [
        {
            "folder_id": file.folder_id,
            "relative_path": file.found.relative_path,
            "size_bytes": file.found.size_bytes,
            "mtime_ns": file.found.mtime_ns,
            "photo_id": photo_ids[file.content_hash],
        }
        for file in files
    ]
    if rows:
        statement = upsert(schema.file)
        new = {name: statement.excluded[name] for name in ("size_bytes", "mtime_ns", "photo_id")}
        connection.execute(statement.on_conflict_do_update(["folder_id", "relative_path"], set_=new), rows)


def _store_vectors(
    connection: Connection, model_id: int, model: str, files: Sequence[NewFile], photo_ids: dict[str, int]
) -> None:
    rows = [
        {"model_id": model_id, "photo_id": photo_ids[file.content_hash], "data": _blob(file.vectors[model])}
        for file in files
        if model in file.vectors
    ]
    if rows:
        connection.execute(upsert(schema.vector).on_conflict_do_nothing(["model_id", "photo_id"]), rows)


def _blob(vector: npt.NDArray[np.float32]) -> bytes:
    return vector.astype("<f2").tobytes()


def _model_row(connection: Connection, model: str, dim: int) -> int:
    models = schema.model.c
    row = connection.execute(select(models.id).where(models.name == model)).scalar()
    return (
        row if row is not None else _inserted_id(connection.execute(insert(schema.model).values(name=model, dim=dim)))
    )


def _forget(connection: Connection, table: Any, folder_id: int, relative_paths: Sequence[str]) -> int:
    """Delete the rows of these places; return how many there were."""
    count = 0
    for chunk in _chunks(relative_paths):
        rows = delete(table).where(table.c.folder_id == folder_id, table.c.relative_path.in_(chunk))
        count += connection.execute(rows).rowcount
    return count


def _next_generation(connection: Connection) -> int:
    step = update(schema.generation).values(value=schema.generation.c.value + 1)
    return int(connection.execute(step.returning(schema.generation.c.value)).scalar_one())


def _count(connection: Connection, rows: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one())


def _embedded_ids(model: str) -> Any:
    return select(schema.vector.c.photo_id).join(schema.model).where(schema.model.c.name == model)


def _searchable(model: str) -> Any:
    return _embedded_ids(model).where(schema.vector.c.photo_id.in_(select(schema.file.c.photo_id)))


def _photos(connection: Connection, ids: Sequence[int]) -> Iterator[Photo]:
    tables = schema.file.join(schema.photo).join(schema.folder)
    rows = connection.execute(
        select(schema.photo, schema.file, schema.folder.c.path)
        .select_from(tables)
        .where(schema.file.c.photo_id.in_(ids))
        .order_by(schema.folder.c.path, schema.file.c.relative_path)
    )
    places: dict[int, list[Row[Any]]] = {}
    for row in rows:
        places.setdefault(row.photo_id, []).append(row)
    return (_photo(rows) for rows in places.values())


def _photo(rows: Sequence[Row[Any]]) -> Photo:
    first = rows[0]
    return Photo(
        id=first.photo_id,
        content_hash=first.content_hash,
        width=first.width,
        height=first.height,
        size_bytes=first.size_bytes,
        mtime_ns=max(row.mtime_ns for row in rows),
        paths=tuple(Path(row.path, row.relative_path) for row in rows),
        format=first.format,
    )


def _inserted_id(result: CursorResult[Any]) -> int:
    return int(cast("Row[Any]", result.inserted_primary_key)[0])


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    values = list(values)
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
