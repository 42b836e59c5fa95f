"""Rows of CSV, TSV and JSONL files, one after the other; what is damaged comes out as such."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from training.errors import TrainingError

_PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BREAKS = re.compile(r"[\t\r\n]+")
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
    for line in _opened(path, lambda lines: lines):
        yield line.rstrip("\r\n")


class Writer:
    """Writes rows of the given columns to a CSV, TSV or JSONL file, by its name; fields that a row lacks stay empty.

    A TSV has no quotes, so a tab or the end of a line in a field becomes a space.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self._columns, self._kind = list(columns), _kind(path)
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


def _kind(path: Path) -> str:
    inner = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return inner.suffix.lower()


def _fields(path: Path) -> Iterator[dict[str, str] | str]:
    """Yield each row's fields, or a sentence about what is wrong with it."""
    if _kind(path) == ".jsonl":
        return _opened(path, _objects)
    is_tsv = _kind(path) == ".tsv"
    return _opened(path, lambda lines: _records(lines, is_tsv))


def _opened(path: Path, parse: Callable[[Iterator[str]], Iterable[Any]]) -> Iterator[Any]:
    opener = _PACKED.get(path.suffix.lower(), open)
    try:
        with closing(opener(path, "rb")) as file:
            yield from parse(_lines(file))
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise TrainingError(f"{path} cannot be read ({error}).") from error


def _lines(file: BinaryIO) -> Iterator[str]:
    """Yield lines of UTF-8, of UTF-16 with a byte order mark, or of what `decoded` makes of others; without NULs."""
    from training.data.sources.source import decoded  # comes with torch

    head = file.read(3)
    file.seek(len(BOM_UTF8) if head == BOM_UTF8 else 0)
    is_wide = head.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    for line in TextIOWrapper(file, "utf-16", "replace", newline="") if is_wide else map(decoded, file):
        yield line.replace("\0", "")


def _objects(lines: Iterator[str]) -> Iterator[dict[str, str] | str]:
    for line in lines:
        if line.strip():
            yield _object(line)


def _object(line: str) -> dict[str, str] | str:
    try:
        row = json.loads(line)
        return _as_texts(row) if isinstance(row, dict) else "not a JSON object"
    except (ValueError, RecursionError):  # nested a thousand times
        return "not JSON"


def _as_texts(row: dict[str, Any]) -> dict[str, str]:
    """Return the fields as texts: lists with commas, nothing for what has no value."""
    return {_writable(key): _writable(_as_text(value)) for key, value in row.items()}


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_as_text(part) for part in value)
    return "" if value is None else str(value)


def _writable(text: str) -> str:
    """Replace halves of characters, which JSON can hold and no file."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _records(lines: Iterator[str], is_tsv: bool) -> Iterator[dict[str, str] | str]:
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if is_tsv else csv.reader(lines)
    header: list[str] | None = None
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a quote that never ends, mostly
            yield f"not CSV: {error}"
            continue
        if header is None:
            header = [name.strip() for name in record]
        elif len(record) == len(header):
            yield dict(zip(header, record, strict=True))
        elif record:
            yield "another number of fields than the header"
