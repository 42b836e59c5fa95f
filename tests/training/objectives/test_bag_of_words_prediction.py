"""Predicting words: which are words at all, and Joulin's loss over them."""

from __future__ import annotations

import math

import pytest
import torch

from tests.model.tiny import randomised
from tests.training.objectives.tiny import END, START, VIT, VOCABULARY, batch_of, learner_of
from training.data.pairs import Batch
from training.objectives import vocabulary
from training.objectives.bag_of_words_prediction import BagOfWordsPrediction
from training.objectives.objective import Learner
from training.objectives.words import are_words, bags

TEXTS = torch.tensor(
    [
        [START, 5, 0, 5, 7, END, 0, 0],  # 0 is padding only behind the end
        [START, END, 5, 5, 0, 0, 0, 0],
        [9, 9, 9, END, 9, 0, 0, 0],  # without start token
    ]
)


def words_of(text: list[int]) -> list[int]:
    return [word for word in text[: text.index(END)] if word != START]


def learner() -> Learner:
    made = learner_of(VIT, kind="bag-of-words-prediction")
    randomised(made)
    return made


def test_start_end_and_padding_are_no_words() -> None:
    marked = are_words(TEXTS, VOCABULARY)
    assert [text[mark].tolist() for text, mark in zip(TEXTS, marked, strict=True)] == [[5, 0, 5, 7], [], [9, 9, 9]]
    ids, counted = bags(TEXTS, VOCABULARY)
    assert [row[mark].tolist() for row, mark in zip(ids, counted, strict=True)] == [[0, 5, 7], [], [9]]


@pytest.mark.parametrize("at_once", [1, 100, 2**24])
@torch.no_grad()
def test_the_loss_is_the_mean_surprise_at_each_word_once(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(vocabulary, "LOGITS", at_once)
    taught, pixels = learner(), batch_of(VIT).pixels[:3]
    objective = taught.objective
    assert isinstance(objective, BagOfWordsPrediction)
    lost = taught(Batch(pixels, TEXTS))["words"]
    for row, text in enumerate(TEXTS.tolist()):
        feature = taught.clip.encode_image(pixels)[row]
        logits = [
            float(feature @ objective.words.weight[word] + objective.words.bias[word]) for word in range(VOCABULARY)
        ]
        total = math.log(sum(map(math.exp, logits)))
        words = set(words_of(text))
        wanted = sum(total - logits[word] for word in words) / max(1, len(words))
        assert float(lost[row]) == pytest.approx(wanted, abs=1e-5)


def test_gradients_are_those_of_the_plain_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "LOGITS", 100)
    taught, batch = learner(), batch_of(VIT)
    weights = [weight for weight in taught.parameters() if weight.requires_grad]
    found = torch.autograd.grad(taught(batch)["words"].mean(), weights)
    objective = taught.objective
    assert isinstance(objective, BagOfWordsPrediction)
    likely = objective.words(taught.clip.encode_image(batch.pixels)).log_softmax(-1)
    plain = [-likely[row, sorted(set(words_of(text)))].mean() for row, text in enumerate(batch.tokens.tolist())]
    torch.testing.assert_close(found, torch.autograd.grad(torch.stack(plain).mean(), weights), rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_scores_are_the_words_likelihoods() -> None:
    taught, pixels = learner(), batch_of(VIT).pixels[:2]
    objective = taught.objective
    assert isinstance(objective, BagOfWordsPrediction)
    scores = objective.scores(taught.clip, pixels, TEXTS)
    likely = objective.words(taught.clip.encode_image(pixels)).log_softmax(-1)
    wanted = [[float(row[sorted({*words_of(text)})].sum()) for text in TEXTS.tolist()] for row in likely]
    torch.testing.assert_close(scores[:, [0, 2]], torch.tensor(wanted)[:, [0, 2]], rtol=0, atol=1e-5)
    assert scores[:, 1].tolist() == [-math.inf] * 2
