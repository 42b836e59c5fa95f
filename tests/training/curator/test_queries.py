"""The query list: what is frequent, what belongs together, what is named."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from training.curator import queries
from training.curator.counting import Counts, by_information, count_bigrams, count_words
from training.curator.queries import Choice, Query
from training.errors import TrainingError

TEXTS = ["New York at night"] * 4 + ["a night at the sea"] * 3 + ["the new sea", "a York ham", "the rare thing"]


def test_words_come_by_frequency_and_bigrams_by_information() -> None:
    found = list(queries.from_texts(lambda: TEXTS, Choice(least_count=4, bigrams=2, least_bits=0)))
    assert [query.text for query in found if query.kind == "word"] == ["at", "night", "new", "the", "york", "a", "sea"]
    assert [(query.text, query.count) for query in found if query.kind == "bigram"] == [("new york", 4), ("york at", 4)]


def test_information_is_that_of_the_paper() -> None:
    words = count_words(TEXTS)
    frequent = words.at_least(4)
    pairs = count_bigrams(TEXTS, frequent).at_least(4)
    worth = by_information(pairs, frequent, words.total)
    assert words.total == 40
    assert worth["new york"] == pytest.approx(math.log2((4 / 40) / ((5 / 40) * (5 / 40))))
    assert list(worth) == sorted(worth, key=lambda pair: -worth[pair])


def test_bigrams_of_little_information_are_left_out() -> None:
    found = queries.from_texts(lambda: TEXTS, Choice(least_count=4, least_bits=2.5))
    assert [query.text for query in found if query.kind == "bigram"] == ["new york"]


def test_counting_in_little_memory_keeps_what_is_frequent() -> None:
    texts = [f"dog word{number}" for number in range(1000)]
    counts = count_words(texts, most=50)
    assert list(counts.at_least(900)) == ["dog"]
    assert 1000 - counts.floor <= counts["dog"] <= 1000
    assert len(counts.at_least(0)) <= 50


@pytest.mark.parametrize("seed", range(40))
def test_a_count_is_too_small_by_at_most_the_floor(seed: int) -> None:
    dice = Random(seed)
    counts, exact = Counts(most=dice.randint(1, 30)), Counter[str]()
    for _ in range(300):
        things = [str(int(dice.expovariate(0.05))) for _ in range(dice.randint(0, 12))]
        counts.add(things)
        exact.update(things)
        assert all(exact[thing] - counts.floor <= counts[thing] <= exact[thing] for thing in exact)
        assert len(counts.at_least(0)) <= 30


def test_a_count_is_never_too_high() -> None:
    counts = Counts(most=2)
    counts.add(["a", "a", "b", "c", "a", "b"])
    assert counts["a"] <= 3
    assert counts["b"] <= 2
    assert counts.total == 6


def test_each_query_stands_once_and_the_list_ends_where_it_is_told() -> None:
    listed = [
        Query("cat", "word", 9),
        Query("", "name"),
        Query("cat", "synset"),
        Query("dog", "name"),
        Query("x", "name"),
    ]
    assert queries.first_of_each(listed, 2) == [listed[0], listed[3]]


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    listed = [Query("cat", "word", 9), Query("new york", "bigram", 4), Query("grand canyon", "name")]
    queries.write(listed, tmp_path / "queries.tsv")
    assert list(queries.read(tmp_path / "queries.tsv")) == listed


def test_a_plain_list_of_names_is_understood(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("Grand Canyon\r\n\nÖtzi\n", "utf-8")
    assert [query.text for query in queries.read(tmp_path / "names.txt")] == ["grand canyon", "", "ötzi"]
    assert [query.kind for query in queries.names(tmp_path / "names.txt")] == ["name"] * 3


def test_wordnet_gives_its_entries(tmp_path: Path) -> None:
    for part in ("noun", "verb", "adj", "adv"):
        licence = "  1 This software and database is being provided to you\n"
        (tmp_path / f"index.{part}").write_text(f"{licence}hot_{part} n 1 2 @ ~ 1 0 00012345\n")
    assert [query.text for query in queries.synsets(tmp_path)] == ["hot noun", "hot verb", "hot adj", "hot adv"]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere\.txt cannot be read"):
        list(queries.names(tmp_path / "nowhere.txt"))
