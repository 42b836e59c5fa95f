"""Greedy choice and beam search over a made-up language, against all of its texts."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from training.objectives.generation import write

WORDS, START, END, LONGEST = 4, 0, 3, 5


class Language:
    """Each of two pictures has its own likelihood of a word after the two before it."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = (3 * torch.randn(2, WORDS, WORDS, WORDS, generator=generator)).log_softmax(-1)
        self.pictures = torch.zeros(2, 1)

    def __call__(self, texts: Tensor, owners: Tensor) -> Tensor:
        before = texts[:, -2] if texts.shape[1] > 1 else torch.zeros_like(owners)
        return self.table[owners, before, texts[:, -1]]

    def score(self, picture: int, text: tuple[int, ...]) -> float:
        told = (START, START, *text)
        return sum(float(self.table[picture, told[i], told[i + 1], told[i + 2]]) for i in range(len(text)))

    def write(self, beams: int, longest: int = LONGEST) -> list[list[int]]:
        return write(self, self.pictures, start=START, end=END, longest=longest, beams=beams)


def every_text() -> list[tuple[int, ...]]:
    """All texts behind the start token: ended, or as long as may be."""
    return [
        text
        for size in range(1, LONGEST)
        for text in itertools.product(range(WORDS), repeat=size)
        if END not in text[:-1] and (text[-1] == END or size == LONGEST - 1)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_enough_beams_find_the_likeliest_of_all_texts(seed: int) -> None:
    language = Language(seed)
    for picture, text in enumerate(language.write(beams=WORDS**LONGEST)):
        best = max(every_text(), key=lambda one: language.score(picture, one))
        assert text == [word for word in best if word != END]


@pytest.mark.parametrize("seed", range(4))
def test_one_beam_takes_the_likeliest_word_each_time(seed: int) -> None:
    language = Language(seed)
    for picture, text in enumerate(language.write(beams=1)):
        expected: list[int] = []
        told = [START, START]
        while len(told) < LONGEST + 1 and END not in told:
            told.append(int(language.table[picture, told[-2], told[-1]].argmax()))
            expected = [word for word in told[2:] if word != END]
        assert text == expected


def test_what_does_not_end_is_cut_off() -> None:
    def endless(texts: Tensor, owners: Tensor) -> Tensor:
        return torch.tensor([-9.0, -0.1, -8.0, -7.0]).expand(len(owners), -1)

    assert write(endless, torch.zeros(1, 1), start=START, end=END, longest=6, beams=1) == [[1] * 5]
