"""N-grams: counting, finding, and the smoothed loss against its equation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.model.tiny import randomised
from tests.training.objectives.tiny import END, START, VIT, VOCABULARY, batch_of, learner_of, texts
from training.data.pairs import Batch
from training.errors import TrainingError
from training.objectives import n_grams, vocabulary
from training.objectives.n_grams import Dictionary, Gram, count
from training.objectives.objective import Learner
from training.objectives.visual_n_grams import SHARE, VisualNGrams
from training.objectives.words import are_words

SENTENCES = [[5, 6, 7, 5, 6], [5, 6, 8], [7, 5, 6, 7], [9], [6, 7, 5]]


def tokens_of(sentences: list[list[int]]) -> Tensor:
    rows = [[START, *sentence, END] for sentence in sentences]
    return torch.tensor([row + [0] * (8 - len(row)) for row in rows])


def all_grams(order: int) -> Counter[Gram]:
    return Counter(
        tuple(sentence[start : start + size])
        for sentence in SENTENCES
        for size in range(1, order + 1)
        for start in range(len(sentence) - size + 1)
    )


def test_the_most_frequent_are_counted_over_all_texts() -> None:
    expected = all_grams(3)
    found = count([tokens_of(SENTENCES[:2]), tokens_of(SENTENCES[2:])], VOCABULARY, order=3, most=1000)
    assert set(found) == set(expected)
    assert [expected[gram] for gram in found] == sorted(expected.values(), reverse=True)


@pytest.mark.parametrize("most", range(1, 20))
def test_beginnings_and_ends_stay_in_a_bounded_dictionary(most: int) -> None:
    found = count([tokens_of(SENTENCES)], VOCABULARY, order=4, most=most)
    assert len(found) == min(most, len(all_grams(4)))
    for gram in found:
        assert len(gram) == 1 or {gram[:-1], gram[1:]} <= set(found)


def test_counting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(n_grams, "COUNTED", 2)
    often = [tokens_of([[5, 6]] * 3 + [[word]]) for word in range(10, 30)]
    assert count(often, VOCABULARY, order=2, most=3) == [(5,), (6,), (5, 6)]


def test_texts_without_words_are_refused() -> None:
    with pytest.raises(TrainingError, match="no words"):
        count([torch.tensor([[START, END]])], VOCABULARY, order=2, most=5)


def test_n_grams_are_found_where_they_end() -> None:
    grams = count([tokens_of(SENTENCES)], VOCABULARY, order=3, most=14)
    found, known = Dictionary(grams, VOCABULARY).find(tokens_of([*SENTENCES, [8, 5, 30, 6, 7]]))
    for row, sentence in enumerate([*SENTENCES, [8, 5, 30, 6, 7]]):
        for place in range(len(sentence)):
            for size in range(1, 4):
                gram = tuple(sentence[place + 1 - size : place + 1]) if size <= place + 1 else None
                number = int(found[row, place + 1, size - 1])
                assert (grams[number] if number >= 0 else None) == (gram if gram in grams else None)
                begun = gram is not None and any(other[:-1] == gram[:-1] for other in grams)
                assert bool(known[row, place + 1, size - 1]) == begun
    assert (found[:, 0] == -1).all()  # the start token
    assert not known[~are_words(tokens_of([*SENTENCES, [8, 5, 30, 6, 7]]), VOCABULARY)].any()


def probability(likely: Callable[[Gram], float], grams: list[Gram], text: Gram) -> float:
    """p(last word | those before), by its recursion."""
    rivals = [gram for gram in grams if gram[:-1] == text[:-1] and len(gram) == len(text)]
    total = sum(likely(gram) for gram in rivals)
    observed = likely(text) / total if text in grams else 0.0
    if len(text) == 1:
        return observed
    shorter = probability(likely, grams, text[1:])
    return SHARE * observed + (1 - SHARE) * shorter if rivals else shorter


def learner() -> tuple[Learner, VisualNGrams, list[Gram]]:
    """Make one whose dictionary lacks some of the words."""
    made = learner_of(VIT, kind="visual-n-grams")
    grams = count([tokens_of(SENTENCES)], VOCABULARY, order=3, most=14)
    torch.manual_seed(0)
    made.objective = VisualNGrams(VIT, grams)
    randomised(made)
    return made, made.objective, grams


def likelihood(made: Learner, objective: VisualNGrams, grams: list[Gram], picture: Tensor) -> Callable[[Gram], float]:
    logits = objective.embedding(made.clip.encode_image(picture[None]))[0].tolist()
    return lambda gram: math.exp(logits[grams.index(gram)])


ASKED = [[5, 6, 7, 5], [7, 5, 6, 8], [9, 30, 5, 6], [30], [6, 6, 6], [9]]


@pytest.mark.parametrize("at_once", [1, 30, 2**24])
@torch.no_grad()
def test_the_loss_is_the_smoothed_one(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(vocabulary, "LOGITS", at_once)
    made, objective, grams = learner()
    pixels = batch_of(VIT).pixels[: len(ASKED)]
    lost = made(Batch(pixels, tokens_of(ASKED)))["n_grams"]
    for row, sentence in enumerate(ASKED):
        likely = likelihood(made, objective, grams, pixels[row])
        surprises = [
            -math.log(probability(likely, grams, tuple(sentence[max(0, place - 2) : place + 1])))
            for place, word in enumerate(sentence)
            if (word,) in grams
        ]
        assert float(lost[row]) == pytest.approx(sum(surprises) / max(1, len(surprises)), abs=1e-5)


@torch.no_grad()
def test_scores_are_log_likelihoods_in_which_other_words_cost_alike() -> None:
    made, objective, grams = learner()
    pixels = batch_of(VIT).pixels[:2]
    scores = objective.scores(made.clip, pixels, tokens_of([*ASKED, []]))
    for row in range(2):
        likely = likelihood(made, objective, grams, pixels[row])
        for column, sentence in enumerate(ASKED):
            wanted = 0.0
            for place, word in enumerate(sentence):
                gram = tuple(sentence[max(0, place - 2) : place + 1])
                wanted += math.log(probability(likely, grams, gram) if (word,) in grams else 1 / VOCABULARY)
            assert float(scores[row, column]) == pytest.approx(wanted, abs=1e-5)
    assert scores[:, -1].tolist() == [-math.inf] * 2


@torch.no_grad()
def test_the_probabilities_of_all_words_sum_up_to_one() -> None:
    made, objective, grams = learner()
    picture = batch_of(VIT).pixels[:1]
    words = [gram[0] for gram in grams if len(gram) == 1]
    for history in ([], [5], [6, 7], [5, 6], [30, 6], [8, 8]):
        asked = tokens_of([[*history, word] for word in words])
        before = objective.scores(made.clip, picture, tokens_of([history]))[0] if history else torch.zeros(1)
        after = objective.scores(made.clip, picture, asked)[0]
        assert float((after - before).exp().sum()) == pytest.approx(1.0, abs=1e-5)


def test_gradients_are_those_of_the_plain_loss() -> None:
    """Also where an n-gram is not in the dictionary, whose logarithm is infinite."""
    made, objective, grams = learner()
    pixels = batch_of(VIT).pixels[: len(ASKED)]
    weights = [weight for weight in made.parameters() if weight.requires_grad]
    found = torch.autograd.grad(made(Batch(pixels, tokens_of(ASKED)))["n_grams"].sum(), weights)
    logits = objective.embedding(made.clip.encode_image(pixels))
    total = torch.zeros(())
    for row, sentence in enumerate(ASKED):
        lost = [
            plain(logits[row], grams, tuple(sentence[max(0, place - 2) : place + 1])).log()
            for place, word in enumerate(sentence)
            if (word,) in grams
        ]
        total = total - sum(lost) / max(1, len(lost))
    torch.testing.assert_close(found, torch.autograd.grad(total, weights), rtol=1e-4, atol=1e-5)


def plain(logits: Tensor, grams: list[Gram], text: Gram) -> Tensor:
    rivals = [place for place, gram in enumerate(grams) if gram[:-1] == text[:-1] and len(gram) == len(text)]
    observed = logits[rivals].softmax(0)[rivals.index(grams.index(text))] if text in grams else torch.zeros(())
    if len(text) == 1:
        return observed
    shorter = plain(logits, grams, text[1:])
    return SHARE * observed + (1 - SHARE) * shorter if rivals else shorter


def test_the_dictionary_is_kept_with_the_weights() -> None:
    made, objective, grams = learner()
    other = VisualNGrams(VIT, [(word,) for word in range(len(grams))])
    assert other.dictionary.order == 1
    assert {name.split(".")[0] for name in objective.state_dict()} == {"dictionary", "embedding"}
    again = VisualNGrams(VIT, grams)
    again.load_state_dict(objective.state_dict())
    tokens = texts()
    torch.testing.assert_close(
        again.scores(made.clip, batch_of(VIT).pixels, tokens), objective.scores(made.clip, batch_of(VIT).pixels, tokens)
    )
