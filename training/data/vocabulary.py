"""A tokenizer learned from texts: whole words where the vocabulary is small, else parts of them.

A model of a few thousand pairs needs no 49,408 tokens. Below 512 there is a token for each of the most frequent words;
others are one and the same. Above, byte pair encoding (Sennrich et al. 2016) over bytes, which leaves no text out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from training.clip_tokenizer import WORDS
from training.errors import TrainingError

PADDING, UNKNOWN, START, END = "<|padding|>", "<|unknown|>", "<|startoftext|>", "<|endoftext|>"

_LEAST = 5
_LEAST_FOR_PARTS = 512


def learn(texts: Iterable[str], size: int) -> str:
    """Return a tokenizer.json of at most `size` tokens: padding is 0, start and end are the last two.

    The same texts give the same file. Raises TrainingError if there is nothing to learn from, or no room.
    """
    if size < _LEAST:
        raise TrainingError(f"A vocabulary needs {_LEAST} tokens or more.")
    values = _parts(texts, size) if size >= _LEAST_FOR_PARTS else _words(texts, size)
    values["model"]["vocab"] |= {START: size - 2, END: size - 1}
    values["post_processor"] = _framed(size)
    return json.dumps(values, ensure_ascii=False) + "\n"


def _words(texts: Iterable[str], size: int) -> dict[str, Any]:
    splitting = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
    counts = Counter(word for text in texts for word, _ in splitting.pre_tokenize_str(text))
    if not counts:
        raise TrainingError("There are no texts to learn a tokenizer from.")
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - 4]
    known = {PADDING: 0, UNKNOWN: 1} | {word: 2 + number for number, word in enumerate(frequent)}
    tokenizer = Tokenizer(models.WordLevel(known, UNKNOWN))
    tokenizer.pre_tokenizer = splitting
    return _plain(tokenizer)


def _parts(texts: Iterable[str], size: int) -> dict[str, Any]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=size - 2,
        show_progress=False,
        special_tokens=[PADDING],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(texts, trainer)
    values = _plain(tokenizer)
    if not values["model"]["merges"]:
        raise TrainingError("There are no texts to learn a tokenizer from.")
    return values


def _plain(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return a tokenizer's JSON. No token is special in a text, whatever somebody's caption says."""
    values: dict[str, Any] = json.loads(tokenizer.to_str())
    return values | {"added_tokens": []}


def _framed(size: int) -> dict[str, Any]:
    """Describe what is put around each text."""
    numbers = {START: size - 2, END: size - 1}
    tokens = {token: {"id": token, "ids": [number], "tokens": [token]} for token, number in numbers.items()}
    single = [_special(START), {"Sequence": {"id": "A", "type_id": 0}}, _special(END)]
    pair = [_special(START), *({"Sequence": {"id": part, "type_id": 0}} for part in "AB"), _special(END)]
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": tokens}


def _special(token: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": 0}}
