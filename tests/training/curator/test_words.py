"""Words: one form for queries and captions, whatever the script."""

from __future__ import annotations

import pytest

from training.curator.words import normal_form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  The Cat's  DOOR, 1960!", "the cat's door 1960"),
        ("it’s", "it's"),
        ("red_car-01.png", "red car 01 png"),
        ("ﬁne Ｃａｔ", "fine cat"),
        ("红色 car", "红 色 car"),
        ("... --", ""),
    ],
)
def test_normal_form(text: str, expected: str) -> None:
    assert normal_form(text) == expected
