from __future__ import annotations

import pickle

import pytest

from training.data.strings import Strings

ODD = ["", "a dog", "犬と海岸", "x" * 10_000, "lone \ud800 surrogate", "name\udcff.jpg", "line\nbreak\0"]


def test_strings_come_back_as_they_were() -> None:
    strings = Strings(ODD)
    assert [strings[number] for number in range(len(strings))] == ODD
    copy = pickle.loads(pickle.dumps(strings))
    copy.append("one more")
    assert (len(copy), copy[4], copy[len(ODD)]) == (len(ODD) + 1, ODD[4], "one more")


@pytest.mark.parametrize("number", [-1, 7])
def test_there_is_no_string_beyond_the_ends(number: int) -> None:
    with pytest.raises(IndexError):
        Strings(ODD)[number]
