"""Rows of CSV, TSV and JSONL files, one after the other; what is damaged comes out as such."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from training.errors import TrainingError

_PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_KINDS = (".csv", ".tsv", ".jsonl")


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
    return _kind(path) in _KINDS


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
    for line in _opened(path, lambda file: file):
        yield line.rstrip("\n")


class Writer:
    """Writes rows of the given columns to a CSV, TSV or JSONL file, by its name; fields that a row lacks stay empty."""

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self._columns = list(columns)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._table = None
        if _kind(path) != ".jsonl":
            delimiter = "\t" if _kind(path) == ".tsv" else ","
            self._table = csv.writer(self._file, delimiter=delimiter, lineterminator="\n")
            self._table.writerow(self._columns)

    def write(self, fields: dict[str, str]) -> None:
        chosen = {column: fields.get(column, "") for column in self._columns}
        if self._table is None:
            self._file.write(json.dumps(chosen, ensure_ascii=False) + "\n")
        else:
            self._table.writerow(chosen.values())

    def close(self) -> None:
        self._file.close()


def _kind(path: Path) -> str:
    inner = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return inner.suffix.lower()


def _fields(path: Path) -> Iterator[dict[str, str] | str]:
    """Yield each row's fields, or a sentence about what is wrong with it."""
    if _kind(path) == ".jsonl":
        return _opened(path, _objects)
    delimiter = "\t" if _kind(path) == ".tsv" else ","
    return _opened(path, lambda file: _records(file, delimiter))


def _opened(path: Path, parse: Callable[[TextIO], Iterable[Any]]) -> Iterator[Any]:
    opener = _PACKED.get(path.suffix.lower(), open)
    try:
        with closing(opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="")) as file:
            yield from parse(file)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise TrainingError(f"{path} cannot be read ({error}).") from error


def _objects(file: TextIO) -> Iterator[dict[str, str] | str]:
    for line in file:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield "not JSON"
            continue
        yield _as_texts(row) if isinstance(row, dict) else "not a JSON object"


def _as_texts(row: dict[str, Any]) -> dict[str, str]:
    """Return the fields as texts: lists with commas, nothing for what has no value."""
    return {key: _as_text(value) for key, value in row.items()}


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_as_text(part) for part in value)
    return "" if value is None else str(value)


def _records(file: TextIO, delimiter: str) -> Iterator[dict[str, str] | str]:
    reader = csv.reader(file, delimiter=delimiter)
    header = next(reader, [])
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a quote that never ends, mostly
            yield f"not CSV: {error}"
            continue
        if len(record) == len(header):
            yield dict(zip(header, record, strict=True))
        elif record:
            yield "another number of fields than the header"
