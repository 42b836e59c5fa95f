from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipsearch.encode.preprocess import Preprocess
from tests.training.tiny_runs import colours
from training.errors import TrainingError
from training.finetuning.checks import check_classes, check_copies, check_learned, check_pairs, check_retention
from training.finetuning.pictures import (
    Files,
    batches,
    halves,
    load_pictures,
    read_classes,
    read_pairs,
    some,
    split_classes,
    split_pairs,
)
from training.finetuning.tuning import Epoch
from training.finetuning.uncertainty import standard_error

SPEC = Preprocess(1, 32, "shortest", "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def files(*counts: int) -> Files:
    """Name so many pictures of each class, which need not exist."""
    labels = tuple(label for label, count in enumerate(counts) for _ in range(count))
    paths = tuple(Path(f"{number}.png") for number in range(len(labels)))
    return Files(tuple(f"class {label}" for label in range(len(counts))), paths, labels)


def counts(part: Files) -> list[int]:
    found = Counter(part.labels)
    return [found[label] for label in range(len(part.texts))]


def test_folders_are_classes_and_hidden_or_empty_ones_are_not(tmp_path: Path) -> None:
    colours(tmp_path, ("red", "blue"), 2)
    (tmp_path / "red").rename(tmp_path / "light_red")
    for name in (".hidden", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "light_red" / "notes.txt").write_text("no picture")
    (tmp_path / "light_red" / "._0.png").write_text("no picture")
    found = read_classes(tmp_path)
    assert found.texts == ("blue", "light red")
    assert found.labels == (0, 0, 1, 1) and len(set(found.paths)) == 4


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_classes_is_told(tmp_path: Path, make: bool) -> None:
    if make:
        (tmp_path / "data").mkdir()
    with pytest.raises(TrainingError, match="no folders with pictures" if make else "cannot be read"):
        read_classes(tmp_path / "data")


def test_shots_are_learned_from_a_share_chooses_and_the_rest_reports() -> None:
    split = split_classes(files(30, 10, 3), shots=6, share=0.25, seed=0)
    assert counts(split.train) == [6, 6, 2]
    assert counts(split.validation) == [2, 2, 1]
    assert counts(split.test) == [22, 2, 0]
    whole = [*split.train.paths, *split.validation.paths, *split.test.paths]
    assert len(whole) == len(set(whole)) == 43


def test_without_shots_all_others_are_learned_from() -> None:
    split = split_classes(files(20, 2), shots=0, share=0.25, seed=0)
    assert (counts(split.train), counts(split.validation), counts(split.test)) == ([15, 1], [5, 1], [0, 0])


def test_the_split_and_the_order_follow_the_seed() -> None:
    one, same, other = (split_classes(files(30, 30), 4, 0.25, seed) for seed in (1, 1, 2))
    assert one == same != other
    orders = [torch.cat(list(batches(20, 6, seed, epoch))).tolist() for seed, epoch in ((1, 1), (1, 1), (1, 2), (2, 1))]
    assert orders[0] == orders[1] and orders[0] != orders[2] and orders[0] != orders[3]
    assert all(sorted(order) == list(range(20)) for order in orders)


def test_batches_are_nearly_equal() -> None:
    assert [len(rows) for rows in batches(20, 6, 0, 1)] == [5, 5, 5, 5]
    assert [len(rows) for rows in batches(3, 64, 0, 1)] == [3]


def test_pairs_with_one_text_stay_on_one_side() -> None:
    pairs = Files(tuple("abcdefgh"), tuple(Path(str(n)) for n in range(16)), tuple(n % 8 for n in range(16)))
    split = split_pairs(pairs, 0.25, seed=0)
    assert not set(split.train.labels) & set(split.validation.labels)
    assert (len(split.train), len(split.validation), len(split.test)) == (12, 4, 0)


def test_pairs_come_from_a_table_and_lost_pictures_are_left_out(tmp_path: Path) -> None:
    colours(tmp_path, ("red", "blue"), 2)
    lines = ["filepath,title", "red/0.png,a red one", "blue/0.png,a blue one", "red/1.png,a red one", "lost.png,lost"]
    (tmp_path / "pairs.csv").write_text("\n".join([*lines, "blue/1.png, ", "broken", ""]))
    warnings: list[str] = []
    found = read_pairs(tmp_path / "pairs.csv", warnings)
    assert found.texts == ("a red one", "a blue one")
    assert found.labels == (0, 1, 0)
    assert warnings == [
        "pairs.csv, line 7: another number of fields than the header.",
        "lost.png is left out: the file is not there.",
        "blue/1.png is left out: it has no text.",
    ]


def test_of_many_lost_pairs_the_first_are_told_and_all_counted(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("filepath,title\n" + "lost.png,lost\n" * 50 + "broken\n" * 1000)
    warnings: list[str] = []
    assert not len(read_pairs(tmp_path / "pairs.csv", warnings))
    assert len(warnings) == 21
    assert warnings[-1] == "1,050 pairs are left out in all; these were the first 20."


def test_pairs_come_from_a_folder_with_caption_files(tmp_path: Path) -> None:
    colours(tmp_path, ("red",), 2)
    for number in range(2):
        (tmp_path / "red" / f"{number}.txt").write_text(f"number {number}")
    assert read_pairs(tmp_path, []).texts == ("number 0", "number 1")


def test_pictures_are_prepared_as_in_the_program(tmp_path: Path) -> None:
    found = read_classes(colours(tmp_path, ("red",), 1))
    (tmp_path / "red" / "torn.png").write_bytes(b"\x89PNG torn")
    warnings: list[str] = []
    pictures = load_pictures(read_classes(tmp_path), SPEC, warnings)
    assert len(pictures) == 1 and len(warnings) == 1 and "torn.png is left out" in warnings[0]
    with Image.open(found.paths[0]) as image:
        square = np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.BICUBIC), np.float32)
    wanted = torch.from_numpy((square / 255 - 0.5) / 0.5).permute(2, 0, 1)
    assert torch.allclose(pictures.pixels(torch.tensor([0]))[0], wanted, atol=1e-5)


def test_no_readable_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "torn.png").write_bytes(b"torn")
    with pytest.raises(TrainingError, match="None of the pictures"):
        load_pictures(read_classes(tmp_path), SPEC, [])


def test_some_are_drawn_at_random_once() -> None:
    drawn = some(files(50), 7, seed=0)
    assert len(drawn) == len(set(drawn.paths)) == 7 and drawn == some(files(50), 7, seed=0)
    assert some(files(5), 7, seed=0) == files(5)


@pytest.mark.parametrize(
    ("each", "watched", "reported"),
    [((4, 2), [2, 1], [2, 1]), ((1, 1), None, None), ((5, 3), None, None), ((2, 0, 9), [1, 0, 4], [1, 0, 5])],
)
def test_halves_are_dealt_class_by_class(
    each: tuple[int, ...], watched: list[int] | None, reported: list[int] | None
) -> None:
    one, other = halves(files(*each), seed=0)
    assert (one, other) == halves(files(*each), seed=0)
    assert sorted([*one.paths, *other.paths]) == sorted(files(*each).paths)
    assert len(other) - len(one) == sum(each) % 2
    assert all(abs(a - b) <= 1 for a, b in zip(counts(one), counts(other), strict=True))
    assert watched is None or (counts(one), counts(other)) == (watched, reported)
    assert len({halves(files(9, 9), seed)[0].paths for seed in range(5)}) == 5


@pytest.mark.parametrize(("share", "error"), [(0.5, 0.05), (0.1, 0.03), (0.9, 0.03)])
def test_the_standard_error_is_nearly_the_binomial_one(share: float, error: float) -> None:
    assert standard_error(share, 100) == pytest.approx(error, rel=0.03)


def test_the_standard_error_of_a_few_right_answers_is_not_zero() -> None:
    assert standard_error(1.0, 3) == pytest.approx(1 / 8)  # half of Wilson's interval, which is 0.75 to 1
    assert standard_error(0.0, 3) == standard_error(1.0, 3) < standard_error(0.0, 2)


def test_few_reported_pictures_are_warned_of() -> None:
    assert check_retention(50) == []
    assert "only 24 pictures" in check_retention(24)[0] and "10 points" in check_retention(24)[0]


def test_classes_of_equal_names_are_refused() -> None:
    with pytest.raises(TrainingError, match="“Dog” and “dog”"):
        check_classes(Files(("cat", "Dog", "dog"), files(4, 4, 4).paths, files(4, 4, 4).labels))


@pytest.mark.parametrize(
    ("numbers", "reason"), [((5,), "one class only"), ((5, 1, 1), "“class 1”, “class 2”"), ((1,) * 9, "and 6 more")]
)
def test_what_cannot_be_learned_is_refused(numbers: tuple[int, ...], reason: str) -> None:
    with pytest.raises(TrainingError, match=reason):
        check_classes(files(*numbers))


def test_few_pictures_a_class_are_warned_of() -> None:
    assert check_classes(files(4, 9)) == []
    (warning,) = check_classes(files(9, 3))
    assert "“class 1”" in warning and "zero-shot" in warning


@pytest.mark.parametrize(("count", "size"), [(7, 64), (500, 7), (0, 64)])
def test_a_batch_too_small_for_the_contrastive_objective_is_refused(count: int, size: int) -> None:
    with pytest.raises(TrainingError, match="too small for the contrastive objective"):
        check_pairs(count, size)


def test_a_small_batch_is_warned_of() -> None:
    assert check_pairs(64, 64) == check_pairs(1000, 256) == []
    assert "A batch of 63 pairs is small" in check_pairs(63, 64)[0]


def test_copies_of_what_is_learned_from_are_warned_of(tmp_path: Path) -> None:
    train = load_pictures(read_classes(colours(tmp_path / "one", ("red", "blue"), 3)), SPEC, [])
    others = load_pictures(read_classes(colours(tmp_path / "other", ("green", "yellow"), 3)), SPEC, [])
    mixed = replace(others, squares=torch.cat([others.squares[:4], train.squares[[0, 5]]]))
    assert check_copies(train, {"test": others}) == []
    (warning,) = check_copies(train, {"validation": others, "test": mixed})
    assert warning.startswith("2 of the 6 test pictures are copies")


def epochs(*losses: float, validation: float = 0.5, rolled_back: bool = False) -> list[Epoch]:
    start = Epoch(0, None, 0.5, None)
    return [start, *(Epoch(number + 1, loss, validation, None, rolled_back) for number, loss in enumerate(losses))]


def test_a_rate_too_low_to_learn_anything_is_warned_of_with_a_better_one() -> None:
    (warning,) = check_learned("lora", 2e-4, epochs(2.64, 2.63, 2.62))
    assert "2.640 to 2.620" in warning and warning.endswith("--rate lora=0.002.")


def test_who_learned_forgot_or_had_nothing_to_learn_is_not_warned() -> None:
    assert check_learned("lora", 2e-4, epochs(2.64, 2.63, 2.3)) == []
    assert check_learned("lora", 2e-4, epochs(2.64, 2.64, rolled_back=True)) == []
    assert check_learned("lora", 2e-4, epochs(0.01, 0.01, validation=1.0)) == []
    assert check_learned("lora", 2e-4, epochs(1.01, 1.0, validation=0.6)) == []  # all in the first epoch
    assert check_learned("lora", 2e-4, epochs(2.64)) == check_learned("lora", 2e-4, epochs()) == []
