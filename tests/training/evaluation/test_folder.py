"""A folder of folders as classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pictures import paint
from training.errors import TrainingError
from training.evaluation.folder import classes_of


def test_folders_are_classes_and_pictures_are_dealt_evenly(tmp_path: Path) -> None:
    for number in range(3):
        paint(tmp_path / "fire_truck" / f"{number}.png")
    paint(tmp_path / "apple" / "deep" / "one.png")
    (tmp_path / "nothing").mkdir()
    (tmp_path / ".hidden").mkdir()
    paint(tmp_path / "apple" / ".thumbnail.png")
    (tmp_path / "notes.txt").write_text("not a class")
    for name in ("a.txt", "a.tar"):
        (tmp_path / "apple" / name).write_text("no picture")
    exam = classes_of(tmp_path, ("a {}",))
    assert [(question.label, Path(str(question.picture)).name) for question in exam.questions] == [
        ("apple", "one.png"),
        ("fire truck", "0.png"),
        ("fire truck", "1.png"),
        ("fire truck", "2.png"),
    ]
    assert {question.classes for question in exam.questions} == {("apple", "fire truck")}
    assert [question.classes[question.answer] for question in exam.questions] == [one.label for one in exam.questions]
    assert [question.label for question in classes_of(tmp_path, ("a {}",), 2).questions] == ["apple", "fire truck"]


def test_folders_that_hold_no_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        classes_of(tmp_path / "missing", ("{}",))
    paint(tmp_path / "only" / "one.png")
    with pytest.raises(TrainingError, match="two folders or more"):
        classes_of(tmp_path, ("{}",))
