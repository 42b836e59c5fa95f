from __future__ import annotations

import http.server
import json
import shutil
import sys
import tarfile
import threading
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest

from tests.pictures import jpeg
from tests.training.data.runs_of import archive, shard
from training.data.pairs import Pair
from training.data.sources.shards import MOST_LANES, Lane, Piece, lanes_of, read, urls_of
from training.errors import TrainingError
from training.run import Data

PICTURE = jpeg()


def keys(items: list[Pair | str]) -> list[str]:
    return [item.key.rpartition("/")[2] for item in items if isinstance(item, Pair)]


def told(items: list[Pair | str]) -> list[str]:
    return [item.rpartition("/")[2] for item in items if isinstance(item, str)]


def lane(folder: Path, counts: list[int], size: int, seed: int = 0) -> Lane:
    """Return a lane of shards with so many pairs each, numbered through."""
    starts = [sum(counts[:number]) for number in range(len(counts))]
    paths = [
        shard(folder / f"{number}.tar", range(start, start + count))
        for number, (start, count) in enumerate(zip(starts, counts, strict=True))
    ]
    return Lane([str(path) for path in paths], [], 0, size, seed, "title")


def numbers(pieces: Iterator[Piece], steps: int) -> list[list[int]]:
    return [[int(pair.text.split()[-1]) for pair in piece.pairs] for piece in islice(pieces, steps)]


def test_pairs_are_read_in_order_and_not_decoded(tmp_path: Path) -> None:
    items = list(read([str(shard(tmp_path / "a.tar", [3, 1])), str(shard(tmp_path / "b.tar", [3]))], "title"))
    assert keys(items) == ["0003", "0001", "0003"]
    assert len({item.key for item in items if isinstance(item, Pair)}) == 3
    assert items[1] == Pair(jpeg((7, 248, 50)), "picture number 1", f"{tmp_path / 'a.tar'}/0001")


def test_where_the_text_may_stand(tmp_path: Path) -> None:
    about = {"title": "by title", "caption": "by caption"}
    files = {
        "a.jpg": PICTURE, "a.json": json.dumps(about).encode(),
        "b.mask.png": b"?", "b.jpg": PICTURE, "b.json": json.dumps({"caption": "by caption"}).encode(),
        "c.webp": b"?", "c.caption": "Müller".encode("cp1252"),
        "d.cls": b"7", "d.JPG": PICTURE, "d.txt": b"",
    }  # fmt: skip
    pairs = [item for item in read([str(archive(tmp_path / "a.tar", files))], "title") if isinstance(item, Pair)]
    assert [pair.text for pair in pairs] == ["by title", "by caption", "Müller", ""]
    assert pairs[1].picture == PICTURE


def test_members_that_make_no_pair_are_told(tmp_path: Path) -> None:
    files = {
        "a.jpg": PICTURE, "b.txt": b"no picture", "c.jpg": PICTURE, "c.json": b"{broken", "d.jpg": PICTURE,
        "d.json": b"[]", "e.jpg": PICTURE, "e.txt": b"good", "README": b"passed over", "f.jpg": PICTURE, "f.txt": b"x",
    }  # fmt: skip
    items = list(read([str(archive(tmp_path / "x.tar", files))], "title"))
    assert keys(items) == ["e", "f"]
    assert told(items) == ["a: It has no text.", "b: It has no picture.", "c: It has no text.", "d: It has no text."]


def test_a_name_that_comes_twice_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", {"a.jpg": PICTURE, "a.txt": b"one"})
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("a.txt"))
    items = list(read([str(path)], "title"))
    assert (keys(items), len(told(items))) == (["a"], 1)
    assert "duplicate" in told(items)[0]


@pytest.mark.parametrize("cut", [0.9, 0.5, 0.02])
def test_of_a_truncated_archive_the_whole_pairs_are_used(cut: float, tmp_path: Path) -> None:
    whole = shard(tmp_path / "whole.tar", range(20)).read_bytes()
    with tarfile.open(tmp_path / "whole.tar") as tar:
        size = tar.getmembers()[-1].offset_data
    (tmp_path / "cut.tar").write_bytes(whole[: int(size * cut)])
    items = list(read([str(tmp_path / "cut.tar"), str(shard(tmp_path / "next.tar", [99]))], "title"))
    assert keys(items)[-1] == "0099"
    assert keys(items)[:-1] == [f"{number:04}" for number in range(len(keys(items)) - 1)]
    assert len(keys(items)) - 1 <= 20 * cut + 1
    assert sum(sentence.startswith("cut.tar: It is damaged") for sentence in told(items)) == 1


def test_a_damaged_heading_is_told_though_tarfile_is_silent(tmp_path: Path) -> None:
    data = bytearray(shard(tmp_path / "a.tar", range(6)).read_bytes())
    at = data.index(b"0003.jpg")
    data[at : at + 512] = b"\xaa" * 512
    (tmp_path / "a.tar").write_bytes(data)
    items = list(read([str(tmp_path / "a.tar")], "title"))
    assert keys(items) == ["0000", "0001", "0002"]
    assert len(told(items)) == 1
    assert "damaged" in told(items)[0]


def test_shards_that_are_none_cost_only_themselves(tmp_path: Path) -> None:
    (tmp_path / "empty.tar").write_bytes(b"")
    (tmp_path / "rubbish.tar").write_bytes(b"rubbish" * 1000)
    (tmp_path / "folder.tar").mkdir()
    names = ["none.tar", "empty.tar", "rubbish.tar", "folder.tar"]
    items = list(read([*(str(tmp_path / name) for name in names), str(shard(tmp_path / "a.tar", [1]))], "title"))
    assert keys(items) == ["0001"]
    assert [sentence.partition(":")[0] for sentence in told(items)] == names
    assert told(items)[0] == "none.tar: It cannot be read: No such file or directory."


def test_a_lane_gives_each_pair_once_a_round_in_ever_new_orders(tmp_path: Path) -> None:
    steps = numbers(lane(tmp_path, [5, 9, 3], 4).pieces(0), 12)
    rounds = [list(chain(*steps[at : at + 4])) for at in (0, 4, 8)]
    assert all(len(set(one)) == 16 for one in rounds)
    assert len({tuple(one) for one in rounds}) == 3
    assert rounds[0] != sorted(rounds[0])
    assert numbers(lane(tmp_path, [5, 9, 3], 4, seed=1).pieces(0), 4) != steps[:4]


@pytest.mark.parametrize("counts", [[5, 9, 3], [2], [4]])
def test_a_lane_goes_on_where_it_was(counts: list[int], tmp_path: Path) -> None:
    reader = lane(tmp_path, counts, 4)
    steps = numbers(reader.pieces(0), 12)
    assert all(numbers(reader.pieces(first), 12 - first) == steps[first:] for first in range(12))


def test_what_is_broken_is_told_again_in_each_round_at_the_same_step(tmp_path: Path) -> None:
    reader = lane(tmp_path, [5, 4], 4)
    archive(tmp_path / "1.tar", {"x.jpg": PICTURE, "y.jpg": PICTURE, "y.txt": b"number 8", "z.txt": b"?"})
    pieces = list(islice(reader.pieces(0), 9))
    assert [len(piece.told) for piece in pieces[:3]] == [2, 2, 2]
    assert list(islice(reader.pieces(5), 4)) == pieces[5:]


def test_a_lane_with_fewer_pairs_than_a_step_needs_repeats_them(tmp_path: Path) -> None:
    for step in numbers(lane(tmp_path, [2, 1], 7).pieces(0), 3):
        assert sorted(step[:3]) == sorted(step[3:6]) == [0, 1, 2]


def test_nothing_in_any_shard_is_an_error(tmp_path: Path) -> None:
    empty = Lane([str(tmp_path / "none.tar")], [str(tmp_path / "neither.tar")], 0, 4, 0, "title")
    with pytest.raises(TrainingError, match=r"No pair could be read.*none[.]tar: It cannot be read: No such file"):
        next(empty.pieces(3))


def test_a_lane_without_a_pair_goes_through_all_others_and_on_where_it_was(tmp_path: Path) -> None:
    others = lane(tmp_path, [5, 9, 3], 4).urls
    reader = Lane([str(tmp_path / "none.tar")], others, 0, 4, 0, "title")
    pieces = list(islice(reader.pieces(0), 12))
    rounds = [list(chain(*(piece.pairs for piece in pieces[at : at + 4]))) for at in (0, 4, 8)]
    assert all(len({pair.key for pair in one}) == 16 for one in rounds)
    assert all(list(islice(reader.pieces(first), 12 - first)) == pieces[first:] for first in range(12))
    sentences = told(list(chain(*(piece.told for piece in pieces[:4]))))
    assert sentences == [
        "none.tar: It cannot be read: No such file or directory.",
        "none.tar: No pair could be read; the process's other shards are read instead.",
    ]
    shard(tmp_path / "none.tar", range(100, 104))
    assert sorted(numbers(reader.pieces(0), 1)[0]) == [100, 101, 102, 103]


@pytest.mark.parametrize(
    ("shards", "world", "batch", "uneven"),
    [(20, 1, 32, 1), (20, 1, 512, 1.1), (20, 2, 64, 1.17), (17, 1, 256, 1.1), (37, 1, 64, 1.2), (100, 4, 400, 1)],
)
def test_each_shard_of_a_process_comes_as_often(shards: int, world: int, batch: int, uneven: float) -> None:
    data = Data("shards", f"s-{{0..{shards - 1}}}.tar")
    for rank in range(world):
        lanes = lanes_of(data, rank, world, batch, 0)
        rates = [lane.size / len(lane.urls) for lane in lanes]
        assert max(rates) / min(rates) <= uneven
        assert len(lanes) >= 4


def test_no_lane_is_without_shards_or_places() -> None:
    for shards in range(1, 60):
        data = Data("shards", f"s-{{0..{shards - 1}}}.tar")
        for batch in range(1, 60):
            assert all(lane.size and lane.urls for lane in lanes_of(data, 0, 1, batch, 0))


@pytest.mark.parametrize(("shards", "world", "batch"), [(7, 1, 10), (7, 2, 10), (64, 2, 48), (3, 3, 3), (100, 4, 8)])
def test_lanes_share_all_shards_and_all_places(shards: int, world: int, batch: int) -> None:
    data = Data("shards", f"s-{{0..{shards - 1}}}.tar")
    lanes = [lane for rank in range(world) for lane in lanes_of(data, rank, world, batch, 0)]
    assert sorted(url for lane in lanes for url in lane.urls) == sorted(urls_of(data.path))
    assert [place for lane in lanes for place in range(lane.first, lane.first + lane.size)] == list(range(batch))
    for rank in range(world):
        own = lanes_of(data, rank, world, batch, 0)
        assert own[0].first == rank * batch // world
        assert sum(lane.size for lane in own) == batch // world
        assert len(own) <= MOST_LANES
        assert len({len(lane.urls) + len(lane.others) for lane in own}) == 1


def test_each_process_needs_a_shard() -> None:
    with pytest.raises(TrainingError, match="4 processes need as many shards or more, not 3"):
        lanes_of(Data("shards", "s-{0..2}.tar"), 0, 4, 8, 0)


def test_names_of_shards(tmp_path: Path) -> None:
    for name in ("b-1.tar", "b-0.tar", "c.tar"):
        (tmp_path / name).touch()
    there = [str(tmp_path / name) for name in ("b-0.tar", "b-1.tar")]
    assert urls_of(f"{tmp_path}/b-*.tar") == there
    assert urls_of(f"{tmp_path}/b-{{0..1}}.tar::pipe:cat *.tar") == [*there, "pipe:cat *.tar"]
    assert urls_of("gs://bucket/{000..002}.tar")[-1] == "gs://bucket/002.tar"
    for wrong, sentence in ((f"{tmp_path}/d-*.tar", "no shards"), ("", "no shards"), ("${NONE}.tar", "not understood")):
        with pytest.raises(TrainingError, match=sentence):
            urls_of(wrong)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no cat")
def test_a_program_may_fetch_shards(tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", [1, 2])
    items = list(read([f"pipe:cat '{tmp_path}/a.tar'", "pipe:exit 3"], "title"))
    assert keys(items) == ["0001", "0002"]
    assert told(items) == ["pipe:exit 3: The program that fetches it ended with status 3."]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the webdataset library fetches with curl")
def test_a_server_may_have_shards(tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", [1, 2])

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_address[1]}"
        items = list(read([f"{there}/a.tar", f"{there}/none.tar"], "title"))
        server.shutdown()
    assert keys(items) == ["0001", "0002"]
    assert told(items) == ["none.tar: The program that fetches it ended with status 22."]
