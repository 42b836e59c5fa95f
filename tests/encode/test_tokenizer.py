from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.tokenizer import Tokenizer
from clipsearch.errors import PackageError
from clipsearch.paths import resource_path

STARTER = resource_path("models/starter") / "tokenizer.json"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(STARTER, 64, 0)


def test_texts_are_padded_to_the_longest(tokenizer: Tokenizer) -> None:
    ids, mask = tokenizer(["a dog", "a dog on the grass in the morning"])
    assert ids.shape == mask.shape
    assert ids.dtype == mask.dtype == np.int64
    assert mask[1].all()
    assert not ids[0][mask[0] == 0].any()


def test_a_text_means_the_same_alone_and_in_company(tokenizer: Tokenizer) -> None:
    alone, _ = tokenizer(["a dog"])
    together, mask = tokenizer(["a dog", "a much longer text than that"])
    assert together[0][mask[0] == 1].tolist() == alone[0].tolist()


def test_long_texts_are_cut(tokenizer: Tokenizer) -> None:
    assert tokenizer(["dog " * 500])[0].shape == (1, 64)


@pytest.mark.parametrize("text", ["", " ", "🐶", "собака", "\x00\ud83d".encode("utf-8", "ignore").decode()])
def test_any_text_has_tokens(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer([text])[0].shape[1] >= 1


def test_a_bad_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(PackageError, match=r"tokenizer\.json"):
        Tokenizer(tmp_path / "tokenizer.json", 64, 0)
