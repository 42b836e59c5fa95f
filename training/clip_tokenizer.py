"""Makes resources/tokenizers/clip/tokenizer.json from the merges that OpenAI released with CLIP.

The merges (bpe_simple_vocab_16e6.txt.gz, MIT) are part of the PyPI package open-clip-torch; of the 262,144 lines CLIP
uses the first 48,894 after the heading. The vocabulary follows from them: 256 bytes, 256 bytes that end a word, one
token a merge, and the start and the end of a text.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

MERGES = 49_152 - 256 - 2
SPECIAL = ("<|startoftext|>", "<|endoftext|>")

#: What becomes a word: CLIP's expression, which ignores case (only a long s after an apostrophe still tells).
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


def build(merges_file: Path, out: Path) -> None:
    """Write the file for the `tokenizers` library; it cleans nothing, which is `clipsearch.encode.tokenizer`'s part."""
    lines = gzip.decompress(merges_file.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(describe([line.split() for line in lines]), ensure_ascii=False) + "\n", "utf-8")


def describe(merges: list[list[str]]) -> dict[str, Any]:
    vocabulary = vocabulary_of(merges)
    start, end = ({"id": token, "ids": [vocabulary[token]], "tokens": [token]} for token in SPECIAL)
    words: dict[str, Any] = {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": True}
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(token, vocabulary[token]) for token in SPECIAL],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [words, to_bytes]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special(SPECIAL[0]), {"Sequence": {"id": "A", "type_id": 0}}, _special(SPECIAL[1])],
            "pair": [_special(SPECIAL[0]), *({"Sequence": {"id": part, "type_id": 0}} for part in "AB")],
            "special_tokens": {start["id"]: start, end["id"]: end},
        },
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": "</w>",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def vocabulary_of(merges: list[list[str]]) -> dict[str, int]:
    characters = byte_characters()
    endings = [f"{character}</w>" for character in characters]
    tokens = [*characters, *endings, *("".join(merge) for merge in merges), *SPECIAL]
    return {token: number for number, token in enumerate(tokens)}


def byte_characters() -> list[str]:
    """Return one printable character for each byte: its own where that is printable Latin-1, else one from U+0100 on.

    The printable ones come first, which fixes the tokens' numbers.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = 256 - len(printable)
    return [chr(code) for code in (*printable, *range(0x100, 0x100 + others))]


def added(token: str, number: int) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": token, "special": True} | flags


def _special(token: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": 0}}
