from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from clipsearch.model import CLIP
from tests.encode.tiny_packages import random_model
from tests.training.finetuning.scripted import pictures, task, words
from tests.training.tiny_runs import VIT
from training.finetuning.tasks import LEAST_SCALE, Pairs, Retention, fitting_scale
from training.finetuning.towers import Towers
from training.finetuning.tunable import Tuning, still


def plain(clip: CLIP | None = None) -> Tuning:
    return still(clip or random_model(VIT), Towers(random_model(VIT)))


def test_a_class_is_the_mean_of_its_templates_scaled_to_length_one_again() -> None:
    clip, own = random_model(VIT), words(3, 2)
    with torch.no_grad():
        each = functional.normalize(clip.encode_text(own.tokens.flatten(0, 1)), dim=-1)
    wanted = functional.normalize((each[0::2] + each[1::2]) / 2, dim=-1)
    assert torch.allclose(plain(clip).texts(own), wanted, atol=1e-6)


def test_classes_are_told_apart_by_a_softmax_over_all_of_them() -> None:
    own, tuning = task(), plain()
    scale = random_model(VIT).logit_scale.exp()
    logits = scale * tuning.images(own.train) @ tuning.texts(own.words).T
    rows = torch.tensor([4, 7, 0])
    wanted = -torch.log_softmax(logits, 1)[rows, own.train.labels[rows]].mean()
    assert torch.allclose(own.loss(tuning, own.train, rows), wanted, atol=1e-6)
    right = (logits.argmax(1) == own.train.labels).float().mean()
    assert own.accuracy(tuning, own.train) == pytest.approx(float(right))


def pairs(labels: list[int]) -> Pairs:
    shown = pictures(len(labels), 7)
    shown = replace(shown, labels=torch.tensor(labels))
    return Pairs(words(max(labels) + 1, 1), shown, shown, shown)


def test_pairs_without_equal_texts_are_the_paper_s_objective() -> None:
    own, tuning = pairs([2, 0, 3, 1]), plain()
    rows = torch.tensor([1, 3, 2])
    images, texts = tuning.images(own.train)[rows], tuning.texts(own.words)[own.train.labels[rows]]
    logits, targets = tuning.towers.scale * images @ texts.T, torch.arange(3)
    wanted = (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2
    assert torch.allclose(own.loss(tuning, own.train, rows), wanted, atol=1e-6)


def test_pictures_with_one_text_are_both_right() -> None:
    own, tuning = pairs([0, 0]), plain()
    assert float(own.loss(tuning, own.train, torch.arange(2))) >= math.log(2) - 1e-6
    same = replace(own.train, squares=own.train.squares[[0, 0]])
    assert float(own.loss(tuning, same, torch.arange(2))) == pytest.approx(math.log(2), abs=1e-5)
    assert own.accuracy(tuning, own.train) == 1.0


def test_recall_is_the_mean_of_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    own, tuning = pairs([0, 1, 2]), plain()
    images = torch.eye(3)
    texts = torch.tensor([[1.0, 0, 0], [2.0, 3, 0], [0, 0, 1]])  # picture 0 finds text 1, all texts find theirs
    monkeypatch.setattr(Towers, "images", lambda *arguments: images)
    monkeypatch.setattr(Towers, "texts", lambda self, own, rows=None: texts if rows is None else texts[rows])
    assert own.accuracy(tuning, own.train) == pytest.approx((2 / 3 + 1) / 2)


def test_retention_is_zero_shot() -> None:
    own, clip = task(), random_model(VIT)
    scores = plain(clip).images(own.test) @ plain(clip).texts(own.words).T
    wanted = (scores.argmax(1) == own.test.labels).float().mean()
    assert Retention(own.words, own.test).accuracy(plain(clip)) == pytest.approx(float(wanted))


def test_features_of_a_fixed_tower_are_computed_once_and_those_of_a_tuned_one_anew() -> None:
    own, clip = task(), random_model(VIT)
    for fixed in (True, False):
        towers = Towers(clip, image_fixed=fixed)
        with torch.no_grad():
            before = towers.images(own.train).clone()
            clip.visual.proj.mul_(-1)  # type: ignore[union-attr,operator]
            assert torch.equal(towers.images(own.train), before) == fixed


def test_gradients_flow_through_a_tuned_tower_and_rows_are_rows() -> None:
    own, towers = task(), Towers(random_model(VIT), image_fixed=False, text_fixed=False)
    rows = torch.tensor([5, 2])
    assert towers.images(own.train, rows).requires_grad and towers.texts(own.words, rows % 3).requires_grad
    with torch.no_grad():
        assert torch.allclose(towers.images(own.train, rows), towers.images(own.train)[rows], atol=1e-5)


def test_a_score_compares_accuracy_first() -> None:
    own, tuning = task(), plain()
    score = own.score(tuning, own.validation)
    assert score.accuracy == own.accuracy(tuning, own.validation)
    assert score.minus_loss == pytest.approx(-float(own.loss(tuning, own.validation, torch.arange(6))), abs=1e-6)


@pytest.mark.parametrize("sharpness", [0.5, 3.0])
def test_the_scale_is_where_the_loss_is_least(sharpness: float, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = torch.Generator().manual_seed(0)
    shown, own = pictures(60, 7), words(3, 1)
    texts = functional.normalize(torch.randn(3, 8, generator=noise), dim=-1)
    images = functional.normalize(sharpness * texts[shown.labels] + torch.randn(60, 8, generator=noise), dim=-1)
    towers = Towers(random_model(VIT))
    monkeypatch.setattr(towers, "images", lambda some: images)
    monkeypatch.setattr(towers, "texts", lambda some: texts)
    losses = {scale: float(functional.cross_entropy(scale * images @ texts.T, shown.labels)) for scale in range(5, 15)}
    best = min(losses, key=lambda scale: losses[scale])
    assert fitting_scale(towers, own, shown) == pytest.approx(best, abs=0.6)
    assert LEAST_SCALE <= fitting_scale(towers, own, shown) <= float(towers.scale)
