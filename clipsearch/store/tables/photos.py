"""Photos: what lies on disk once or several times, by its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, func, select

from clipsearch.records import Photo
from clipsearch.store.database import Database, chunks
from clipsearch.store.tables import schema

_GAP_IN_BURST = timedelta(seconds=1)  # many cameras tell whole seconds only
_LONGEST_BURST = timedelta(minutes=2)  # to either side


class Photos:
    """The table of photos, read together with their files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ids(self, folder_id: int | None = None) -> list[int]:
        """Return every photo that has a file, in one folder or anywhere, the one with the newest file first."""
        files = schema.file.c
        newest = func.max(files.mtime_ns)
        chosen = select(files.photo_id).group_by(files.photo_id).order_by(newest.desc(), files.photo_id)
        with self._database.read() as connection:
            rows = connection.execute(chosen if folder_id is None else chosen.where(files.folder_id == folder_id))
            return [row[0] for row in rows]

    def inside(self, folder_id: int, directory: str) -> npt.NDArray[np.int64]:
        """Return the photos that have a file in a directory (relative, "" for the folder itself) or below it.

        int64 [n], ascending.
        """
        files = schema.file.c
        chosen = select(files.photo_id).where(files.folder_id == folder_id, files.is_companion == 0).distinct()
        if directory:
            chosen = chosen.where(files.relative_path >= f"{directory}/", files.relative_path < f"{directory}0")
        with self._database.read() as connection:
            return np.sort(np.fromiter(connection.execute(chosen).scalars(), np.int64))

    def get(self, ids: Sequence[int]) -> list[Photo]:
        """Return the photos in the order asked; those that have no file are left out."""
        with self._database.read() as connection:
            found = {photo.id: photo for chunk in chunks(ids) for photo in _photos(connection, chunk)}
        return [found[photo_id] for photo_id in ids if photo_id in found]

    def by_content(self, content_hashes: Iterable[str]) -> dict[str, int]:
        """Return the photos that have a file, by those of these content hashes that are known."""
        photos, found = schema.photo.c, dict[str, int]()
        chosen = select(photos.content_hash, photos.id).where(photos.id.in_(select(schema.file.c.photo_id)))
        with self._database.read() as connection:
            for chunk in chunks(content_hashes):
                rows = connection.execute(chosen.where(photos.content_hash.in_(chunk)))
                found |= {row[0]: int(row[1]) for row in rows}
        return found

    def burst(self, photo_id: int) -> list[int]:
        """Return the photos shot in one go with this one, itself included, by capture time.

        They come from the same camera, each at most a second after the one before. One photo alone is no burst: [].
        """
        with self._database.read() as connection:
            shot = _shot(connection, photo_id)
            around = _shots_around(connection, *shot) if shot else []
        return _chain(around, photo_id)


def _photos(connection: Connection, ids: Sequence[int]) -> Iterator[Photo]:
    tables = schema.file.join(schema.photo).join(schema.folder)
    rows = connection.execute(
        select(schema.photo, schema.file, schema.folder.c.path, schema.folder.c.offline)
        .select_from(tables)
        .where(schema.file.c.photo_id.in_(ids))
        .order_by(schema.folder.c.offline, schema.folder.c.path, schema.file.c.relative_path)
    )
    places: dict[int, list[Row[Any]]] = {}
    for row in rows:
        places.setdefault(row.photo_id, []).append(row)
    return (_photo(rows) for rows in places.values())


def _photo(rows: Sequence[Row[Any]]) -> Photo:
    """Make a photo of its places, those within reach first."""
    pictures = [row for row in rows if not row.is_companion] or list(rows)
    first = pictures[0]
    return Photo(
        id=first.photo_id,
        content_hash=first.content_hash,
        width=first.width,
        height=first.height,
        size_bytes=first.size_bytes,
        mtime_ns=max(row.mtime_ns for row in pictures),
        paths=tuple(Path(row.path, row.relative_path) for row in pictures),
        format=first.format,
        companions=tuple(Path(row.path, row.relative_path) for row in rows if row not in pictures),
        captured_at=first.captured_at,
        camera=first.camera,
        offline=bool(first.offline),
    )


def _shot(connection: Connection, photo_id: int) -> tuple[str, str] | None:
    """Return a photo's camera and capture time, None where either is not known."""
    photos = schema.photo.c
    row = connection.execute(select(photos.camera, photos.captured_at).where(photos.id == photo_id)).first()
    return (row[0], row[1]) if row and row[0] and row[1] else None


def _shots_around(connection: Connection, camera: str, captured_at: str) -> list[tuple[int, datetime]]:
    """Return what a camera shot about that time: photos that have a file, by capture time."""
    photos, middle = schema.photo.c, datetime.fromisoformat(captured_at)
    first, last = ((middle + side * _LONGEST_BURST).isoformat() for side in (-1, 1))
    rows = connection.execute(
        select(photos.id, photos.captured_at)
        .where(photos.captured_at.between(first, last), photos.camera == camera)
        .where(photos.id.in_(select(schema.file.c.photo_id)))
        .order_by(photos.captured_at, photos.id)
    )
    return [(row[0], datetime.fromisoformat(row[1])) for row in rows]


def _chain(shots: Sequence[tuple[int, datetime]], photo_id: int) -> list[int]:
    """Return the run of shots that holds the photo and has no gap, [] for one shot alone."""
    runs: list[list[tuple[int, datetime]]] = []
    for shot in shots:
        if runs and shot[1] - runs[-1][-1][1] <= _GAP_IN_BURST:
            runs[-1].append(shot)
        else:
            runs.append([shot])
    run = next((run for run in runs if photo_id in {shot[0] for shot in run}), [])
    return [shot[0] for shot in run] if len(run) > 1 else []
