from __future__ import annotations

import gzip
import json
from pathlib import Path

from clipsearch.paths import resource_path
from training.clip_tokenizer import build, byte_characters

SHIPPED = resource_path("tokenizers/clip") / "tokenizer.json"


def test_the_shipped_tokenizer_follows_from_the_released_merges(tmp_path: Path) -> None:
    shipped = json.loads(SHIPPED.read_text("utf-8"))
    lines = ['"bpe_simple_vocab_16e6.txt#version: 0.2', *(" ".join(merge) for merge in shipped["model"]["merges"])]
    (tmp_path / "merges.txt.gz").write_bytes(gzip.compress("\n".join([*lines, "not used", ""]).encode()))
    build(tmp_path / "merges.txt.gz", tmp_path / "clip" / "tokenizer.json")
    assert (tmp_path / "clip" / "tokenizer.json").read_bytes() == SHIPPED.read_bytes()
    assert sorted(shipped["model"]["vocab"].values()) == list(range(49408))


def test_each_byte_has_a_character_of_its_own() -> None:
    characters = byte_characters()
    assert len(set(characters)) == 256
    assert all(character.isprintable() and not character.isspace() for character in characters)
