from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
from pathlib import Path
from types import ModuleType

import pytest

from training.data.sources.tables import Table
from training.errors import TrainingError

HEAD = "filepath,title\n"


def read(folder: Path, data: str | bytes, name: str = "pairs.csv") -> Table:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return Table(folder / name, "filepath", "title")


def texts(table: Table) -> list[str]:
    assert table.count is not None
    return [table.pair(number).text for number in range(table.count)]


def test_paths_are_relative_to_the_table(tmp_path: Path) -> None:
    table = read(tmp_path, f"title,extra,filepath\na dog,1,sub/dog.jpg\nabsolute,2,{tmp_path / 'cat.jpg'}\n")
    assert [table.pair(number).picture for number in range(2)] == [tmp_path / "sub/dog.jpg", tmp_path / "cat.jpg"]
    assert (texts(table), table.pair(0).key, table.told) == (["a dog", "absolute"], "sub/dog.jpg", [])


def test_csv_quotes_and_lines_in_quotes(tmp_path: Path) -> None:
    table = read(tmp_path, HEAD + 'a.jpg,"one, ""two""\nthree"\r\n\nb.jpg,\n')
    assert texts(table) == ['one, "two"\nthree', ""]


def test_a_quote_in_tsv_is_a_character(tmp_path: Path) -> None:
    table = read(tmp_path, 'filepath\ttitle\na.jpg\t"hello\nb.jpg\ta 12" disc\n', "pairs.tsv")
    assert texts(table) == ['"hello', 'a 12" disc']


def test_jsonl(tmp_path: Path) -> None:
    lines = [
        '{"title": "a dog", "filepath": "a.jpg", "more": {}}',
        "",
        '{"filepath": "b.jpg", "title": "\\ud83d\\ude00 \\ud800"}',
    ]
    assert texts(read(tmp_path, "\n".join(lines), "pairs.jsonl")) == ["a dog", "😀 \ud800"]


@pytest.mark.parametrize(
    "data",
    [
        (HEAD + "a.jpg,Müller – 犬\n").encode(),
        (HEAD + "a.jpg,Müller – 犬\n").encode("utf-8-sig"),
        (HEAD + "a.jpg,Müller – 犬\n").encode("utf-16"),
    ],
)
def test_unicode_in_its_usual_forms(data: bytes, tmp_path: Path) -> None:
    assert texts(read(tmp_path, data)) == ["Müller – 犬"]


def test_lines_that_are_not_utf8_are_windows_latin(tmp_path: Path) -> None:
    data = HEAD.encode() + "a.jpg,Müller “x”\n".encode("cp1252") + "b.jpg,Müller 犬\n".encode() + b"c.jpg,\x81\x8d\n"
    assert texts(read(tmp_path, data))[:2] == ["Müller “x”", "Müller 犬"]


def test_long_captions_are_kept(tmp_path: Path) -> None:
    assert texts(read(tmp_path, HEAD + "a.jpg," + "word " * 2000))[0] == "word " * 2000


def test_broken_lines_are_told_and_the_others_used(tmp_path: Path) -> None:
    data = HEAD + "a.jpg,good\nb.jpg\nc.jpg,one,two\n" + "d.jpg," + "x" * 140_000 + "\ne.jpg,nul\0ed\n"
    table = read(tmp_path, data)
    assert texts(table) == ["good", "nuled"]
    assert table.told[0] == "pairs.csv, line 3: another number of fields than the header."
    assert [sentence.split(":")[0] for sentence in table.told] == [f"pairs.csv, line {n}" for n in (3, 4, 5)]


def test_broken_json_is_told(tmp_path: Path) -> None:
    lines = [
        '{"filepath": "a.jpg", "title": "good"}',
        '{"filepath": "b.jpg"',
        "[1]",
        '{"filepath": "c.jpg", "title": 3}',
    ]
    table = read(tmp_path, "\n".join([*lines, "[" * 100_000]), "pairs.jsonl")
    assert (texts(table), len(table.told)) == (["good"], 4)
    assert "line 4: no texts 'filepath' and 'title'" in table.told[2]


def test_of_many_broken_lines_the_first_are_told_and_all_counted(tmp_path: Path) -> None:
    table = read(tmp_path, HEAD + "a.jpg,good\n" + "bad\n" * 1500)
    assert len(table.told) == 1500
    assert len(set(table.told)) == 21
    assert table.told[-1] == "Another one like these."


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (
            "path,caption\na.jpg,x\n",
            "pairs.csv",
            "must name the columns 'filepath' and 'title'.* it names 'path', 'caption'",
        ),
        (HEAD, "pairs.csv", "has no line that could be used[.]"),
        (HEAD + "a\nb\n", "pairs.csv", "has no line that could be used .pairs.csv, line 2: another number"),
        ("", "pairs.csv", "has no line"),
        ("", "pairs.parquet", "its name must end in .csv, .tsv, .jsonl"),
        (b"\xff\xd8\xff\xe0 no table" * 9, "pairs.csv", "must name the columns"),
    ],
)
def test_tables_that_cannot_be_used(data: str | bytes, name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=told):
        read(tmp_path, data, name)


@pytest.mark.parametrize("packed", [gzip, bz2, lzma])
def test_tables_may_be_packed(packed: ModuleType, tmp_path: Path) -> None:
    suffix = {gzip: "gz", bz2: "bz2", lzma: "xz"}[packed]
    assert texts(read(tmp_path, packed.compress((HEAD + "a.jpg,good\n").encode()), f"pairs.csv.{suffix}")) == ["good"]
    with pytest.raises(TrainingError, match="cannot be read"):
        read(tmp_path, packed.compress(HEAD.encode() * 99)[:-12], f"cut.csv.{suffix}")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read: No such file"):
        Table(tmp_path / "none.csv", "filepath", "title")


def test_a_table_crosses_to_workers(tmp_path: Path) -> None:
    table = read(tmp_path, HEAD + "a.jpg,x\n")
    assert pickle.loads(pickle.dumps(table)).pair(0) == table.pair(0)
