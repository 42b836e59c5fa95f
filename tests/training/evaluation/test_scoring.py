"""A run's own evaluation, and the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from clipsearch.encode.tokenizer import Tokenizer
from tests.training.evaluation.learners import Words, learner
from tests.training.tiny_runs import CONTEXT, EOT, VIT, colours, write_run
from training.__main__ import main
from training.errors import TrainingError
from training.evaluation.command import tokens_of
from training.evaluation.scoring import score
from training.run import Evaluation
from training.scenes import ASPECTS
from training.trained import find, form_of


def any_words(texts: Sequence[str]) -> torch.Tensor:
    """Make tokens of any text: a few of its letters."""
    return torch.tensor([[1 + ord(letter) % 7 for letter in text.ljust(8)[-8:]] for text in texts])


def test_scenes_are_asked_aspect_by_aspect() -> None:
    result = score(learner(), any_words, Evaluation(pictures=70))
    assert [one.aspect for one in result.results] == list(ASPECTS)
    assert [one.questions for one in result.results] == [10] * 7
    assert result.chance == pytest.approx(1 / 192) and result.accuracy == result.results[0].top1
    told = result.to_json()
    assert told["zero_shot_accuracy"] == result.accuracy and told["chance"] == result.chance
    assert [one["aspect"] for one in told["aspects"]] == list(ASPECTS)


def test_the_same_scenes_are_asked_each_time() -> None:
    first, again = (score(learner(), any_words, Evaluation(pictures=140)).to_json() for _ in range(2))
    assert first == again


def test_few_pictures_leave_aspects_out_and_none_is_an_error() -> None:
    assert [one.aspect for one in score(learner(), any_words, Evaluation(pictures=2)).results] == list(ASPECTS[:2])
    for classes in ("", "somewhere"):
        with pytest.raises(TrainingError, match="at least one picture"):
            score(learner(), any_words, Evaluation(pictures=0, classes=classes))


def test_a_folder_of_classes_is_asked_in_a_set_of_templates(tmp_path: Path) -> None:
    result = score(learner(), _Forgiving(), Evaluation(classes=str(colours(tmp_path)), templates="short"))
    assert (result.accuracy, result.chance) == (1.0, pytest.approx(1 / 3))
    assert result.results[0].questions == 18 and "aspects" not in result.to_json()


class _Forgiving(Words):
    """Knows no other words than its own, and passes over the rest."""

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        known = {"red", "green", "blue"}
        return super().__call__([" ".join(word for word in text.split() if word in known) for text in texts])


def test_tokens_are_those_of_the_package(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    tokens = tokens_of(form_of(find(run), VIT))
    own = Tokenizer(run / "tokenizer.json", CONTEXT, 0, "clip", EOT)
    text = ["a photo of a red Dog", "blue " * 40]
    assert tokens(text).shape == (2, CONTEXT) and tokens(text).dtype == torch.int64
    assert tokens(text).tolist() == own(text)[0].tolist()
    short = own(["a"])[0][0].tolist()
    assert tokens(["a"]).tolist() == [short + [0] * (CONTEXT - len(short))]


@pytest.mark.parametrize("place", ["run", "run/model"])
def test_the_command_prints_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    write_run(tmp_path / "run")
    main(["evaluate", str(tmp_path / place), "--pictures", "14"])
    lines = capsys.readouterr().out.splitlines()
    told = json.loads(lines[0])
    assert len(lines) == 1 and len(told["aspects"]) == 7 and 0 <= told["zero_shot_accuracy"] <= 1
    assert told["model"] == str(tmp_path / place)


def test_the_command_takes_real_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run")
    main(["evaluate", str(run), "--classes", str(colours(tmp_path / "classes")), "--templates", "imagenet-7"])
    told = json.loads(capsys.readouterr().out)
    assert (told["questions"], told["chance"]) == (18, pytest.approx(1 / 3))


def test_the_command_draws_scenes(tmp_path: Path) -> None:
    main(["scenes", "--out", str(tmp_path / "scenes"), "--count", "3", "--held-out"])
    assert len(list((tmp_path / "scenes").glob("*-held-out.png"))) == 3
