"""Taking in a batch of files that were read: photos, places, vectors and labels in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from clipsearch.records import FoundFile
from clipsearch.store.tables import schema
from clipsearch.store.tables.changes import note_change
from clipsearch.store.tables.labels import inherit
from clipsearch.store.tables.models import model_row

Place = tuple[int, str]  # folder id, relative path


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file read just now. `vectors` are float32 [dim] by model, of those models that had none of the photo.

    `is_known`: the photo is in the catalog, so that nothing is told of it here but its hash.
    """

    folder_id: int
    found: FoundFile
    content_hash: str
    width: int
    height: int
    format: str
    vectors: Mapping[str, npt.NDArray[np.float32]]
    captured_at: str | None = None
    camera: str | None = None
    is_known: bool = False

    @property
    def place(self) -> Place:
        return self.folder_id, self.found.relative_path


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch: the photo of each file, in order, and the catalog's generation after it.

    `lost_ids` are the photos that lay at these places before and have no file any more.
    """

    photo_ids: list[int]
    generation: int
    lost_ids: list[int]


def take_in(connection: Connection, dims: Mapping[str, int], files: Sequence[NewFile]) -> StoredBatch:
    """Record files with their photos and vectors; a problem at the same place is over.

    `dims` holds the dimension of each model that the vectors may belong to. An edited file keeps the labels of what lay
    there before: its new content is in no other place, and its capture time is still the same.
    """
    before, elsewhere = _photos_at(connection, files), _with_file(connection, _photo_ids(connection, files).values())
    _store_photos(connection, files)
    photo_ids = _photo_ids(connection, files)
    _store_files(connection, files, photo_ids)
    for model, dim in dims.items():
        _store_vectors(connection, model_row(connection, model, dim), model, files, photo_ids)
    _leave(connection, files)
    inherit(connection, _successors(files, before, elsewhere, photo_ids))
    replaced = {old.photo_id for old in before.values()}
    lost = replaced - _with_file(connection, replaced)
    generation = note_change(connection, {*photo_ids.values(), *lost})
    return StoredBatch([photo_ids[file.content_hash] for file in files], generation, sorted(lost))


def _photo_ids(connection: Connection, files: Sequence[NewFile]) -> dict[str, int]:
    """Return the ids of those of the photos that are in the catalog, by content hash."""
    photos = schema.photo.c
    hashes = {file.content_hash for file in files}
    found = connection.execute(select(photos.content_hash, photos.id).where(photos.content_hash.in_(hashes)))
    return {row[0]: row[1] for row in found}


class _Before(NamedTuple):
    """What lay at a place: a photo, when it was captured, and whether the file only accompanied it."""

    photo_id: int
    captured_at: str | None
    is_companion: bool = False

    def may_become(self, file: NewFile) -> bool:
        """Tell whether a file may be the edited form of this photo, or the RAW that now stands for it."""
        return self.is_companion or self.captured_at is None or file.captured_at in {None, self.captured_at}


def _photos_at(connection: Connection, files: Sequence[NewFile]) -> dict[Place, _Before]:
    """Return what lies at the places of `files` so far or, where a problem came between, lay there last."""
    places, photos = [file.place for file in files], schema.photo.c
    found: dict[Place, _Before] = {}
    for table in (schema.problem, schema.file):
        place = (table.c.folder_id, table.c.relative_path)
        told = (table.c.is_companion,) if table is schema.file else ()
        rows = select(*place, photos.id, photos.captured_at, *told).join(schema.photo, photos.id == table.c.photo_id)
        for row in connection.execute(rows.where(tuple_(*place).in_(places))):
            found[row[0], row[1]] = _Before(row[2], row[3], *map(bool, row[4:]))
    return found


def _store_photos(connection: Connection, files: Sequence[NewFile]) -> None:
    rows = {
        file.content_hash: {
            "content_hash": file.content_hash,
            "width": file.width,
            "height": file.height,
            "format": file.format,
            "captured_at": file.captured_at,
            "camera": file.camera,
        }
        for file in files
        if not file.is_known
    }
    if rows:
        statement = upsert(schema.photo)
        told = ("width", "height", "format", "captured_at", "camera")  # a rescued photo may have lost them
        read_again = {name: statement.excluded[name] for name in told}
        connection.execute(statement.on_conflict_do_update(["content_hash"], set_=read_again), list(rows.values()))


def _store_files(connection: Connection, files: Sequence[NewFile], photo_ids: Mapping[str, int]) -> None:
    if any(file.content_hash not in photo_ids for file in files):  # though they have just been stored
        raise sqlite3.DatabaseError("malformed index of photos")
    rows = [
        {
            "folder_id": file.folder_id,
            "relative_path": file.found.relative_path,
            "size_bytes": file.found.size_bytes,
            "mtime_ns": file.found.mtime_ns,
            "photo_id": photo_ids[file.content_hash],
            "is_companion": 0,
        }
        for file in files
    ]
    if rows:
        statement = upsert(schema.file)
        new = {name: statement.excluded[name] for name in ("size_bytes", "mtime_ns", "photo_id", "is_companion")}
        connection.execute(statement.on_conflict_do_update(["folder_id", "relative_path"], set_=new), rows)


def _store_vectors(
    connection: Connection, model_id: int, model: str, files: Sequence[NewFile], photo_ids: Mapping[str, int]
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


def _leave(connection: Connection, files: Sequence[NewFile]) -> None:
    """Note that these files have no problem, and wait no more."""
    places = [file.place for file in files]
    for table in (schema.problem, schema.waiting):
        connection.execute(delete(table).where(tuple_(table.c.folder_id, table.c.relative_path).in_(places)))


def _successors(
    files: Sequence[NewFile], before: Mapping[Place, _Before], elsewhere: Container[int], photo_ids: Mapping[str, int]
) -> dict[int, int]:
    """Return {photo: the photo that is its edited form}; what has a place `elsewhere` was only moved or copied here."""
    replacing = [(before[file.place], file, photo_ids[file.content_hash]) for file in files if file.place in before]
    return {
        old.photo_id: new
        for old, file, new in replacing
        if new != old.photo_id and new not in elsewhere and old.may_become(file)
    }


def _with_file(connection: Connection, photo_ids: Iterable[int]) -> set[int]:
    """Return those of the photos that have a file."""
    photo = schema.file.c.photo_id
    return set(connection.execute(select(photo).where(photo.in_(list(photo_ids)))).scalars())
