from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.package import CLEANINGS
from clipsearch.encode.tokenizer import CLEANING, Tokenizer, clean_canonical, clean_clip, pad
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


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A tokenizer.json that adds nothing: one token a word, numbered from 1."""
    words = {"type": "WordLevel", "vocab": {"?": 0, "a": 1, "dog": 2}, "unk_token": "?"}
    parts = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder"))
    whole = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, "model": words} | parts
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
    return tmp_path / "tokenizer.json"


def test_a_cut_text_gets_its_end_where_the_file_does_not_see_to_it(bare: Path) -> None:
    ids, mask = Tokenizer(bare, 4, 7, eot_id=9)(["a dog", "dog a dog a dog"])
    assert ids.tolist() == [[1, 2, 7, 7], [2, 1, 2, 9]]
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_nothing_is_one_position_of_padding(bare: Path) -> None:
    ids, mask = Tokenizer(bare, 4, 7)([""])
    assert (ids.tolist(), mask.tolist()) == ([[7]], [[0]])
    assert Tokenizer(bare, 4, 7)([])[0].shape == (0, 1)


def test_padding_fills_up_and_never_cuts() -> None:
    ids, mask = np.array([[5, 6]]), np.array([[1, 1]])
    assert [part.tolist() for part in pad(ids, mask, 4, 9)] == [[[5, 6, 9, 9]], [[1, 1, 0, 0]]]
    assert [part.tolist() for part in pad(ids, mask, 1, 9)] == [[[5, 6]], [[1, 1]]]


@pytest.mark.parametrize(
    ("text", "clip", "canonical"),
    [
        ("  A\tphoto \n of_a DOG. ", "a photo of_a dog.", "a photo of a dog"),
        ("Tom &amp;amp; Jerry's", "tom & jerry's", "tom jerrys"),
        ("cafÃ© “quoted” …", 'café "quoted" …', "café quoted …"),
        ("\ud83d\ud83d", "\ufffd\ufffd", "\ufffd\ufffd"),
        ("()", "()", ""),
    ],
)
def test_cleaning(text: str, clip: str, canonical: str) -> None:
    assert (clean_clip(text), clean_canonical(text)) == (clip, canonical)
    assert CLEANING["none"](text) == text
    assert CLEANING["whitespace"](text).lower() == clip


def test_white_space_cleaning_keeps_the_case() -> None:
    assert CLEANING["whitespace"]("  A &amp;amp;\tDOG ") == "A & DOG"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("a photo of a dog", "a dog"),
        ("Pictures of our house at night", "our house at night"),
        ("the image showing two cats", "two cats"),
        ("a dog", "a dog"),
        ("a picture on a wall", "a picture on a wall"),
        ("photo of ", "photo of "),
        ("", ""),
    ],
)
def test_the_subject_is_what_is_in_the_picture(text: str, subject: str) -> None:
    assert CLEANING["subject"](text) == subject


def test_a_package_s_cleaning_is_done(bare: Path) -> None:
    assert Tokenizer(bare, 4, 7, "canonical")(["A, Dog!"])[0].tolist() == [[1, 2]]
    assert Tokenizer(bare, 4, 7)(["A, Dog!"])[0].tolist() == [[0, 0, 0, 0]]


def test_every_cleaning_of_a_package_is_known() -> None:
    assert set(CLEANING) == set(CLEANINGS)
