"""Reading what can be read of a damaged SQLite file: past a broken header, and around broken pages.

File format: https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from clipsearch.store.safety.sqlite_file import Access, Failure, beside, uri

Row = tuple[Any, ...]
_PAGE_BYTES = 4096
_MOST_PROBES = 20_000  # queries around the damage of one table
_FEWEST_ROWIDS = 10_000
_LARGEST_ROWID = 2**63 - 1


@contextmanager
def opened_damaged(path: Path, scratch: Path) -> Iterator[sqlite3.Connection | None]:
    """Open a damaged file to be read as it is or, in a copy in the folder `scratch`, under a new header.

    Yields None where neither shows a table. Text that is not valid UTF-8 comes with surrogates instead of an error.
    """
    connection = _opened(path) or _opened(_under_new_header(path, scratch))
    if connection is None:
        yield None
    else:
        with closing(connection):
            yield connection


def _opened(path: Path) -> sqlite3.Connection | None:
    """Return a connection to the file if it shows any table."""
    for access in (Access.READ, Access.STANDING):
        with suppress(*Failure):
            connection = sqlite3.connect(uri(path, access), uri=True, isolation_level=None)
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            try:
                connection.execute("PRAGMA writable_schema=ON")  # pass over what is broken of the schema
                if connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]:
                    return connection
            except Failure:
                pass
            connection.close()
    return None


def _under_new_header(path: Path, scratch: Path) -> Path:
    """Return a copy of the file, with what is logged beside it, that begins with the header of a sound file."""
    copy = scratch / "damaged.sqlite"
    shutil.copyfile(path, copy)
    log, _ = beside(path)
    if log.exists():
        shutil.copyfile(log, beside(copy)[0])
    with copy.open("rb+") as stream:
        stream.write(_header(copy.stat().st_size // _PAGE_BYTES))
    return copy


def _header(pages: int) -> bytes:
    """Return the 100 bytes that a catalog of this many pages begins with (WAL mode, UTF-8, no free pages)."""
    modes = bytes([2, 2, 0, 64, 32, 32])
    free_list, schema = (0, 0), (1, 4, 0, 0, 1)  # cookie, format, cache size, largest root, UTF-8
    numbers = (1, pages, *free_list, *schema, 0, 0, 0)
    start = struct.pack(">16sH6s12I", b"SQLite format 3\0", _PAGE_BYTES, modes, *numbers)
    return start + bytes(20) + struct.pack(">2I", 1, 3_040_001)


class Salvage:
    """The rows of one table of a damaged file, by rowid; `complete` says afterwards that no damage was met."""

    def __init__(self, source: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        self.complete = True
        self._source = source
        self._select = f"SELECT rowid, {', '.join(columns)} FROM {table} NOT INDEXED"  # noqa: S608 (our own names)
        self._probes = 0

    def rows(self) -> Iterator[Row]:
        """Yield (rowid, *columns) of every row that can be read, going round the damage by halving what lies between.

        A row may come twice.
        """
        gaps = deque([(-1, _LARGEST_ROWID)])
        while gaps and self._probes < _MOST_PROBES:
            low, high = gaps.popleft()
            first_unread = yield from self._run(low, high, "ASC")
            if first_unread is None:
                continue
            self.complete = False
            last_unread = yield from self._run(first_unread, high, "DESC")
            if last_unread is not None and first_unread < last_unread:
                last_unread = min(last_unread, max(first_unread, self._plausible_rowid()))
                middle = (first_unread + last_unread) // 2
                gaps += [(first_unread, middle), (middle + 1, last_unread)]

    def _run(self, low: int, high: int, order: str) -> Generator[Row, None, int | None]:
        """Yield rows from one end of low..high until there is damage; return the first rowid not read, else None."""
        self._probes += 1
        step = 1 if order == "ASC" else -1
        unread = low if order == "ASC" else high
        try:
            where = f"{self._select} WHERE rowid BETWEEN ? AND ? ORDER BY rowid {order}"
            for row in self._source.execute(where, (low, high)):
                if (row[0] - unread) * step < 0:  # a broken page leads back to rows read before
                    return unread
                yield row
                unread = row[0] + step
        except (*Failure, OverflowError):
            return unread
        return None

    def _plausible_rowid(self) -> int:
        """Return how far to look beyond damage at the table's end: a catalog numbers its rows from 1."""
        with suppress(*Failure):
            pages = self._source.execute("PRAGMA page_count").fetchone()[0]
            return max(_FEWEST_ROWIDS, int(pages) * _PAGE_BYTES)
        return _FEWEST_ROWIDS
