from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from tests.pictures import jpeg
from tests.training.data.runs_of import archive, run_of, shard
from training.data.pairs import Pair
from training.data.sources import resampling
from training.data.sources.resampling import (
    ROUND_PAIRS,
    ROUND_SHARDS,
    ResampledLane,
    most_pairs,
    resampled_lanes_of,
)
from training.data.sources.shards import MOST_LANES, SHUFFLED, Piece, read
from training.errors import TrainingError
from training.run import Data, check

SMALL = jpeg()


def shards(folder: Path, counts: list[int]) -> list[str]:
    """Write shards with so many pairs each, named and captioned by their own number and the pair's."""
    paths = []
    for number, count in enumerate(counts):
        files = {}
        for pair in range(count):
            files |= {f"{pair:05}.jpg": SMALL, f"{pair:05}.txt": f"{number} {pair}".encode()}
        paths.append(str(archive(folder / f"{number}.tar", files)))
    return paths


def lane(urls: list[str], size: int = 4, shard_pairs: int = 8, round_steps: int = 9, seed: int = 0) -> ResampledLane:
    return ResampledLane(urls, 0, size, seed, "title", shard_pairs, round_steps)


def first(pieces: Iterator[Piece], steps: int) -> list[Piece]:
    return list(islice(pieces, steps))


def texts(pieces: list[Piece]) -> list[str]:
    return [pair.text for piece in pieces for pair in piece.pairs]


@pytest.mark.parametrize("counts", [[5, 9, 3], [2]])
def test_a_lane_goes_on_at_any_step_as_if_it_had_never_stopped(counts: list[int], tmp_path: Path) -> None:
    reader = lane(shards(tmp_path, counts))
    steps = first(reader.pieces(0), 20)
    assert all(len(piece.pairs) == 4 for piece in steps)
    assert all(first(reader.pieces(step), 20 - step) == steps[step:] for step in range(0, 20, 3))


def test_each_round_and_each_seed_has_its_own_order(tmp_path: Path) -> None:
    urls = shards(tmp_path, [20, 20])
    steps = first(lane(urls).pieces(0), 27)
    orders = [tuple(texts(steps[at : at + 9])) for at in (0, 9, 18)]
    orders.append(tuple(texts(first(lane(urls, seed=1).pieces(0), 9))))
    assert len(set(orders)) == 4


def test_to_go_on_late_reads_no_more_than_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, opened = lane(shards(tmp_path, [60] * 3), shard_pairs=60, round_steps=60), []

    def counted(urls: Sequence[str], text_key: str) -> Iterator[Pair | str]:
        opened.extend(urls)
        return read(urls, text_key)

    monkeypatch.setattr(resampling, "read", counted)
    next(reader.pieces(60 * 10**9 + 59))
    assert len(opened) <= (60 + 4 * 60 + SHUFFLED) / 60 + 1  # left out, a round's, in the buffer


def test_shards_come_about_as_often_and_so_do_the_pairs_in_them(tmp_path: Path) -> None:
    urls = shards(tmp_path, [100] * 6)
    reader = lane(urls, size=20, shard_pairs=100, round_steps=ROUND_SHARDS * 5)
    seen = [text.split() for text in texts(first(reader.pieces(0), 20 * 40))]
    by_shard = Counter(number for number, _ in seen)
    assert len(by_shard) == 6
    assert max(by_shard.values()) / min(by_shard.values()) < 1.5  # 160 shards are drawn
    by_place = Counter(int(pair) // 25 for _, pair in seen)
    assert max(by_place.values()) / min(by_place.values()) < 1.2


def test_broken_shards_and_members_are_told_and_the_others_drawn(tmp_path: Path) -> None:
    urls = [*shards(tmp_path, [30, 30]), str(tmp_path / "none.tar")]
    urls.append(str(archive(tmp_path / "rubbish.tar", {"a.jpg": SMALL, "b.txt": b"x"})))
    with tarfile.open(urls[1]) as tar:
        middle = tar.getmembers()[30].offset_data + 100
    Path(urls[1]).write_bytes(Path(urls[1]).read_bytes()[:middle])
    reader = lane(urls, shard_pairs=30, round_steps=300)
    steps = first(reader.pieces(0), 300)
    told = " ".join(sentence for piece in steps for sentence in piece.told)
    assert {text.split()[0] for text in texts(steps)} == {"0", "1"}
    assert told.count("none.tar") == told.count("rubbish.tar/a: It has no text") == 1  # no more in a round
    assert "1.tar: It is damaged" in told
    assert first(reader.pieces(250), 50) == steps[250:]


def test_where_all_shards_are_broken_the_lane_ends(tmp_path: Path) -> None:
    urls = [str(tmp_path / f"{number}.tar") for number in range(50)]
    with pytest.raises(TrainingError, match=r"No pair could be read.*It cannot be read: No such file"):
        next(lane(urls).pieces(3))
    with pytest.raises(TrainingError, match="No pair could be read"):
        resampled_lanes_of(Data("shards", f"{tmp_path}/{{0..49}}.tar"), 0, 1, 8, 0)


def test_what_stands_for_bad_pairs_comes_from_several_shards(tmp_path: Path) -> None:
    reader = lane(shards(tmp_path, [70, 70, 70]))
    some = [pair.text.split()[0] for pair in islice(reader.borrowed(3), 60)]
    assert set(some) == {"0", "1", "2"}
    assert [pair.text.split()[0] for pair in islice(reader.borrowed(3), 60)] == some


def test_one_short_shard_does_not_make_rounds_short(tmp_path: Path) -> None:
    urls = [*shards(tmp_path, [2, 70, 70]), str(tmp_path / "none.tar")]
    assert all(most_pairs(urls, "title", Random(seed)) == 70 for seed in range(5))


@pytest.mark.parametrize(("world", "batch"), [(1, 10), (2, 10), (3, 120), (4, 4)])
def test_lanes_share_all_places_and_each_has_all_shards(world: int, batch: int, tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", range(6))
    data = Data("shards", str(path), resampled=True)
    lanes = [lane for rank in range(world) for lane in resampled_lanes_of(data, rank, world, batch, 0)]
    assert [place for lane in lanes for place in range(lane.first, lane.first + lane.size)] == list(range(batch))
    assert all(lane.urls == [str(path)] for lane in lanes)
    assert len(lanes) == world * min(MOST_LANES, batch // world)
    assert all(0 <= lane.round_steps * lane.size - ROUND_PAIRS < lane.size for lane in lanes)


def test_only_shards_can_be_resampled() -> None:
    check(run_of("shards", "a.tar", resampled=True))
    with pytest.raises(TrainingError, match=r"data\.resampled is for shards"):
        check(run_of("scenes", resampled=True))
