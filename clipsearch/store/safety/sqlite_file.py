"""How the catalog's file is opened: to write it, to read it, or as it stands on a disk that nobody writes.

The last is for a file in WAL mode whose folder may not be written: SQLite cannot make the files beside it that readers
share, and reads it only when told that it does not change ("immutable", https://www.sqlite.org/uri.html).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from enum import Enum
from pathlib import Path
from urllib.parse import quote

_WRITING = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
_READING = ("busy_timeout=30000", "query_only=ON")

#: What reading a file may raise; the second where SQLite's message quotes damaged text.
Failure = (sqlite3.Error, UnicodeDecodeError)


class Access(Enum):
    """How a file is opened; the value is SQLite's own words for it."""

    MAKE = "mode=rwc"
    WRITE = "mode=rw"
    READ = "mode=ro"
    STANDING = "mode=ro&immutable=1"

    @property
    def read_only(self) -> bool:
        return self in {Access.READ, Access.STANDING}


def connect(path: Path, access: Access) -> sqlite3.Connection:
    """Open the file for use by any thread, one at a time, without transactions of the driver's own.

    Raises sqlite3.DatabaseError.
    """
    connection = sqlite3.connect(uri(path, access), uri=True, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _READING if access.read_only else _WRITING:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def access_to(path: Path) -> Access:
    """Return what this process may do with the file. Raises sqlite3.DatabaseError if it may not even be read."""
    # Never by opening the file: closing it again would drop the locks that SQLite holds on it in this process.
    writable = os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
    if not writable:
        return reading(path)
    return Access.WRITE if path.exists() else Access.MAKE


def reading(path: Path) -> Access:
    """Return how the file can be read without writing anything. Raises sqlite3.DatabaseError if it cannot."""
    try:
        with closing(connect(path, Access.READ)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        if not path.exists() or _has_changes_beside(path):
            raise
        return Access.STANDING
    return Access.READ


def beside(path: Path) -> tuple[Path, Path]:
    """Return the files in which SQLite keeps what is not yet in the catalog's own: the log, and readers' marks."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _has_changes_beside(path: Path) -> bool:
    log, _ = beside(path)
    return log.exists() and log.stat().st_size > 0


def uri(path: Path, access: Access) -> str:
    """Return the file's name as SQLite takes it for `access`, also in ATTACH."""
    place = quote(os.fsencode(path.absolute().as_posix()))
    return f"file://{place if place.startswith('/') else f'/{place}'}?{access.value}"
