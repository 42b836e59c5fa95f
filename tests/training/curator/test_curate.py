"""The whole way from damaged tables to a set: what is kept, what is told, and that nothing half-made is left."""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from clipsearch.errors import ClipsearchError
from tests.training.curator.test_pictures import drawing, recompressed
from training.__main__ import STARTER, main
from training.curator.curate import Form, curate
from training.curator.queries import Query
from training.curator.settings import Settings
from training.curator.tables import Row, read
from training.data.sources.tables import Table
from training.errors import TrainingError

QUERIES = [Query("dog", "word", 5), Query("red cat", "bigram", 2), Query("horse", "word", 1)]
CAPTIONS = ["a dog", "the dog runs", "a red cat", "a red dog", "a cat", "x", "a dog in the snow"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for number in range(len(CAPTIONS)):
        drawing(number).save(tmp_path / f"{number}.png")
    rows = [[f"{number}.png", caption, "sketch"] for number, caption in enumerate(CAPTIONS)]
    return write(tmp_path / "pairs.csv", rows)


def write(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["filepath", "title", "style"], *rows])
    return path


def kept(out: Path) -> list[str]:
    return [row.fields["title"] for row in read([out / "pairs.csv"]) if isinstance(row, Row)]


def test_keeps_what_a_query_asks_for(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = curate([table], QUERIES, out, Settings(), Form(shards=True))
    assert kept(out) == ["a dog", "the dog runs", "a red cat", "a red dog", "a dog in the snow"]
    rows = [row.fields for row in read([out / "pairs.csv"]) if isinstance(row, Row)]
    assert rows[2] == {
        "filepath": str((tmp_path / "2.png").resolve()),
        "title": "a red cat",
        "style": "sketch",
        "queries": "red cat",
    }
    assert report["rows"] == 7
    assert report["pairs"] == 5
    assert report["queries"] == {"all": 3, "found": 2, "kept": 2}
    assert report["most_frequent_queries"][0] == {"query": "dog", "found": 4, "kept": 4}
    assert json.loads((out / "report.json").read_text("utf-8")) == report
    assert "no query in the caption; such as row 4 (a cat)" in (out / "report.txt").read_text("utf-8")


def test_shards_hold_the_files_and_captions(table: Path, tmp_path: Path) -> None:
    curate([table], QUERIES, tmp_path / "out", Settings(), Form("jsonl", shards=True))
    with tarfile.open(tmp_path / "out/shards/00000.tar") as shard:
        held = {member.name: shard.extractfile(member) for member in shard.getmembers()}
        assert sorted(held)[:3] == ["000000000.json", "000000000.png", "000000000.txt"]
        picture, text = held["000000001.png"], held["000000001.txt"]
        assert picture
        assert text
        assert picture.read() == (tmp_path / "1.png").read_bytes()
        assert text.read() == b"the dog runs"
    assert (tmp_path / "out/pairs.jsonl").read_text("utf-8").count("\n") == 5


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_a_run_reads_the_set(kind: str, table: Path, tmp_path: Path) -> None:
    curate([table], QUERIES, tmp_path / "out", Settings(), Form(kind))
    source = Table(tmp_path / f"out/pairs.{kind}", "filepath", "title")
    assert source.count == 5
    assert [source.pair(number).text for number in (0, 4)] == ["a dog", "a dog in the snow"]
    assert source.pair(4).picture == (tmp_path / "6.png").resolve()


def test_each_loss_is_told_once_and_the_steps_add_up(table: Path, tmp_path: Path) -> None:
    recompressed(drawing(0)).save(tmp_path / "copy.jpg")
    Image.new("RGB", (8, 8)).save(tmp_path / "small.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    bad = [["copy.jpg", "dog again", ""], ["small.png", "dog", ""], ["broken.png", "dog", ""], ["gone.png", "dog", ""]]
    bad.append([f"{'long' * 1000}.png", "dog", ""])
    more = write(tmp_path / "more.csv", [*bad, ["", "dog", ""], ["0.png"], ["0.png", "der Hund ist dog und die", ""]])
    report = curate([table, more], QUERIES, tmp_path / "out", Settings(language="en"))
    lost = {reason: count for step in report["steps"] for reason, count in step["lost"].items()}
    assert lost == {
        "another number of fields than the header": 1,
        "caption is too short": 1,
        "no picture is named": 1,
        "caption is of another language": 1,
        "no query in the caption": 1,
        "picture is too small": 1,
        "picture cannot be read": 1,
        "picture is not there": 2,
        "picture is there already": 1,
    }
    assert report["rows"] - sum(lost.values()) == report["pairs"] == report["steps"][-1]["left"] == 5
    assert kept(tmp_path / "out") == ["a dog", "the dog runs", "a red cat", "a red dog", "a dog in the snow"]


@pytest.mark.parametrize("balance", ["reservoir", "probability"])
def test_frequent_queries_keep_their_share_and_rare_ones_all(balance: str, table: Path, tmp_path: Path) -> None:
    rows = [["2.png", f"red cat {number}" if number % 50 == 0 else f"dog {number}", ""] for number in range(500)]
    settings = Settings(pairs_per_query=20, balance=balance, duplicates="none", seed=3)  # type: ignore[arg-type]
    many = write(tmp_path / "many.csv", rows)
    report = curate([many], QUERIES, tmp_path / "out", settings)
    assert report["most_frequent_queries"][0]["found"] == 490
    assert report["most_frequent_queries"][1] == {"query": "red cat", "found": 10, "kept": 10}
    assert 8 <= report["most_frequent_queries"][0]["kept"] <= 36
    curate([many], QUERIES, tmp_path / "again", settings)
    assert (tmp_path / "again/pairs.csv").read_bytes() == (tmp_path / "out/pairs.csv").read_bytes()


def test_a_caption_that_stands_everywhere_is_kept_so_often(table: Path, tmp_path: Path) -> None:
    rows = [[f"{number % 7}.png", "Dog!" if number % 2 else "dog", ""] for number in range(7)]
    report = curate([write(tmp_path / "same.csv", rows)], QUERIES, tmp_path / "out", Settings(same_text=3))
    assert report["pairs"] == 3


def test_a_model_scores_pairs_and_finds_doubles(table: Path, tmp_path: Path) -> None:
    drawing(0).save(tmp_path / "copy.jpg", quality=95)
    more = write(tmp_path / "more.csv", [["copy.jpg", "dog again", ""]])
    settings = Settings(model=STARTER, duplicates="vectors", same_cosine=0.92)
    report = curate([table, more], QUERIES, tmp_path / "out", settings)
    assert report["steps"][-1]["lost"] == {"picture is there already": 1}
    scores = [float(row.fields["score"]) for row in read([tmp_path / "out/pairs.csv"]) if isinstance(row, Row)]
    assert len(report["score_deciles"]) == 9
    middle = sorted(scores)[2]
    strict = Settings(model=STARTER, least_score=middle - 1e-4)
    assert curate([table], QUERIES, tmp_path / "strict", strict)["pairs"] == 3


def test_nothing_half_made_is_left_or_taken(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr("training.curator.queries.write", _fail)
    with pytest.raises(TrainingError, match=r"it cannot be made: disk full"):
        curate([table], QUERIES, out / "in" / "it", Settings())
    assert not list(tmp_path.glob("out*"))
    monkeypatch.undo()
    curate([table], QUERIES, out, Settings())
    assert sorted(path.name for path in out.iterdir()) == ["pairs.csv", "queries.tsv", "report.json", "report.txt"]
    assert not (tmp_path / "out.part").exists()


def _fail(*_: object) -> None:
    raise OSError("disk full")


def test_what_cannot_be_done_is_one_sentence(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cases = [
        ([table], QUERIES, Settings(text_column="caption"), "columns filepath and caption.*a column is missing"),
        ([table], [Query("zebra", "word")], Settings(), "no query in the caption"),
        ([table], [], Settings(), "no query"),
        ([table], QUERIES, Settings(duplicates="vectors"), "--model"),
        ([table], QUERIES, Settings(workers=0), "workers cannot be 0"),
        ([table], QUERIES, Settings(pairs_per_query=-1), "pairs_per_query cannot be -1"),
        ([table], QUERIES, Settings(model=STARTER, least_score=2), "caption and picture disagree, as in row 0"),
        ([table], QUERIES, Settings(model=tmp_path), "."),
        ([tmp_path / "none.csv"], QUERIES, Settings(), "cannot be read"),
    ]
    for sources, queries, settings, told in cases:
        with pytest.raises(ClipsearchError, match=told):
            curate(sources, queries, out, settings)
    assert not list(tmp_path.glob("out*"))
    with pytest.raises(TrainingError, match="there already"):
        curate([table], QUERIES, tmp_path, Settings())
    with pytest.raises(TrainingError, match=r"Nothing can be written into .*out: Not a directory"):
        curate([table], QUERIES, table / "out", Settings())


def test_the_command_makes_queries_of_texts_names_and_captions(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("a dog and a dog and a cow\n")
    (tmp_path / "names.txt").write_text("Red Cat\n")
    texts = ["--texts", str(tmp_path / "text.txt"), "--least-count", "2", "--names", str(tmp_path / "names.txt")]
    main(["curate", str(table), "--out", str(tmp_path / "out"), *texts, "--most-queries", "5"])
    listed = [line.split("\t")[0] for line in (tmp_path / "out/queries.tsv").read_text("utf-8").splitlines()]
    assert listed == ["a", "and", "dog", "red cat"]
    assert "6  pairs in the set" in capsys.readouterr().out
    main(["curate", str(table), "--out", str(tmp_path / "own"), "--least-count", "4"])
    assert (tmp_path / "own/queries.tsv").read_text("utf-8").startswith("a\tword\t5\ndog\tword\t4\n")


def test_the_command_says_what_is_missing(table: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--out"):
        main(["curate", str(table)])
    with pytest.raises(TrainingError, match="table of pairs"):
        main(["curate", "--out", str(tmp_path / "out")])
    for options in (["--most-queries", "0"], ["--least-count", "0"], ["--workers", "0"]):
        with pytest.raises(TrainingError, match=f"{options[0][2:].replace('-', '_')} cannot be"):
            main(["curate", str(tmp_path / "not looked at"), "--out", str(tmp_path / "out"), *options])
