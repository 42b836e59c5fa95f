"""Zero-shot classification by learners whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from clipsearch.errors import ClipsearchError
from tests.pictures import paint
from tests.training.evaluation.learners import Likelihood, MeanColour, Words, learner
from training.errors import TrainingError
from training.evaluation import zero_shot
from training.evaluation.exams import Exam, Picture, Question
from training.evaluation.zero_shot import accuracy, grade
from training.objectives.composite import Composite
from training.objectives.contrastive import Contrastive
from training.objectives.sigmoid import Sigmoid

CLASSES = ("red", "green", "blue")


def coloured(*colours: str) -> list[tuple[Picture, int]]:
    return [(Image.new("RGB", (20, 20), colour), CLASSES.index(colour)) for colour in colours]


def questions(pictures: list[tuple[Picture, int]], classes: tuple[str, ...] = CLASSES) -> list[Question]:
    return [Question(picture, classes, answer, classes[answer]) for picture, answer in pictures]


def test_a_learner_that_sees_colours_names_them() -> None:
    pictures = coloured("red", "blue", "green", "green")
    assert accuracy(learner(), Words(), pictures, CLASSES, ["{}", "a photo of {}"]) == 1


def test_wrong_answers_count_as_wrong() -> None:
    pictures = [*coloured("red", "blue", "green"), (Image.new("RGB", (20, 20), "blue"), 0)]
    assert accuracy(learner(), Words(), pictures, CLASSES, ["{}"]) == 0.75


def test_each_template_counts_the_same_however_long_its_feature() -> None:
    """The feature of "shiny red" is eight times as long as that of "red"."""
    own, exam = learner(), Exam("colours", ("{}", "shiny {}"), questions(coloured("red")))
    vectors = torch.nn.functional.normalize(own.clip.encode_text(Words()(["red", "shiny red"])), dim=-1)
    wanted = torch.nn.functional.normalize(vectors.mean(dim=0), dim=-1)
    made = zero_shot._Features(own, Words(), exam)._vectors[0]
    torch.testing.assert_close(made, wanted)
    assert made.norm().item() == pytest.approx(1)


def test_texts_are_encoded_once_for_all_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "PICTURES_AT_ONCE", 2)
    own, words = learner(), Words()
    assert grade(own, words, Exam("colours", ("{}",), questions(coloured(*CLASSES * 3)))).questions == 9
    assert words.asked == 3
    assert isinstance(own.clip.visual, MeanColour) and own.clip.visual.pictures == 9


def test_a_learner_comes_back_in_the_mode_in_which_it_came() -> None:
    for mode in (True, False):
        own = learner().train(mode)
        accuracy(own, Words(), coloured("red"), CLASSES, ["{}"])
        assert own.training == own.clip.visual.training == mode
        assert not own.clip.visual.asked_in_training
        assert all(weight.grad is None for weight in own.parameters())


def test_an_error_leaves_the_mode_too() -> None:
    own = learner()
    with pytest.raises(ValueError, match="purple"):
        accuracy(own, Words(), coloured("red"), ("red", "purple"), ["{}"])
    assert own.training


def test_other_objectives_answer_by_the_mean_of_their_scores() -> None:
    """ "photo" costs much: every text of that template scores less, which must not matter between classes."""
    own = learner(Likelihood({"photo": 1000.0}))
    assert accuracy(own, Words(), coloured("red", "green", "blue"), CLASSES, ["{}", "photo of {}"]) == 1


def test_other_objectives_are_asked_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    exam = Exam("colours", ("{}", "a {}"), questions(coloured("red", "green", "blue", "blue")))
    parts = zero_shot._Scores(learner(Likelihood({})), Words(), exam)
    pixels = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = parts._mean_scores(pixels, CLASSES)
    monkeypatch.setattr(zero_shot, "PAIRS_AT_ONCE", 8)
    torch.testing.assert_close(parts._mean_scores(pixels, CLASSES), whole)


@pytest.mark.parametrize("objective", [None, Likelihood({})])
def test_each_question_is_asked_among_its_own_classes(objective: Likelihood | None) -> None:
    picture = Image.new("RGB", (20, 20), "blue")
    asked = [
        Question(picture, ("red", "green"), 0, "red"),  # neither is right; the first of equals is taken
        Question(picture, ("blue", "red"), 0, "blue"),
        Question(picture, ("red", "green", "blue"), 2, "blue"),
        Question(picture, ("blue", "red"), 1, "red"),
    ]
    result = grade(learner(objective), Words(), Exam("mixed", ("{}",), asked))
    assert (result.top1, result.chance) == (0.75, pytest.approx((1 / 2 + 1 / 2 + 1 / 3 + 1 / 2) / 4))
    assert result.mean_per_class == pytest.approx((1 / 2 + 1) / 2)


def test_top_5_where_there_are_more_than_five_classes() -> None:
    classes = ("red", "green", "blue", "shiny red", "a red", "a green", "shiny blue")
    asked = questions([(Image.new("RGB", (20, 20), "red"), place) for place in range(7)], classes)
    result = grade(learner(), Words(), Exam("colours", ("{}",), asked))
    assert (result.top1, result.top5) == (pytest.approx(1 / 7), pytest.approx(5 / 7))
    assert grade(learner(), Words(), Exam("colours", ("{}",), questions(coloured("red")))).top5 is None


def test_what_is_not_a_number_is_never_right() -> None:
    own = learner()
    with torch.no_grad():
        own.clip.visual.weight.fill_(float("nan"))
    assert accuracy(own, Words(), coloured("red", "green"), CLASSES, ["{}"]) == 0


def test_a_sigmoid_learner_is_scored_by_features() -> None:
    assert zero_shot._compares_features(learner(Sigmoid()))
    assert not zero_shot._compares_features(learner(Likelihood({})))


def test_of_several_objectives_the_first_one_answers() -> None:
    parts = [(Contrastive(), 1.0), (Likelihood({}), 0.5)]
    assert zero_shot._compares_features(learner(Composite(parts)))
    assert not zero_shot._compares_features(learner(Composite(parts[::-1])))


def test_files_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    paint(tmp_path / "red.png", "red")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    asked = questions([(tmp_path / "red.png", 0), (tmp_path / "broken.png", 1), (tmp_path / "missing.png", 2)])
    result = grade(learner(), Words(), Exam("colours", ("{}",), asked))
    assert (result.questions, result.top1) == (1, 1.0)
    assert [("broken" in one, "missing" in one) for one in result.unreadable] == [(True, False), (False, True)]
    assert result.to_json()["unreadable"] == 2


def test_nothing_to_ask_is_an_error(tmp_path: Path) -> None:
    for pictures in ([], [(tmp_path / "missing.png", 0)]):
        with pytest.raises(TrainingError, match="no picture that can be read"):
            accuracy(learner(), Words(), pictures, CLASSES, ["{}"])
    with pytest.raises(TrainingError, match="one template"):
        accuracy(learner(), Words(), coloured("red"), CLASSES, [])
    with pytest.raises(ClipsearchError, match="needs one"):
        accuracy(learner(), Words(), coloured("red"), CLASSES, ["a photo"])
