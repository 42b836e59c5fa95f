"""The language of a caption: other scripts and other languages' sentences are told apart, short labels pass."""

from __future__ import annotations

import pytest

from training.curator.language import may_be


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("a dog in the snow", "en", True),
        ("red car", "en", True),
        ("ein Hund mit einem Ball im Schnee", "en", False),
        ("ein Hund mit einem Ball im Schnee", "de", True),
        ("un chien dans la neige avec une balle", "en", False),
        ("un perro en la nieve con una pelota", "es", True),
        ("собака в снегу", "en", False),
        ("собака в снегу", "ru", True),
        ("雪の中の犬", "ja", True),
        ("雪の中の犬", "en", False),
        ("ein Auto", "ja", False),
        ("12345 !!!", "en", False),
        ("a red car, 赤", "en", True),
    ],
)
def test_may_be(text: str, language: str, expected: bool) -> None:
    assert may_be(text, language) is expected
