from __future__ import annotations

import multiprocessing
import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from clipsearch.encode.preprocess import normalise, to_square
from clipsearch.files.decode import decode
from clipsearch.model import config
from tests.pictures import black_png, jpeg, paint, truncated_jpeg
from tests.training.data.runs_of import (
    NETWORK,
    SIZE,
    archive,
    assert_same,
    batches_of,
    joined,
    run_of,
    shard,
    table,
    texts_of,
    with_workers,
)
from training.data.batches import open_batches, run_texts
from training.data.pairs import Batch
from training.data.variations import preprocessing
from training.errors import TrainingError
from training.run import Run, Text


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of each kind of source, each with some bad pairs."""
    folder = tmp_path_factory.mktemp("sources")
    path = table(folder, 23)
    with path.open("a", encoding="utf-8") as file:
        file.write("none.png,a missing picture\n0.png,   \nbroken line\n")
    for number in range(8):
        paint(folder / "folder" / f"{number}.png", (number * 30, 0, 99))
        (folder / "folder" / f"{number}.txt").write_text(f"picture number {number}")
    (folder / "folder" / "5.png").write_bytes(truncated_jpeg())
    for number in range(4):
        extra = {"9998.jpg": b"rubbish", "9998.txt": b"bad", "9999.txt": b"alone"}
        shard(folder / f"{number}.tar", range(number * 10, number * 10 + 5 + number), extra)
    return {
        "table": run_of("table", path, augment="crop-and-flip", least_scale=0.5, self_supervision=1.0),
        "folder": run_of("folder", folder / "folder", batch_size=2),
        "shards": run_of("shards", f"{folder}/{{0..3}}.tar", batch_size=10, self_supervision=1.0),
        "resampled": run_of("shards", f"{folder}/{{0..3}}.tar", batch_size=10, resampled=True),
        "scenes": run_of("scenes", seed=4),
    }


SPLIT = ["table", "folder", "shards", "scenes"]
KINDS = pytest.mark.parametrize("kind", [*SPLIT, "resampled"])


def numbers(batch: Batch) -> list[str]:
    """Tell the pairs of a batch apart."""
    return [str(row.tolist()) for row in batch.tokens]


@KINDS
def test_the_number_of_workers_changes_nothing(kind: str, runs: dict[str, Run]) -> None:
    expected = batches_of(runs[kind], 9)
    assert len(expected[0]) == runs[kind].loop.batch_size
    assert expected[0].pixels.shape[1:] == (3, SIZE, SIZE)
    assert_same(batches_of(with_workers(runs[kind], 2), 9), expected)


@KINDS
def test_a_run_goes_on_at_any_step(kind: str, runs: dict[str, Run]) -> None:
    expected = batches_of(runs[kind], 12)
    for first in (1, 5, 11):
        assert_same(batches_of(runs[kind], 12 - first, first=first), expected[first:])


@pytest.mark.parametrize("kind", ["table", "shards", "resampled"])
def test_workers_go_on_at_any_step(kind: str, runs: dict[str, Run]) -> None:
    expected = batches_of(runs[kind], 8)
    assert_same(batches_of(with_workers(runs[kind], 3), 5, first=3), expected[3:])


@pytest.mark.parametrize("kind", SPLIT)
def test_two_processes_get_the_halves_of_what_one_gets(kind: str, runs: dict[str, Run]) -> None:
    halves = [batches_of(runs[kind], 6, rank, 2) for rank in range(2)]
    assert_same([joined(parts) for parts in zip(*halves, strict=True)], batches_of(runs[kind], 6))


def test_two_processes_may_share_a_single_shard_that_is_resampled(runs: dict[str, Run], tmp_path: Path) -> None:
    run = run_of("shards", shard(tmp_path / "a.tar", range(40)), batch_size=8, resampled=True)
    one, other = (batches_of(run, 5, rank, 2) for rank in range(2))
    assert all(len(batch) == 4 for batch in [*one, *other])
    assert [numbers(batch) for batch in one] != [numbers(batch) for batch in other]
    assert_same(batches_of(with_workers(run, 2), 3, 1, 2, first=2), other[2:])
    with pytest.raises(TrainingError, match="2 processes need as many shards"):
        batches_of(run_of("shards", tmp_path / "a.tar", batch_size=8), 1, 0, 2)


def test_another_seed_gives_other_batches(runs: dict[str, Run]) -> None:
    other = msgspec.structs.replace(runs["table"], seed=1)
    assert not torch.equal(batches_of(other, 1)[0].pixels, batches_of(runs["table"], 1)[0].pixels)


@pytest.mark.parametrize("kind", ["table", "shards"])
def test_no_pair_stands_twice_in_a_batch_though_some_are_bad(kind: str, runs: dict[str, Run]) -> None:
    run = msgspec.structs.replace(runs[kind], text=Text("learned", NETWORK.text.vocab_size, 8))
    told = []
    for batch in batches_of(run, 15):
        assert len(set(numbers(batch))) == len(batch)
        told += batch.bad
    assert told


def test_what_is_bad_is_told_by_name(runs: dict[str, Run]) -> None:
    told = {sentence for batch in batches_of(runs["table"], 12) for sentence in batch.bad}
    assert told == {
        "pairs.csv, line 27: another number of fields than the header.",
        "none.png: The file is no longer there.",
        "0.png: it has no text.",
    }
    shards = [sentence for batch in batches_of(runs["shards"], 4) for sentence in batch.bad]
    assert sum("9998: This is not a picture" in sentence for sentence in shards) >= 4
    assert sum("9999: It has no picture." in sentence for sentence in shards) >= 4


def test_a_source_is_seen_evenly(runs: dict[str, Run]) -> None:
    plain = msgspec.structs.replace(runs["folder"], seed=3)
    seen = [number for batch in batches_of(plain, 4 * 7) for number in numbers(batch)]
    counts = [seen.count(number) for number in set(seen)]
    assert len(counts) == 7  # one of the eight is broken
    assert min(counts) >= 7


def test_a_source_smaller_than_a_batch_repeats_its_pairs(tmp_path: Path) -> None:
    batch = batches_of(run_of("table", table(tmp_path, 3), batch_size=8), 2)[1]
    assert (len(batch), len(set(numbers(batch)))) == (8, 3)


def test_without_augmentation_the_model_sees_what_the_program_will(tmp_path: Path) -> None:
    path = paint(tmp_path / "a.jpg", (3, 99, 200), (300, 200))
    (tmp_path / "t.csv").write_text(f"filepath,title\n{path.name},a text\n")
    batch = batches_of(run_of("table", tmp_path / "t.csv", augment="none", batch_size=1), 1)[0]
    spec = preprocessing(NETWORK)
    expected = normalise(to_square(decode(path, spec.size).image, spec)[None], spec)
    assert batch.pixels.dtype == torch.uint8
    assert np.array_equal(batch.normalised(NETWORK.mean, NETWORK.std).pixels.numpy(), expected)


def test_views_only_where_they_are_wanted(runs: dict[str, Run]) -> None:
    assert batches_of(runs["scenes"], 1)[0].views is None
    views = batches_of(runs["table"], 1)[0].views
    assert views is not None
    assert (views.dtype, views.shape) == (torch.uint8, (4, 2, 3, SIZE, SIZE))
    assert not torch.equal(views[:, 0], views[:, 1])


def test_captions_of_any_length_and_pictures_of_any_kind(tmp_path: Path) -> None:
    samples = Path(__file__).parents[2] / "files" / "samples"
    names = ["png-alpha.png", "jpeg-cmyk.jpg", "png-16bit.png", "tiff-cmyk.tif", "webp-lossless.webp", "gif.gif"]
    (tmp_path / "huge.png").write_bytes(black_png(11_000, 10_000))
    rows = [f"{samples / name},{'word ' * 2000}" for name in names] + ["huge.png,too large"]
    (tmp_path / "t.csv").write_text("\n".join(["filepath,title", *rows, ""]))
    files = {f"{number}.{name.rpartition('.')[2]}": (samples / name).read_bytes() for number, name in enumerate(names)}
    captions = {f"{number}.txt": b"w\xf6rd " * 2000 for number in range(len(names))}
    archive(tmp_path / "a.tar", dict(sorted((files | captions).items())))
    for run in (run_of("table", tmp_path / "t.csv", batch_size=7), run_of("shards", tmp_path / "a.tar", batch_size=6)):
        batch = batches_of(run, 1)[0]
        assert (batch.tokens[:, -1] == run.text.vocabulary - 1).all()
        assert batch.pixels.shape == (len(batch), 3, SIZE, SIZE)
        assert [sentence for sentence in batch.bad if "very large" not in sentence] == []
    assert len(batch) == 6


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["table", "shards"])
def test_where_next_to_everything_is_bad_the_run_ends_with_a_sentence(kind: str, workers: int, tmp_path: Path) -> None:
    lines = [f"{number}.png,text {number}" for number in range(300)]
    (tmp_path / "t.csv").write_text("\n".join(["filepath,title", *lines, ""]))
    shard(tmp_path / "a.tar", [], {f"{number}.{suffix}": b"x" for number in range(300) for suffix in ("jpg", "txt")})
    path = {"table": tmp_path / "t.csv", "shards": tmp_path / "a.tar"}[kind]
    with pytest.raises(TrainingError, match=r"Hardly any pair of this run.*(no longer there|not a picture)"):
        batches_of(run_of(kind, path, workers=workers), 1)


def test_a_batch_of_shards_holds_no_pair_twice_though_most_are_bad(tmp_path: Path) -> None:
    rubbish = {f"x{number:03}.{suffix}": b"x" for number in range(340) for suffix in ("jpg", "txt")}
    shard(tmp_path / "a.tar", range(70), rubbish)
    network = replace(NETWORK, text=replace(NETWORK.text, vocab_size=256))
    for batch in batches_of(run_of("shards", tmp_path / "a.tar", batch_size=50, network=network), 2):
        assert len(set(numbers(batch))) == 50
        assert len(set(batch.bad)) == len(batch.bad) <= 50


def test_what_is_bad_is_counted_once_and_with_its_step(tmp_path: Path) -> None:
    path = table(tmp_path, 30)
    with path.open("a") as file:
        file.writelines(f"none-{number}.png,missing\n" for number in range(10))
        file.writelines("broken\n" for _ in range(100))
    told = [batch.bad for batch in batches_of(run_of("table", path), 10)]
    missing = [sum("no longer there" in sentence for sentence in bad) for bad in told]
    assert sum(missing) == 10
    assert [len(bad) - lost for bad, lost in zip(told, missing, strict=True)] == [100, *[0] * 9]


def test_what_resampling_reads_ahead_is_counted_when_its_pairs_come(tmp_path: Path) -> None:
    shard(tmp_path / "0.tar", range(6))
    data = shard(tmp_path / "1.tar", range(6, 12)).read_bytes()
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        middle = tar.getmembers()[6].offset_data + 100
    (tmp_path / "1.tar").write_bytes(data[:middle])
    counts = [len(batch.bad) for batch in batches_of(run_of("shards", f"{tmp_path}/{{0..1}}.tar", resampled=True), 24)]
    assert 0 < sum(counts) < 30  # of 96 pairs; one in nine things read is the end of the damaged shard
    assert max(counts) < 10


@pytest.mark.parametrize("good", [1, 2])
def test_what_little_is_good_is_used_for_all(good: int, tmp_path: Path) -> None:
    path = table(tmp_path, good)
    with path.open("a") as file:
        file.writelines(f"none-{number}.png,missing\n" for number in range(20))
    files = {f"{number:02}.{suffix}": b"x" for number in range(20) for suffix in ("jpg", "txt")}
    shard(tmp_path / "a.tar", range(100, 100 + good), files)
    for run in (run_of("table", path), run_of("shards", tmp_path / "a.tar")):
        for batch in batches_of(run, 7):
            assert len(batch) == 4
            assert len(set(numbers(batch))) <= good


def test_a_truncated_archive_among_good_ones(tmp_path: Path) -> None:
    shard(tmp_path / "0.tar", range(6))
    data = shard(tmp_path / "1.tar", range(6, 12)).read_bytes()
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        middle = tar.getmembers()[6].offset_data + 100
    (tmp_path / "1.tar").write_bytes(data[:middle])
    run = run_of("shards", f"{tmp_path}/{{0..2}}.tar", batch_size=3)
    shard(tmp_path / "2.tar", range(12, 18))
    told = [sentence for batch in batches_of(run, 4) for sentence in batch.bad]
    assert any("1.tar: It is damaged" in sentence for sentence in told)


@pytest.mark.parametrize("resampled", [False, True])
@pytest.mark.parametrize("broken", ["missing", "rubbish", "no pair", "bad pictures"])
def test_a_broken_shard_of_few_costs_only_itself(broken: str, resampled: bool, tmp_path: Path) -> None:
    for number in range(3):
        shard(tmp_path / f"{number}.tar", range(number * 10, number * 10 + 10))
    if broken == "rubbish":
        (tmp_path / "3.tar").write_bytes(b"rubbish" * 1000)
    elif broken != "missing":
        suffixes = ("jpg",) if broken == "no pair" else ("jpg", "txt")
        archive(tmp_path / "3.tar", {f"{number}.{suffix}": b"x" for number in range(9) for suffix in suffixes})
    run = run_of("shards", f"{tmp_path}/{{0..3}}.tar", batch_size=8, resampled=resampled)
    batches = batches_of(run, 9)
    assert all(len(batch) == 8 for batch in batches)
    assert any("3.tar" in sentence for batch in batches for sentence in batch.bad)
    assert_same(batches_of(with_workers(run, 2), 9), batches)
    assert_same(batches_of(run, 4, first=5), batches[5:])


@pytest.mark.parametrize("resampled", [False, True])
def test_two_of_three_shards_may_hold_none_but_bad_pictures(resampled: bool, tmp_path: Path) -> None:
    shard(tmp_path / "0.tar", range(70))
    for number in (1, 2):
        files = {f"{name:04}.{suffix}": b"x" for name in range(700) for suffix in ("jpg", "txt")}
        archive(tmp_path / f"{number}.tar", files)
    run = run_of("shards", f"{tmp_path}/{{0..2}}.tar", batch_size=3, resampled=resampled)
    batches = batches_of(run, 4)
    assert all(len(batch) == 3 for batch in batches)
    assert_same(batches_of(with_workers(run, 2), 4), batches)


@pytest.mark.parametrize("workers", [0, 2])
def test_resampling_none_but_broken_shards_ends_with_a_sentence(workers: int, tmp_path: Path) -> None:
    (tmp_path / "0.tar").write_bytes(b"rubbish" * 1000)
    archive(tmp_path / "1.tar", {"a.jpg": b"x"})
    run = run_of("shards", f"{tmp_path}/{{0..2}}.tar", workers=workers, resampled=True)
    texts = texts_of(run_of("scenes"))
    with pytest.raises(TrainingError, match=r"No pair could be read from the shards .*0[.]tar"):
        batches_of(run, 1, texts=texts)


@pytest.mark.parametrize("kind", ["table", "shards", "folder", "library"])
def test_sources_that_are_not_there(kind: str, tmp_path: Path) -> None:
    run = msgspec.structs.replace(run_of(kind, tmp_path / "none"), text=Text("clip", 49408, 77))
    run = msgspec.structs.replace(run, model=config("ViT-B-32").to_json())
    with pytest.raises(TrainingError, match="none"):
        batches_of(run, 1)


def test_a_batch_that_cannot_be_shared(tmp_path: Path) -> None:
    run = run_of("table", table(tmp_path, 8), batch_size=4)
    with pytest.raises(TrainingError, match="A batch of 4 cannot be shared alike by 3 processes"):
        batches_of(run, 1, 0, 3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"least_scale": 0.0}, "least_scale is a share"),
        ({"least_scale": 1.1}, "at most 1"),
        ({"workers": -1}, "0 or more"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, float], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        batches_of(run_of("scenes", **changes), 1)


def test_nothing_is_taken_from_torchs_own_chance(runs: dict[str, Run]) -> None:
    texts = run_texts(runs["table"])
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for workers in (0, 1):
        batches_of(with_workers(runs["table"], workers), 2, texts=texts)
    assert torch.equal(torch.get_rng_state(), before)


def test_texts_known_before_are_not_learned_again(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    with open_batches(runs["table"], 0, 1, 0) as batches:
        learned = next(batches)
    texts = run_texts(runs["table"])
    monkeypatch.setattr("training.data.batches.run_texts", lambda _: pytest.fail("learned again"))
    assert_same(batches_of(runs["table"], 1, texts=texts), [learned])


def test_leaving_ends_the_workers(runs: dict[str, Run]) -> None:
    with open_batches(with_workers(runs["scenes"], 2), 0, 1, 0) as batches:
        next(batches)
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []
    assert next(batches, None) is None


def test_jpegs_in_shards_keep_their_colours(tmp_path: Path) -> None:
    archive(tmp_path / "a.tar", {"a.jpg": jpeg((200, 20, 20), (64, 64)), "a.txt": b"red"})
    pixels = batches_of(run_of("shards", tmp_path / "a.tar", batch_size=1), 1)[0].pixels
    assert (pixels[0].float().mean(dim=(1, 2)) - torch.tensor([200.0, 20.0, 20.0])).abs().max() < 4
