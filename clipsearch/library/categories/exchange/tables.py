"""Categories -> a table: a line for each file in a category, as CSV or as a JSON object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from clipsearch.errors import ClipsearchError
from clipsearch.files.replacing import replacing
from clipsearch.library.categories.exchange.placement import placed
from clipsearch.library.library import Library
from clipsearch.records import TableRow

CSV, JSON = "csv", "json"


def rows(library: Library, category_ids: Collection[int] | None = None, *, mine: bool = False) -> Iterator[TableRow]:
    """Yield a row for each file of each category (None: all), best first; a photo stands with the innermost ones.

    A bar in a name is told as a slash, as in sidecars, since bars part the names of nested categories. With `mine` only
    what the user put in counts.
    """
    for group in placed(library, category_ids, mine=mine):
        for member in group.members(library):
            for path in member.photo.paths:
                yield TableRow(path, group.name, member.score, member.source)


def write(stream: TextIO, table: Iterable[TableRow], form: str) -> int:
    """Write rows, as "csv" (RFC 4180, with headings) or "json" (an object a line); return how many."""
    writer = csv.DictWriter(stream, TableRow._fields, lineterminator="\n")
    if form == CSV:
        writer.writeheader()
    count = 0
    for row in table:
        values = {**row._asdict(), "path": str(row.path), "score": round(row.score, 6)}
        if form == CSV:
            writer.writerow(values)
        else:
            stream.write(json.dumps(values) + "\n")
        count += 1
    return count


def write_table(
    library: Library, file: Path, form: str, category_ids: Collection[int] | None = None, *, mine: bool = False
) -> int:
    """Write the rows to a file, whole or not at all, in place of one that is there; return how many.

    CSV begins with a byte order mark, by which spreadsheets know UTF-8; names that are no valid Unicode keep their
    bytes. Raises ClipsearchError.
    """
    encoding = "utf-8-sig" if form == CSV else "utf-8"
    try:
        with replacing(file) as new, new.open("x", encoding=encoding, errors="surrogateescape", newline="") as stream:
            return write(stream, rows(library, category_ids, mine=mine), form)
    except OSError as error:
        raise ClipsearchError("Table not written", f"{file} cannot be written: {error.strerror}.", file) from error
