from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.data.runs_of import run_of, shard, table
from training.data.batches import run_texts
from training.data.sources.folders import Folder
from training.data.sources.opening import open_source, some_texts
from training.data.sources.rendered import Rendered
from training.data.sources.tables import Table
from training.errors import TrainingError


def test_each_kind_has_its_source(tmp_path: Path) -> None:
    path = table(tmp_path, 2)
    kinds = {"table": path, "folder": tmp_path, "scenes": ""}
    assert [type(open_source(run_of(kind, path))) for kind, path in kinds.items()] == [Table, Folder, Rendered]


@pytest.mark.parametrize("kind", ["table", "folder", "library"])
def test_a_run_must_say_where_its_pairs_are(kind: str) -> None:
    with pytest.raises(TrainingError, match=f"a run from a {kind} needs data.path|A run from a {kind} needs data.path"):
        open_source(run_of(kind))


def test_scenes_are_those_of_the_runs_seed() -> None:
    some, others = open_source(run_of("scenes", seed=1)), open_source(run_of("scenes", seed=2))
    assert some.count is None
    assert [some.pair(number).text for number in range(20)] == list(some.texts(20))
    assert list(some.texts(20)) != list(others.texts(20))


def test_texts_come_from_all_over_a_source(tmp_path: Path) -> None:
    source = open_source(run_of("table", table(tmp_path, 9)))
    assert list(source.texts(3)) == [f"picture number {number}" for number in (0, 3, 6)]
    assert len(list(source.texts(100))) == 9


def test_texts_of_shards(tmp_path: Path) -> None:
    for number in range(2):
        shard(tmp_path / f"{number}.tar", [number, 5], {"bad.jpg": b""})
    texts = list(some_texts(run_of("shards", f"{tmp_path}/{{0..1}}.tar")))
    assert texts == [f"picture number {number}" for number in (0, 5, 1, 5)]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "s3://bucket/{0..1}.tar",
            r"s3://bucket/0[.]tar: Nothing here opens such an address; name a program",
        ),
        ("none-{0..1}.tar", "none-0[.]tar: It cannot be read: No such file"),
        ("silent.tar", r"No text could be read from the shards silent[.]tar [(].*silent[.]tar/x: It has no text"),
    ],
)
def test_shards_without_a_text_say_why(name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shard(tmp_path / "silent.tar", [], {"x.jpg": b"x"})
    with pytest.raises(TrainingError, match=told):
        run_texts(run_of("shards", name))
