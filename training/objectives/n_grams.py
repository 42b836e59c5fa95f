"""The dictionary of n-grams: which rows of words are counted often enough to be predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from training.errors import TrainingError
from training.objectives.words import are_words

COUNTED = 16  # times as many n-grams as are wanted are counted at once, before the rarest are dropped

Gram = tuple[int, ...]


def count(texts: Iterable[Tensor], vocabulary: int, order: int, most: int) -> list[Gram]:
    """Return the `most` frequent n-grams of up to `order` words, the most frequent first.

    `texts` are tokens int64 [n, l]. With every n-gram its beginning and its end are in the list, as they cannot be
    rarer. Memory is bounded: when too many are counted, the rarest are forgotten, so that counts are exact only
    while fewer than 16 `most` kinds were seen. Raises TrainingError where there is no word at all.
    """
    counts: Counter[Gram] = Counter()
    for tokens in texts:
        for text in words_of(tokens, vocabulary):
            counts.update(grams_of(text, order))
        if len(counts) > COUNTED * most:
            counts = Counter(dict(_frequent(counts, COUNTED * most // 2)))
    if not counts:
        raise TrainingError("The texts of this run hold no words, so there are no n-grams to learn.")
    return [gram for gram, _ in _frequent(counts, most)]


def words_of(tokens: Tensor, vocabulary: int) -> Iterator[list[int]]:
    """Yield the words of each text, in order."""
    for text, is_word in zip(tokens, are_words(tokens, vocabulary), strict=True):
        yield text[is_word].tolist()


def grams_of(text: list[int], order: int) -> Iterator[Gram]:
    """Yield all n-grams of a text, of up to `order` words."""
    for size in range(1, order + 1):
        for start in range(len(text) - size + 1):
            yield tuple(text[start : start + size])


def _frequent(counts: Counter[Gram], most: int) -> list[tuple[Gram, int]]:
    """Sort by count; where it is the same the shorter comes first, so that what a longer one is made of stays in."""
    return sorted(counts.items(), key=lambda item: (-item[1], len(item[0]), item[0]))[:most]


class Dictionary(nn.Module):
    """N-grams by number, which tensors can be looked up in.

    An n-gram's key is the number of its beginning (0: none, else 1 + number) and its last word; so a text's n-grams
    are found one word at a time. `groups` says for each n-gram which others have the same beginning, its rivals.
    """

    keys: Tensor  # int64 [size], sorted
    numbers: Tensor  # int64 [size]: whose key it is
    groups: Tensor  # int64 [size]
    group_of: Tensor  # int64 [size + 1]: the group of the n-grams that begin so, -1: none do

    def __init__(self, grams: list[Gram], vocabulary: int) -> None:
        super().__init__()
        number = {gram: place for place, gram in enumerate(grams)}
        begins = [number[gram[:-1]] + 1 if len(gram) > 1 else 0 for gram in grams]
        keys = torch.tensor([begin * vocabulary + gram[-1] for begin, gram in zip(begins, grams, strict=True)])
        beginnings = sorted(set(begins))
        group = {begin: place for place, begin in enumerate(beginnings)}
        group_of = torch.full((len(grams) + 1,), -1)
        group_of[beginnings] = torch.arange(len(beginnings))
        self.order = max(map(len, grams))
        self.vocabulary = vocabulary
        self.group_count = len(beginnings)
        ordered, numbers = keys.sort()
        self.register_buffer("keys", ordered)
        self.register_buffer("numbers", numbers)
        self.register_buffer("groups", torch.tensor([group[begin] for begin in begins]))
        self.register_buffer("group_of", group_of)

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Look up the n-grams that end at each word of tokens int64 [n, l].

        Returns int64 [n, l, order], shortest first: their numbers, -1 where one is not there, and bool [n, l, order]:
        whether any n-gram begins as it does, so that something is known of what comes next.
        """
        is_word = are_words(tokens, self.vocabulary)
        padded = torch.where(is_word, tokens, -1)
        found, known = zip(*(self._find(padded, size) for size in range(1, self.order + 1)), strict=True)
        return torch.stack(found, dim=-1), torch.stack(known, dim=-1)

    def _find(self, words: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Look up the n-grams of this size, where words int64 [n, l] are -1 for none."""
        number = torch.full_like(words, -1)  # of the empty beginning
        is_there = torch.ones_like(words, dtype=torch.bool)
        begins = is_there
        for back in range(size - 1, -1, -1):
            word = _shifted(words, back)
            begins = is_there & (self.group_of[number + 1] >= 0) & (word >= 0)
            key = (number + 1) * self.vocabulary + word
            place = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
            is_there = begins & (self.keys[place] == key)
            number = torch.where(is_there, self.numbers[place], -1)
        return number, begins


def _shifted(words: Tensor, back: int) -> Tensor:
    """Put at each position of words [n, l] the one that stands `back` before it, -1 where there is none."""
    if back == 0:
        return words
    return torch.cat([torch.full_like(words[:, :back], -1), words[:, :-back]], dim=1)[:, : words.shape[1]]
