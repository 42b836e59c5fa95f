"""Categories as tables."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories import editing, judging
from clipsearch.library.categories.exchange.tables import rows, write_table
from clipsearch.library.library import Library
from clipsearch.records import TableRow
from tests.conftest import Index
from tests.library.categories.exchange.conftest import id_of
from tests.pictures import paint


def test_each_file_stands_with_its_innermost_categories(animals: Library, folder: Path) -> None:
    found = list(rows(animals))
    assert found[0] == TableRow(folder / "a/two.png", "Animals", 1.0, "user")
    assert set(found[1:]) == {
        TableRow(folder / "a/one.png", "Animals|Birds", 1.0, "user"),
        TableRow(folder / "b/one.png", "Animals|Birds", 1.0, "user"),
    }
    assert list(rows(animals, [id_of(animals, "Birds")])) == found[1:]


def test_a_csv_is_read_by_spreadsheets(animals: Library, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("older")
    assert write_table(animals, file, "csv") == 3
    assert file.read_bytes().startswith(b"\xef\xbb\xbfpath,category,score,source\n")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        read = list(csv.DictReader(stream))
    assert [(row["path"], row["category"], float(row["score"]), row["source"]) for row in read] == [
        (str(row.path), *row[1:]) for row in rows(animals)
    ]
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".csv" and path.is_file()] == []


def test_json_is_an_object_a_line(animals: Library, tmp_path: Path) -> None:
    write_table(animals, tmp_path / "table.json", "json", mine=True)
    read = [json.loads(line) for line in (tmp_path / "table.json").read_text("utf-8").splitlines()]
    assert read[0].keys() == {"path", "category", "score", "source"}
    assert [one["path"] for one in read] == [str(row.path) for row in rows(animals)]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX names")
def test_any_name_can_be_written(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    name = 'a, "b"\n\udce9.png'
    paint(folder / "a.png").rename(folder / name)
    index(colours, folder)
    editing.add(colours, "Übung")
    judging.assign(colours, "Übung", [folder / name])
    write_table(colours, tmp_path / "table.csv", "csv")
    with (tmp_path / "table.csv").open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        assert [row["path"] for row in csv.DictReader(stream)] == [str(folder / name)]
    write_table(colours, tmp_path / "table.json", "json")
    assert json.loads((tmp_path / "table.json").read_text("utf-8"))["path"] == str(folder / name)


def test_a_place_that_cannot_be_written_is_told(animals: Library, tmp_path: Path) -> None:
    with pytest.raises(ClipsearchError, match="cannot be written"):
        write_table(animals, tmp_path / "nowhere" / "table.csv", "csv")
