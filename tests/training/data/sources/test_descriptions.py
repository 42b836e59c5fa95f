from __future__ import annotations

import pytest

from training.data.sources.descriptions import text_of


@pytest.mark.parametrize(
    ("description", "words", "text"),
    [
        ("A dog", ["sea", "dog", "sea"], "A dog. sea, dog"),
        ("A dog.", ["sea"], "A dog. sea"),
        ("Is it?", ["sea"], "Is it? sea"),
        ("...", ["sea"], "... sea"),
        ("A dog", [], "A dog"),
        ("", ["sea"], "sea"),
        ("", [], ""),
    ],
)
def test_a_description_comes_before_keywords(description: str, words: list[str], text: str) -> None:
    assert text_of(description, words) == text
