"""The SQLite file under the catalog: connections, transactions and the step to the current schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine, QueuePool, Row, create_engine, event, text
from sqlalchemy.exc import DatabaseError, MultipleResultsFound, NoResultFound

from clipsearch.errors import CatalogError, DamagedCatalogError
from clipsearch.store.safety.backups import Backups
from clipsearch.store.safety.sqlite_file import Access, Failure, access_to, connect, reading
from clipsearch.store.safety.swap import finish_swap

#: The newest Alembic revision, repeated here so that opening a current catalog need not import Alembic.
HEAD = "0004"
_DAMAGE = "it is damaged; `clipsearch verify --repair` saves what can be saved"
_SIGNS_OF_DAMAGE = (
    "file is not a database",
    "malformed",
    "unsupported file format",
    "Could not decode to UTF-8",
    "codec can't decode",
    "no such table",
    "no such column",
    "No row was found",
    "Multiple rows were found",
)
_NOT_WRITABLE = "its folder or file may not be written"
_REASONS = {  # what SQLite says -> what the user can do
    "readonly": _NOT_WRITABLE,
    "unable to open": "its folder may not be read or written",
    "full": "the disk is full; free some space and try again",
    "locked": "another program holds it; try again",
    "UNIQUE": "another program has changed the same at this moment; try again",
    "disk I/O error": "its disk fails, or is full",
}
_MADE_FROM_A_CATALOG = ("index/*.faiss", "thumbnails/[0-9a-f][0-9a-f]/*.jpg")
_CHUNK = 500  # values in one IN (...) list, within SQLite's limits

Value = TypeVar("Value")


class Database:
    """One SQLite file in WAL mode: readers never wait, writers queue for each other's short transactions.

    `read_only` says that it may only be read, as on a disk that is mounted so.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file and bring its schema up to date; one that may not be written is opened to be read.

        Raises CatalogError; DamagedCatalogError where repairing helps.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            finish_swap(path)
            _refuse_lost(path)
            self._access = _opened(path)
            self._engine = self._make_engine()
            self._identity = _identity(path)
            self._bring_up_to_date()
        except (*Failure, OSError) as error:
            raise _told(error, path, "opened") from error

    @property
    def read_only(self) -> bool:
        return self._access.read_only

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
        if self.read_only:
            raise CatalogError(f"The library can only be read: {_NOT_WRITABLE}.", self.path)
        with self._transaction("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        self._follow_repair()
        try:
            with self._engine.connect().execution_options(begin=mode) as connection, connection.begin():
                yield connection
        except (DatabaseError, *Failure, NoResultFound, MultipleResultsFound) as error:
            raise _told(error, self.path, "read or written") from error

    def _follow_repair(self) -> None:
        """Turn to the new file when another process has repaired the catalog."""
        identity = _identity(self.path)
        if identity not in {self._identity, None}:
            self._identity = identity
            self._engine.dispose()

    def integrity(self) -> list[str]:
        """Return what SQLite finds wrong with the file; nothing when it is sound."""
        with self.read() as connection:
            findings = [row[0] for row in connection.execute(text("PRAGMA integrity_check(10)"))]
            orphans = connection.execute(text("SELECT * FROM pragma_foreign_key_check LIMIT 10")).all()
        lost = [f"row {row[1]} of {row[0]} refers to a {row[2]} that is not there" for row in orphans]
        refusing = ["it takes no changes, though it may be written"] if self._refuses_changes() else []
        return [finding for finding in findings if finding != "ok"] + lost + refusing

    def _refuses_changes(self) -> bool:
        """Tell whether the file itself says that it takes no changes, as one flipped byte of its header does."""
        try:
            with self._engine.connect().execution_options(begin="IMMEDIATE") as connection:
                connection.exec_driver_sql("PRAGMA user_version = 0")  # as it is; undone, since nothing commits it
        except DatabaseError as error:
            return "readonly" in str(error.orig) and not self.read_only
        return False

    def _bring_up_to_date(self) -> None:
        try:
            with self.read() as connection:
                version = _version(connection)
            if version != HEAD:
                self._upgrade(version)
        except BaseException:
            self.close()
            raise

    def _upgrade(self, version: str | None) -> None:
        from clipsearch.store.safety.upgrade import is_known, upgrade

        if version is not None and not version.isdigit():
            raise DamagedCatalogError(f"The library's catalog cannot be read: {_DAMAGE}.", self.path)
        if version is not None and not is_known(version):
            raise CatalogError("The library was made by a newer clipsearch; please install the newest one.", self.path)
        if self.read_only:
            reason = "The library was made by an older clipsearch and cannot be brought up to date"
            raise CatalogError(f"{reason}: {_NOT_WRITABLE}.", self.path)
        if version is not None:
            self._back_up(version)
        with self.write() as connection:
            upgrade(connection)

    def _back_up(self, version: str) -> None:
        """Keep the catalog as it is: no step to a new schema without a way back."""
        try:
            Backups(self.path).make_before_upgrade(version)
        except (*Failure, OSError) as error:
            what = "The library cannot be brought up to date, since no backup of its catalog can be made"
            raise _error(error, self.path, what) from error

    def back_up(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Make a backup if one is due. Raises CatalogError where that fails, StoppedError once `stop()` says so."""
        try:
            Backups(self.path).make_if_due(HEAD, stop)
        except (*Failure, OSError) as error:
            raise _error(error, self.path, "No backup of the catalog can be made") from error

    def _make_engine(self) -> Engine:
        def open_connection() -> sqlite3.Connection:
            return connect(self.path, self._access)

        engine = create_engine("sqlite://", creator=open_connection, poolclass=QueuePool)
        event.listen(engine, "begin", _on_begin)
        return engine


def _opened(path: Path) -> Access:
    """Open the file once, made if it is new; return how to open it from now on. Raises sqlite3.Error."""
    access = access_to(path)
    try:
        connect(path, access).close()
    except sqlite3.OperationalError:  # the system let us write, SQLite cannot: a full disk, an ACL
        if not path.exists():
            raise
        access = reading(path)
    return Access.WRITE if access is Access.MAKE else access


def _refuse_lost(path: Path) -> None:
    """Raise DamagedCatalogError if there is no catalog where there once was one: a new one would hide the loss."""
    if path.exists() and path.stat().st_size > 0:
        return
    what = "empty" if path.exists() else "gone"
    if backups := Backups(path).all():
        way_on = f"`clipsearch verify --repair` puts back the backup of {backups[0].day}"
    elif _is_in_use(path.parent):
        way_on = "put it back, or let `clipsearch verify --repair` begin an empty one, since there is no backup"
    else:
        return
    raise DamagedCatalogError(f"The library's catalog is {what}; {way_on}.", path)


def _is_in_use(folder: Path) -> bool:
    """Tell whether anything lies in a library's folder that was made from a catalog."""
    return any(next(folder.glob(pattern), None) for pattern in _MADE_FROM_A_CATALOG)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one put in its place; None where there is none at the moment."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


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


def _told(error: Exception, path: Path, done: str) -> CatalogError:
    return _error(error, path, f"The library's catalog cannot be {done}")


def _error(error: Exception, path: Path, what: str) -> CatalogError:
    """Return `error` as a sentence: what cannot be done, and why in the user's words."""
    reason = getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error)
    if any(sign in reason for sign in _SIGNS_OF_DAMAGE):
        return DamagedCatalogError(f"{what}: {_DAMAGE}.", path)
    words = next((words for sign, words in _REASONS.items() if sign in reason), reason)
    return CatalogError(f"{what}: {words}.", path)


def inserted_id(result: CursorResult[Any]) -> int:
    """Return the id of the row that an INSERT made."""
    return int(cast("Row[Any]", result.inserted_primary_key)[0])


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Cut a list that is to stand in IN (...) into pieces that SQLite takes."""
    values = list(values)
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
