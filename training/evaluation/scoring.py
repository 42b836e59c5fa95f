"""What a model can do without being trained for it: on the held-out combinations of scenes, or a folder of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from clipsearch.encode.prompts import template_set
from training.errors import TrainingError
from training.evaluation.exams import Exam
from training.evaluation.folder import classes_of
from training.evaluation.zero_shot import ALONE, Result, Tokens, grade
from training.loop.processes import Processes
from training.objectives.objective import Learner
from training.run import Evaluation
from training.scenes import exams

#: the scenes that measure are drawn from this seed whatever a run's own is, so that runs can be compared
SCENES_SEED = 20210226


@dataclass(frozen=True, slots=True)
class Score:
    """Results, of which the first one is the headline."""

    results: tuple[Result, ...]

    @property
    def accuracy(self) -> float:
        """Share of right answers (top 1): on held-out pairs of colour and shape, or on the folder's pictures."""
        return self.results[0].top1

    @property
    def chance(self) -> float:
        """What guessing would give instead."""
        return self.results[0].chance

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the headline's and, where there are several aspects, those of each."""
        first = self.results[0].to_json()
        head = {"zero_shot_accuracy": first.pop("top1"), "chance": first.pop("chance")} | first
        return head | ({"aspects": [one.to_json() for one in self.results]} if len(self.results) > 1 else {})


def score(learner: Learner, texts: Tokens, evaluation: Evaluation, group: Processes = ALONE) -> Score:
    """Measure zero-shot accuracy as a run asks for it; the processes of `group` share the work and all know the score.

    Raises TrainingError for a folder of classes that cannot be used, too few pictures or, on all processes, where they
    do not see the same pictures, and ClipsearchError for unknown templates.
    """
    exams: list[Exam] = []

    def look() -> int:
        exams.extend(_exams(evaluation))
        return _fingerprint(exams)

    if len(set(group.share(look))) > 1:
        message = "The processes do not see the same pictures to measure zero-shot accuracy with"
        raise TrainingError(f"{message}; is {evaluation.classes} the same folder on all machines?")
    return Score(tuple(grade(learner, texts, exam, group) for exam in exams))


def _fingerprint(exams: Sequence[Exam]) -> int:
    """Return a number that tells whether processes have the same questions in the same order."""
    asked = [
        (one.label, one.picture.name if isinstance(one.picture, Path) else "")
        for exam in exams
        for one in exam.questions
    ]
    return crc32(repr(asked).encode())


def _exams(evaluation: Evaluation) -> list[Exam]:
    if evaluation.pictures < 1:
        raise TrainingError("Zero-shot accuracy needs at least one picture to be measured with.")
    if evaluation.classes:
        return [classes_of(Path(evaluation.classes), template_set(evaluation.templates), evaluation.pictures)]
    return [exam for exam in exams(evaluation.pictures, SCENES_SEED) if exam.questions]
