"""Singular and plural of what is counted."""

from __future__ import annotations

import pytest

from clipsearch.nouns import noun


@pytest.mark.parametrize(
    ("count", "one", "expected"),
    [
        (1, "photo", "photo"),
        (0, "photo", "photos"),
        (2, "category", "categories"),
        (1, "category", "category"),
        (2, "day", "days"),
        (1.5, "second", "seconds"),
    ],
)
def test_a_thing_is_called_as_many_as_there_are(count: float, one: str, expected: str) -> None:
    assert noun(count, one) == expected
