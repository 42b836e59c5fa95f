"""Matching: the same as looking for each query, bounded by spaces, in the caption's normal form."""

from __future__ import annotations

import random

from training.curator.matching import Matcher
from training.curator.words import normal_form


def test_finds_words_and_runs_of_words() -> None:
    matcher = Matcher(["cat", "black cat", "cat food", "new york city", "york"])
    assert matcher.find("A BLACK cat; cat-food!") == [1, 0, 2]
    assert matcher.find("New York") == [4]
    assert matcher.find("catalogue of concatenated bobcats") == []
    assert matcher.find("new york new york city") == [4, 3]
    assert matcher.find("") == []


def test_a_longer_query_is_found_though_its_beginning_is_none() -> None:
    matcher = Matcher(["one two three four", "two", "three four five"])
    assert matcher.find("one two three four five") == [0, 1, 2]
    assert matcher.find("one two three") == [1]


def test_characters_of_chinese_match_within_a_run() -> None:
    assert Matcher([normal_form("汽车")]).find("红色汽车在路上") == [0]


def test_equals_searching_for_each_query() -> None:
    chance = random.Random(7)
    letters = ["a", "b", "c", "d"]
    queries = list({" ".join(chance.choices(letters, k=chance.randint(1, 4))) for _ in range(60)})
    matcher = Matcher(queries)
    for _ in range(300):
        caption = " ".join(chance.choices([*letters, "x"], k=chance.randint(0, 12)))
        plain = {number for number, query in enumerate(queries) if f" {query} " in f" {caption} "}
        found = matcher.find(caption)
        assert set(found) == plain
        assert len(found) == len(plain)
