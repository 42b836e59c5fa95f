"""Pairs from a CSV, TSV or JSONL file, perhaps packed: a column with a picture's path, and one with what is said of it.

Paths are relative to the table's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.pairs import Pair
from training.data.sources.source import Broken, Source
from training.data.strings import Strings
from training.data.tabular import KINDS, kind_of, objects, records
from training.errors import TrainingError

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
    if kind_of(path) not in KINDS:
        raise TrainingError(f"{path} is no table that is understood; its name must end in {', '.join(KINDS)}.")
    return (_of_jsonl if kind_of(path) == ".jsonl" else _of_csv)(path, picture, text)


def _of_csv(path: Path, picture: str, text: str) -> Iterator[_Row]:
    places: tuple[int, int] | None = None
    for line, record in records(path):
        if isinstance(record, str):
            yield f"line {line}: {record}"
        elif places is None:
            places = _places(record, path, picture, text)
        else:
            yield record[places[0]], record[places[1]]


def _places(columns: list[str], path: Path, picture: str, text: str) -> tuple[int, int]:
    if picture not in columns or text not in columns:
        there = ", ".join(repr(name[:40]) for name in columns[:20])
        raise TrainingError(
            f"The first line of {path} must name the columns {picture!r} and {text!r} (picture_column and text_column "
            f"in the run); it names {there}."
        )
    return columns.index(picture), columns.index(text)


def _of_jsonl(path: Path, picture: str, text: str) -> Iterator[_Row]:
    for line, values in objects(path):
        if isinstance(values, str):
            yield f"line {line}: {values}"
            continue
        found = values.get(picture), values.get(text)
        if isinstance(found[0], str) and isinstance(found[1], str):
            yield found[0], found[1]
        else:
            yield f"line {line}: no texts {picture!r} and {text!r}"
