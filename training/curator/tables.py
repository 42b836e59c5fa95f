"""Rows of CSV, TSV and JSONL files, one after the other; what is damaged comes out as such."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data import tabular
from training.data.tabular import KINDS, kind_of
from training.errors import TrainingError

_BREAKS = re.compile(r"[\t\r\n]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as texts by column; `number` counts all rows of all tables, damaged ones too; `folder` is its table's."""

    number: int
    fields: dict[str, str]
    folder: Path


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, and why."""

    number: int
    reason: str
    place: str


def is_table(path: Path) -> bool:
    """Say whether `read` takes the file, by its name; it may be packed with gzip, bzip2 or xz."""
    return kind_of(path) in KINDS


def read(paths: Iterable[Path]) -> Iterator[Row | BadRow]:
    """Yield the rows of all tables. Raises TrainingError for a file that is no table or cannot be opened."""
    number = 0
    for path in paths:
        if not is_table(path):
            raise TrainingError(f"{path} is no table: its name has to end in .csv, .tsv or .jsonl.")
        for fields in _fields(path):
            if isinstance(fields, str):
                yield BadRow(number, fields, f"row {number} ({path.name})")
            else:
                yield Row(number, fields, path.parent)
            number += 1


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, perhaps packed. Raises TrainingError."""
    for line in tabular.lines(path):
        yield line.rstrip("\r\n")


class Writer:
    """Writes rows of the given columns to a CSV, TSV or JSONL file, by its name; fields that a row lacks stay empty.

    A TSV has no quotes, so a tab or the end of a line in a field becomes a space.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self._columns, self._kind = list(columns), kind_of(path)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._table = csv.writer(self._file, lineterminator="\n")
        if self._kind != ".jsonl":
            self._write(self._columns)

    def write(self, fields: dict[str, str]) -> None:
        chosen = {column: fields.get(column, "") for column in self._columns}
        if self._kind == ".jsonl":
            self._file.write(json.dumps(chosen, ensure_ascii=False) + "\n")
        else:
            self._write(list(chosen.values()))

    def close(self) -> None:
        self._file.close()

    def _write(self, record: list[str]) -> None:
        if self._kind == ".tsv":
            self._file.write("\t".join(" ".join(_BREAKS.split(field)) for field in record) + "\n")
        else:
            self._table.writerow(record)


def _fields(path: Path) -> Iterator[dict[str, str] | str]:
    """Yield each row's fields, or a sentence about what is wrong with it."""
    if kind_of(path) == ".jsonl":
        yield from (_as_texts(row) for _, row in tabular.objects(path))
        return
    header: list[str] | None = None
    for _, record in tabular.records(path):
        if isinstance(record, str):
            yield record
        elif header is None:
            header = record
        else:
            yield dict(zip(header, record, strict=True))


def _as_texts(row: dict[str, Any] | str) -> dict[str, str] | str:
    """Return the fields as texts: lists with commas, nothing for what has no value."""
    try:
        return row if isinstance(row, str) else {_writable(key): _writable(_as_text(row[key])) for key in row}
    except RecursionError:  # nested a thousand times
        return "not JSON"


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_as_text(part) for part in value)
    return "" if value is None else str(value)


def _writable(text: str) -> str:
    """Replace halves of characters, which JSON can hold and no file."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
