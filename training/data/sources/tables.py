"""Pairs from a CSV, TSV or JSONL file: a column with a picture's path, and one with what is said of it.

Paths are relative to the table's folder. Text is UTF-8 or, with a byte order mark, UTF-16; a line that is not valid
UTF-8 is read as Windows' Latin. CSV may quote; in TSV, where captions are full of lone quotes, a quote is a character.
"""

from __future__ import annotations

import csv
import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from training.data.pairs import Pair
from training.data.sources.source import Broken, Source, decoded
from training.data.strings import Strings
from training.errors import TrainingError

SUFFIXES = (".csv", ".tsv", ".jsonl")

_Row = tuple[str, str] | str  # picture and text, or what is wrong


class Table(Source):
    """The lines of a table that name a picture; lines that do not are counted and told."""

    def __init__(self, path: Path, picture_column: str, text_column: str) -> None:
        """Read the whole table. Raises TrainingError for one that cannot be read or has no usable line."""
        self._folder = path.resolve().parent
        self._pictures, self._texts = Strings(), Strings()
        broken = Broken()
        for row in _rows(path, picture_column, text_column):
            if isinstance(row, str):
                broken.add(f"{path.name}, {row}.")
            else:
                self._pictures.append(row[0])
                self._texts.append(row[1])
        self.count, self.told = len(self._pictures), broken.told()
        if not self.count:
            first = f" ({self.told[0]})" if self.told else ""
            raise TrainingError(f"{path} has no line that could be used{first}.")

    def pair(self, number: int) -> Pair:
        name = self._pictures[number]
        return Pair(self._folder / name, self._texts[number], name)


def _rows(path: Path, picture: str, text: str) -> Iterator[_Row]:
    if path.suffix.lower() not in SUFFIXES:
        raise TrainingError(f"{path} is no table that is understood; its name must end in {', '.join(SUFFIXES)}.")
    lines = _lines(path)
    return _of_jsonl(lines, picture, text) if path.suffix.lower() == ".jsonl" else _of_csv(lines, path, picture, text)


def _of_csv(lines: Iterator[str], path: Path, picture: str, text: str) -> Iterator[_Row]:
    tabs = path.suffix.lower() == ".tsv"
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(lines)
    columns: list[str] | None = None
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield f"line {reader.line_num}: {error}"
            continue
        if row is None:
            return
        if columns is None:
            columns = [name.strip() for name in row]
            places = _places(columns, path, picture, text)
        elif row:
            yield _row(row, places, len(columns), reader.line_num)


def _places(columns: list[str], path: Path, picture: str, text: str) -> tuple[int, int]:
    if picture not in columns or text not in columns:
        there = ", ".join(repr(name[:40]) for name in columns[:20])
        raise TrainingError(
            f"The first line of {path} must name the columns {picture!r} and {text!r} (picture_column and text_column "
            f"in the run); it names {there}."
        )
    return columns.index(picture), columns.index(text)


def _row(row: list[str], places: tuple[int, int], width: int, line: int) -> _Row:
    if len(row) != width:
        return f"line {line}: {len(row)} values for {width} columns"
    return row[places[0]], row[places[1]]


def _of_jsonl(lines: Iterator[str], picture: str, text: str) -> Iterator[_Row]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _object(line, number, picture, text)


def _object(line: str, number: int, picture: str, text: str) -> _Row:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"line {number}: no JSON ({error})"
    found = (values.get(picture), values.get(text)) if isinstance(values, dict) else (None, None)
    if not (isinstance(found[0], str) and isinstance(found[1], str)):
        return f"line {number}: no texts {picture!r} and {text!r}"
    return found[0], found[1]


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file. Raises TrainingError where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(3)
            file.seek(len(BOM_UTF8) if head == BOM_UTF8 else 0)
            is_wide = head.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
            wide = TextIOWrapper(file, "utf-16", "replace", newline="") if is_wide else ()
            for line in wide or map(decoded, file):
                yield line.replace("\0", "")  # a NUL is no text, and csv gives up at one
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror or error}.") from error
