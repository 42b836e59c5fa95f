"""The SQLite file under the catalog: connections, transactions and the step to the current schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import URL, Connection, CursorResult, Engine, Row, create_engine, event, text
from sqlalchemy.exc import DatabaseError

from clipsearch.errors import CatalogError

#: The newest Alembic revision, repeated here so that opening a current catalog need not import Alembic.
HEAD = "0003"
_DAMAGED = "the file is damaged; put a copy of it back, or delete it and index your folders again"
_REASONS = {  # what SQLite says -> what the user can do
    "file is not a database": _DAMAGED,
    "malformed": _DAMAGED,
    "readonly": "its folder may not be written",
    "unable to open": "its folder may not be read or written",
    "full": "the disk is full",
}
_MIGRATIONS = Path(__file__).parent / "migrations"
_CHUNK = 500  # values in one IN (...) list, within SQLite's limits

Value = TypeVar("Value")


class Database:
    """One SQLite file in WAL mode: readers never wait, writers queue for each other's short transactions."""

    def __init__(self, path: Path) -> None:
        """Open or make the file and bring its schema up to date. Raises CatalogError."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = _engine(path)
            self._bring_up_to_date()
        except (DatabaseError, OSError) as error:
            raise CatalogError(f"The library's catalog cannot be opened: {_plain(error)}.", path) from error

    def _bring_up_to_date(self) -> None:
        try:
            with self._engine.connect() as connection:
                version = _version(connection)
            if version != HEAD:
                self._upgrade(version)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run queries on one consistent state of the catalog. Raises CatalogError."""
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run a transaction that takes the write lock at once; an exception undoes all of it. Raises CatalogError."""
        with self._transaction("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(begin=mode) as connection, connection.begin():
                yield connection
        except DatabaseError as error:
            message = f"The library's catalog cannot be read or written: {_plain(error)}."
            raise CatalogError(message, self.path) from error

    def integrity(self) -> list[str]:
        """Return what SQLite finds wrong with the file; nothing when it is sound."""
        with self.read() as connection:
            findings = [row[0] for row in connection.execute(text("PRAGMA integrity_check"))]
        return [finding for finding in findings if finding != "ok"]

    def _upgrade(self, version: str | None) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if version is not None and version not in known:
            raise CatalogError("The library was made by a newer clipsearch; please install the newest one.", self.path)
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    """Leave transactions to `_on_begin`, since the driver would keep table changes outside of them."""
    connection.isolation_level = None
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _version(connection: Connection) -> str | None:
    """Return the schema's revision, None for a new file."""
    tables = text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    if connection.execute(tables).first() is None:
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return row[0] if row else None


def _plain(error: Exception) -> str:
    reason = str(getattr(error, "orig", None) or error)
    return next((words for sign, words in _REASONS.items() if sign in reason), reason)


def inserted_id(result: CursorResult[Any]) -> int:
    """Return the id of the row that an INSERT made."""
    return int(cast("Row[Any]", result.inserted_primary_key)[0])


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Cut a list that is to stand in IN (...) into pieces that SQLite takes."""
    values = list(values)
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
