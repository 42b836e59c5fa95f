from __future__ import annotations

from pathlib import Path

from clipsearch.paths import resource_path
from tests.training.tiny_runs import WORDS, write_run
from training.finetuning.vocabulary import vocabulary


def test_a_tokenizer_s_words_are_drawn_at_random(tmp_path: Path) -> None:
    found = vocabulary(write_run(tmp_path / "run") / "tokenizer.json", seed=0)
    assert {word for word in WORDS if len(word) > 1} <= set(found)
    assert all(word.isalpha() for word in found)


def test_clip_s_words_are_whole_and_follow_the_seed() -> None:
    clips = resource_path("tokenizers/clip") / "tokenizer.json"
    one, same, other = (vocabulary(clips, seed) for seed in (0, 0, 1))
    assert one == same != other and len(set(one)) == 1000
    assert "photo" in vocabulary(clips, 0, 100_000)
