from __future__ import annotations

import json
import pickle
from pathlib import Path

import msgspec
import pytest
import torch

from clipsearch.encode.tokenizer import END_OF_TEXT, Tokenizer, clip_tokenizer
from tests.training.data.runs_of import run_of
from training.data.texts import Texts
from training.errors import TrainingError
from training.run import Run, Text

CAPTIONS = ["A red dog.", "a blue dog and a red cat", "two dogs; one CAT", "ein Hund – und noch einer"] * 3


def run_with(tokenizer: str, vocabulary: int, context: int = 77) -> Run:
    return msgspec.structs.replace(run_of("scenes"), text=Text(tokenizer, vocabulary, context))  # type: ignore[arg-type]


def test_clips_own_tokens_are_those_of_the_program() -> None:
    texts = Texts.of(run_with("clip", 49408), ())
    tokens = texts(CAPTIONS)
    expected = clip_tokenizer()(CAPTIONS)[0]
    assert (tokens.dtype, tokens.shape) == (torch.int64, (len(CAPTIONS), 77))
    assert tokens[:, : expected.shape[1]].tolist() == expected.tolist()
    assert not tokens[:, expected.shape[1] :].any()


def test_clips_tokenizer_refuses_another_vocabulary() -> None:
    with pytest.raises(TrainingError, match="49408 tokens, not 1000"):
        Texts.of(run_with("clip", 1000), ())


@pytest.mark.parametrize("vocabulary", [32, 600])
def test_a_learned_tokenizer_ends_each_text_with_the_largest_token(vocabulary: int) -> None:
    texts = Texts.of(run_with("learned", vocabulary, 16), CAPTIONS)
    tokens = texts([*CAPTIONS, "", "never seen: Žluťoučký kůň 犬", "word " * 2000, "x" * 10_000])
    assert tokens.shape == (len(CAPTIONS) + 4, 16)
    assert (texts.vocabulary, tokens.max()) == (vocabulary, vocabulary - 1)
    assert ((tokens == vocabulary - 1).sum(1) == 1).all()
    assert (tokens[:, 0] == vocabulary - 2).all()
    assert tokens[len(CAPTIONS)].tolist() == [vocabulary - 2, vocabulary - 1, *[0] * 14]
    assert tokens[-2, -1] == vocabulary - 1  # cut, but for its end


def test_few_tokens_are_the_most_frequent_words() -> None:
    texts = Texts.of(run_with("learned", 8, 6), CAPTIONS)
    assert texts(["a dog", "red a", "a zebra"])[:, 1:3].tolist()[0] == texts(["A DOG"])[0, 1:3].tolist()
    assert texts(["zebra"])[0, 1] == texts(["giraffe"])[0, 1] == 1  # unknown
    assert texts(["dog"])[0, 1] > 1


def test_parts_of_words_leave_nothing_out() -> None:
    texts = Texts.of(run_with("learned", 600, 40), CAPTIONS)
    tokens = texts(["a dog", "away", "a way", "犬", "🐕"])
    assert len({tuple(row) for row in tokens.tolist()}) == 5
    assert (tokens[0] > 0).sum() == 4  # what is frequent is one token


@pytest.mark.parametrize("vocabulary", [32, 600])
def test_the_same_texts_give_the_same_tokenizer(vocabulary: int, tmp_path: Path) -> None:
    files = []
    for name in "ab":
        (tmp_path / name).mkdir()
        Texts.of(run_with("learned", vocabulary), iter(CAPTIONS)).save(tmp_path / name)
        files.append((tmp_path / name / "tokenizer.json").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("vocabulary", [32, 600])
def test_no_caption_can_name_a_special_token(vocabulary: int) -> None:
    texts = Texts.of(run_with("learned", vocabulary, 32), [*CAPTIONS, "<|endoftext|> <|padding|>"])
    tokens = texts(["a dog <|endoftext|> <|startoftext|> a cat"])[0]
    assert (tokens == vocabulary - 1).sum() == (tokens == vocabulary - 2).sum() == 1


@pytest.mark.parametrize(("kind", "vocabulary"), [("clip", 49408), ("learned", 32), ("learned", 600)])
def test_saved_and_pickled_texts_are_the_same(kind: str, vocabulary: int, tmp_path: Path) -> None:
    texts = Texts.of(run_with(kind, vocabulary, 12), CAPTIONS)
    texts.save(tmp_path)
    expected = texts(CAPTIONS)
    assert torch.equal(Texts.load(tmp_path)(CAPTIONS), expected)
    assert torch.equal(pickle.loads(pickle.dumps(texts))(CAPTIONS), expected)


def test_the_program_makes_the_same_tokens_of_what_was_saved(tmp_path: Path) -> None:
    texts = Texts.of(run_with("learned", 600, 12), CAPTIONS)
    texts.save(tmp_path)
    form = json.loads((tmp_path / "text.json").read_text())
    assert set(form) == {"context_length", "pad_id", "cleaning", "eot_id"}
    ids, _ = Tokenizer(
        tmp_path / "tokenizer.json", *(form[key] for key in ("context_length", "pad_id")), form["cleaning"]
    )(CAPTIONS)
    assert texts(CAPTIONS)[:, : ids.shape[1]].tolist() == ids.tolist()


def test_what_cannot_be_learned_from_or_loaded_is_told(tmp_path: Path) -> None:
    for vocabulary in (32, 600):
        with pytest.raises(TrainingError, match="no texts to learn"):
            Texts.of(run_with("learned", vocabulary), ["", " "])
    with pytest.raises(TrainingError, match="5 tokens or more"):
        Texts.of(run_with("learned", 4), CAPTIONS)
    with pytest.raises(TrainingError, match="cannot be read"):
        Texts.load(tmp_path)
    (tmp_path / "text.json").write_text('{"context_length": 8, "pad_id": 0, "cleaning": "clip", "eot_id": 3}')
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TrainingError, match="cannot be read"):
        Texts.load(tmp_path)


def test_the_end_of_clips_vocabulary_stays_when_a_text_is_cut() -> None:
    tokens = Texts.of(run_with("clip", 49408, 10), ())(["many " * 3000, "lone \ud800 surrogate", "nul \0"])
    assert tokens[0, -1] == END_OF_TEXT
    assert (tokens == END_OF_TEXT).sum(1).tolist() == [1, 1, 1]
