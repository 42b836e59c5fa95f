"""Backups of the catalog, beside it in `backups/`, named by schema, day and number: catalog-0003-2026-11-21-42.sqlite.

Each is a whole catalog that could take the other's place; that of a large catalog has no vectors, since these can be
made again and labels cannot. Which are kept goes by their numbers, so that a wrong clock deletes nothing.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from clipsearch.store.safety.sqlite_file import Access, connect, reading, uri

#: Larger catalogs (some 80,000 photos at 512 dimensions) are saved without vectors: a dozen copies stay below 1.5 GB.
WITH_VECTORS_BYTES = 128 * 2**20
_NAME = re.compile(r"catalog-(\w+)-(\d{4}-\d\d-\d\d)-(\d+)\.sqlite")
_DUE_AFTER_S = 20 * 3600  # a little less than a day, so that a daily habit makes a daily backup
_NEWEST_KEPT = 7
_EVERY = 7  # of the older ones each seventh is kept,
_OLDER_KEPT = 4  # this many of them
_STEP_PAGES = 1024
_STEP_OPCODES = 100_000  # of SQLite's machine, between two looks whether to stop
_WAIT_FOR_ANOTHER_S = 300.0
_ASIDE = ("vector",)  # tables whose rows a small backup leaves out
_LAST_IDS = "sqlite_sequence"  # SQLite's own table of the numbers that must not be given again; it makes it itself

Stop = Callable[[], bool]


class StoppedError(Exception):
    """A backup was stopped before it was whole; nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup's file, the schema of the catalog in it, and the day (UTC) and moment (seconds since 1970) it was made.

    `number` grows from one to the next.
    """

    path: Path
    schema: str
    day: str
    number: int
    made_at: float


class Backups:
    """The backups of one catalog."""

    def __init__(self, catalog: Path) -> None:
        self._catalog = catalog
        self.folder = catalog.parent / "backups"

    def all(self) -> list[Backup]:
        """Return the backups, the newest first."""
        return sorted(self._found(), key=lambda backup: backup.number, reverse=True)

    def _found(self) -> Iterator[Backup]:
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if name := _NAME.fullmatch(path.name):
                yield Backup(path, name[1], name[2], int(name[3]), path.stat().st_mtime)

    def is_due(self, now: float) -> bool:
        """Tell whether the newest backup is a day old at `now`, in seconds since 1970, or made in a future day."""
        newest = next(iter(self.all()), None)
        return newest is None or not 0 <= now - newest.made_at < _DUE_AFTER_S

    def make_if_due(self, schema: str, stop: Stop = lambda: False) -> Backup | None:
        """Make a backup unless there is a young one or another process makes one; delete those that are too many.

        Raises OSError or sqlite3.Error where that fails, as on a full disk, and StoppedError once `stop()` says so.
        """
        if not self.is_due(time.time()):
            return None
        try:
            with self._alone(0):
                return self._make_and_rotate(schema, self._is_small(), stop) if self.is_due(time.time()) else None
        except Timeout:
            return None

    def make_before_upgrade(self, schema: str) -> Backup:
        """Make a whole backup or, where there is no room for it, one without vectors.

        Raises OSError or sqlite3.Error where there is no room for that either.
        """
        with self._alone(_WAIT_FOR_ANOTHER_S):
            try:
                return self._make_and_rotate(schema, True)
            except (OSError, sqlite3.OperationalError):
                return self._make_and_rotate(schema, False)

    @contextmanager
    def _alone(self, wait_s: float) -> Iterator[None]:
        """Be the one process that makes backups. Raises Timeout, OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "making.lock", timeout=wait_s):
            yield

    def _is_small(self) -> bool:
        return self._catalog.stat().st_size <= WITH_VECTORS_BYTES

    def _make_and_rotate(self, schema: str, whole: bool, stop: Stop = lambda: False) -> Backup:
        backups = self.all()
        number = backups[0].number + 1 if backups else 1
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        path = self.folder / f"catalog-{schema}-{day}-{number}.sqlite"
        self._write(path, whole, stop)
        made = Backup(path, schema, day, number, path.stat().st_mtime)
        for backup in too_many([made, *backups]):
            backup.path.unlink(missing_ok=True)
        return made

    def _write(self, path: Path, whole: bool, stop: Stop) -> None:
        """Make the file, whole or not at all."""
        scratch = self.folder / "making.new"
        scratch.unlink(missing_ok=True)
        try:
            (copy_whole if whole else copy_without_vectors)(self._catalog, scratch, stop)
            _check(scratch)
            _flush(scratch)
            scratch.replace(path)
        finally:
            for leftover in (scratch, scratch.with_name("making.new-journal")):
                leftover.unlink(missing_ok=True)


def too_many(backups: Collection[Backup]) -> list[Backup]:
    """Return which of the backups need not be kept.

    Kept are the newest seven, of the older ones each seventh up to four, and the newest of each schema, whatever the
    clock said when they were made.
    """
    newest_first = sorted(backups, key=lambda backup: backup.number, reverse=True)
    older = [backup for backup in newest_first[_NEWEST_KEPT:] if backup.number % _EVERY == 0]
    of_schema = {backup.schema: backup for backup in reversed(newest_first)}
    kept = [*newest_first[:_NEWEST_KEPT], *older[:_OLDER_KEPT], *of_schema.values()]
    return [backup for backup in newest_first if backup not in kept]


def copy_whole(catalog: Path, target: Path, stop: Stop = lambda: False) -> None:
    """Copy the catalog as it is at one moment, in steps, while others read and write it. Raises StoppedError."""

    def look(_status: int, _left: int, _total: int) -> None:
        if stop():
            raise StoppedError

    with closing(connect(catalog, reading(catalog))) as source, closing(sqlite3.connect(target)) as copy:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master")  # from here on the source stands still, writers or not
        source.backup(copy, pages=_STEP_PAGES, progress=look)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file that can be read anywhere


def copy_without_vectors(catalog: Path, target: Path, stop: Stop = lambda: False) -> None:
    """Copy all tables but the rows of vectors, as they are at one moment. Raises StoppedError."""
    with closing(connect(target, Access.MAKE)) as copy:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF"):
            copy.execute(f"PRAGMA {pragma}")
        copy.execute("ATTACH ? AS source", (uri(catalog, reading(catalog)),))
        try:
            _copy_tables(copy, stop)
        except sqlite3.OperationalError as error:
            if stop():
                raise StoppedError from error
            raise


def _copy_tables(copy: sqlite3.Connection, stop: Stop) -> None:
    copy.execute("BEGIN")
    made = copy.execute(
        "SELECT type, name, sql FROM source.sqlite_master WHERE sql NOTNULL ORDER BY type DESC, name = ?", (_LAST_IDS,)
    ).fetchall()
    copy.set_progress_handler(lambda: int(stop()), _STEP_OPCODES)
    for kind, name, sql in made:  # tables, then indexes
        copy.execute(sql if name != _LAST_IDS else f"DELETE FROM main.{_LAST_IDS}")  # noqa: S608 (our own name)
        if kind == "table" and name not in _ASIDE:
            copy.execute(f'INSERT INTO main."{name}" SELECT * FROM source."{name}"')  # noqa: S608 (names of our own tables)
    copy.execute("COMMIT")


def _check(path: Path) -> None:
    """Raise sqlite3.DatabaseError for a damaged copy: it must not take the place of a sound one."""
    with closing(sqlite3.connect(path)) as connection:
        finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {finding}")


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
