"""Tables: every row comes out, whole or as damaged; what was written is read."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from pathlib import Path

import pytest

from training.curator import tables
from training.curator.tables import BadRow, Row, Writer
from training.errors import TrainingError


def rows_of(*paths: Path) -> list[dict[str, str] | str]:
    return [row.fields if isinstance(row, Row) else row.reason for row in tables.read(paths)]


def test_damaged_rows_do_not_end_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        b'\xef\xbb\xbffilepath,title\n1.png,"a, b"\n2.png\n\n3.png,caf\xe9\n4.png,n\0l\n5.png,"two\nlines"\n'
    )
    assert rows_of(path) == [
        {"filepath": "1.png", "title": "a, b"},
        "another number of fields than the header",
        {"filepath": "3.png", "title": "café"},
        {"filepath": "4.png", "title": "nl"},
        {"filepath": "5.png", "title": "two\nlines"},
    ]


def test_a_quote_that_never_ends_is_bad_and_passed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('filepath,title\n1.png,"open\n' + "".join(f"{n}.png,caption {n}\n" for n in range(20000)))
    found = rows_of(path)
    assert any(isinstance(row, str) and row.startswith("not CSV") for row in found)
    assert {"filepath": "19999.png", "title": "caption 19999"} in found


def test_jsonl_takes_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        '{"filepath": "1.png", "title": "a", "tags": ["x", "y"], "n": null}',
        "",
        "{broken",
        "[1]",
        "[" * 100_000,
        '{"title": "half \\ud83d a heart"}',
        '{"title": ' + "[" * 900 + "]" * 900 + "}",
    ]
    path.write_text("\n".join(lines))
    whole = {"filepath": "1.png", "title": "a", "tags": "x, y", "n": ""}
    found = rows_of(path)
    assert found[:4] == [whole, "not JSON", "not a JSON object", "not JSON"]
    assert found[4] == {"title": "half ? a heart"}
    assert found[5] in ({"title": ""}, "not JSON")


def test_tables_are_read_one_after_the_other_and_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('filepath\ttitle\n1.png\ta 12" pipe\n')
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(json.dumps({"filepath": "2.png", "title": "b"}) + "\n{\n")
    rows = list(tables.read([tmp_path / "a.tsv", tmp_path / "b.jsonl.gz"]))
    assert [row.number for row in rows] == [0, 1, 2]
    assert isinstance(rows[0], Row)
    assert rows[0].fields["title"] == 'a 12" pipe'
    assert rows[0].folder == tmp_path
    assert isinstance(rows[2], BadRow)
    assert rows[2].place == "row 2 (b.jsonl.gz)"


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_what_is_written_is_read(kind: str, tmp_path: Path) -> None:
    fields = {"filepath": "a, b.png", "title": 'ein "Café"'}
    with closing(Writer(tmp_path / f"a.{kind}", ["filepath", "title", "more"])) as table:
        table.write(fields)
        table.write({"title": "a\tb\r\nc", "unknown": "x"})
    told = "a b c" if kind == "tsv" else "a\tb\r\nc"
    assert rows_of(tmp_path / f"a.{kind}") == [{**fields, "more": ""}, {"filepath": "", "title": told, "more": ""}]


def test_other_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.csv.gz").write_bytes(b"no gzip")
    for name, told in [("a.txt", "is no table"), ("none.csv", "cannot be read"), ("bad.csv.gz", "cannot be read")]:
        with pytest.raises(TrainingError, match=told):
            list(tables.read([tmp_path / name]))
