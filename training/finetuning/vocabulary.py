"""Ordinary texts of all kinds for a model: the words that its tokenizer knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

MOST, LEAST_LETTERS = 1000, 2
_MARKS = ("</w>", "\u2581", "\u0120", "##")  # of a word's end or beginning: CLIP's, SentencePiece's, GPT-2's, BERT's


def vocabulary(tokenizer: Path, seed: int, most: int = MOST) -> list[str]:
    """Return at most so many words of a tokenizer.json that can be read, drawn at random; "photo" if it has none."""
    tokens: set[str] = set(Tokenizer.from_file(str(tokenizer)).get_vocab(with_added_tokens=False))
    for mark in _MARKS:
        tokens = {token.replace(mark, "") for token in tokens}
    words = sorted(token for token in tokens if token.isalpha() and len(token) >= LEAST_LETTERS)
    return np.random.default_rng(seed).permutation(words)[:most].tolist() or ["photo"]
