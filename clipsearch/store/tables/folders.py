"""The folders that the user added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from clipsearch.paths import way_to
from clipsearch.records import Folder
from clipsearch.store.database import Database, inserted_id
from clipsearch.store.tables import schema
from clipsearch.store.tables.changes import note_change


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder's path, and the volume that it lies on with its path there; None where the system does not tell."""

    path: Path
    volume_id: str | None = None
    volume_name: str | None = None
    path_on_volume: str | None = None


class Folders:
    """The table of folders; files and problems of a folder go with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Folder]:
        """Return the folders that the user added, by path; offline are those that were when last looked at.

        None is touched, since a folder on a network share that is gone may hang.
        """
        with self._database.read() as connection:
            rows = connection.execute(select(schema.folder).order_by(schema.folder.c.path)).all()
        return [Folder(row.id, Path(row.path), bool(row.offline)) for row in rows]

    def add(self, path: Path, holds: Callable[[Path, Path], bool] | None = None) -> Folder:
        """Add a folder, or return the one that already holds it. Added folders inside it become part of it.

        `holds(outer, inner)` tells whether looking through one folder comes to the other; by default, whether it lies
        in it.
        """
        holds = holds or _lies_in
        known = self.all()
        outer = next((folder for folder in known if holds(folder.path, path)), None)
        if outer is not None:
            return outer
        inside = {folder.id: way_to(path, folder.path) or "" for folder in known if holds(path, folder.path)}
        with self._database.write() as connection:
            folder_id = inserted_id(connection.execute(insert(schema.folder).values(path=str(path))))
            for inner_id, prefix in inside.items():
                _absorb(connection, folder_id, inner_id, prefix)
        return Folder(folder_id, path)

    def remove(self, folder_id: int) -> None:
        """Forget a folder with its files and problems. Photos keep what is known of them, should they come back."""
        with self._database.write() as connection:
            connection.execute(delete(schema.folder).where(schema.folder.c.id == folder_id))
            note_change(connection, None)

    def places(self) -> dict[int, FolderPlace]:
        """Return where each folder lay, on which volume, when it was last seen."""
        table = schema.folder.c
        columns = (table.id, table.path, table.volume_id, table.volume_name, table.path_on_volume)
        with self._database.read() as connection:
            rows = connection.execute(select(*columns)).all()
        return {row[0]: FolderPlace(Path(row[1]), *row[2:]) for row in rows}

    def set_places(self, places: Mapping[int, FolderPlace]) -> None:
        """Record where folders lie now; their files go with them. Two may change places, as drive letters do."""
        row = schema.folder.c.id
        with self._database.write() as connection:
            for folder_id in places:
                connection.execute(update(schema.folder).where(row == folder_id).values(path=f"moving {folder_id}"))
            for folder_id, place in places.items():
                values = {**asdict(place), "path": str(place.path)}
                connection.execute(update(schema.folder).where(row == folder_id).values(values))

    def offline(self) -> set[int]:
        """Return the folders that could not be reached when they were last looked at; touches no disk."""
        with self._database.read() as connection:
            return set(connection.execute(select(schema.folder.c.id).where(schema.folder.c.offline != 0)).scalars())

    def set_offline(self, folder_id: int, offline: bool) -> None:
        """Record whether a folder can be reached."""
        with self._database.write() as connection:
            connection.execute(
                update(schema.folder).where(schema.folder.c.id == folder_id).values(offline=int(offline))
            )


def _lies_in(outer: Path, inner: Path) -> bool:
    return way_to(outer, inner) is not None


def _absorb(connection: Connection, folder_id: int, inner_id: int, prefix: str) -> None:
    """Move files and problems of an inner folder to the folder that now holds it."""
    for table in (schema.file, schema.problem):
        paths = connection.execute(select(table.c.id, table.c.relative_path).where(table.c.folder_id == inner_id)).all()
        moved = [{"row": row.id, "path": "/".join(filter(None, (prefix, row.relative_path)))} for row in paths]
        if moved:
            statement = update(table).where(table.c.id == bindparam("row"))
            connection.execute(statement.values(folder_id=folder_id, relative_path=bindparam("path")), moved)
    connection.execute(delete(schema.folder).where(schema.folder.c.id == inner_id))
