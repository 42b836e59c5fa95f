"""Zero-shot classification: which of the class names, put into templates, a learner finds best for a picture.

Where an objective compares unit features of picture and text (all that gather the texts' features do), each class is
the mean of its templates' unit features, scaled to length 1 again (CLIP's paper, section 3.1.4). Other objectives have
no feature of a text by itself; there a class scores the mean over its templates. The scores of language models and of
bags of words are log-likelihoods, so that the mean is the product of what each template says: the words of a template
cost all classes the same and fall out of the comparison, while the best score over templates would be that of whichever
template is likeliest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.encode.prompts import fill
from clipsearch.model import CLIPConfig
from training.errors import TrainingError
from training.evaluation.exams import Exam, Picture, Question
from training.evaluation.pixels import read
from training.loop.processes import Processes
from training.objectives.composite import Composite
from training.objectives.objective import Learner

PICTURES_AT_ONCE, TEXTS_AT_ONCE = 128, 512
PAIRS_AT_ONCE = 8192  # of picture and text, where each of them costs a pass of its own


Tokens = Callable[[Sequence[str]], Tensor]  # texts -> int64 [n, context]: what `training.data.texts.Texts` does
Answer = int | str  # how many classes score above the right one, or why the picture cannot be read
ALONE = Processes()


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of an exam; shares within 0..1.

    `top5` is None where no question has more than five classes. `mean_per_class` is the mean over labels of the share
    of right answers. `unreadable` holds a sentence for each picture that was left out.
    """

    aspect: str
    questions: int
    top1: float
    top5: float | None
    mean_per_class: float
    chance: float
    unreadable: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with the number of unreadable pictures."""
        return asdict(self) | {"unreadable": len(self.unreadable)}


def accuracy(
    learner: Learner,
    texts: Tokens,
    pictures: Sequence[tuple[Picture, int]],
    classes: Sequence[str],
    templates: Sequence[str],
) -> float:
    """Return the share of pictures, each given with the place of its class, whose class scores best.

    Raises TrainingError where there is no picture, class or template, or none of the pictures can be read.
    """
    names = tuple(classes)
    questions = [Question(picture, names, answer, names[answer]) for picture, answer in pictures]
    return grade(learner, texts, Exam("classes", tuple(templates), questions)).top1


def grade(learner: Learner, texts: Tokens, exam: Exam, group: Processes = ALONE) -> Result:
    """Put an exam's questions to a learner, in evaluation mode; afterwards it is in the mode in which it came.

    The processes of `group`, which hold the same weights, share the questions and the classes' texts out among them;
    what comes out is the same on all of them, and that of one process alone.

    Pictures that cannot be read are left out and told. Raises TrainingError as `accuracy` does.
    """
    if not exam.templates or not all(question.classes for question in exam.questions):
        raise TrainingError("Zero-shot classification needs at least one class and one template.")
    answers = _answers(learner, texts, exam, group) if exam.questions else []
    places = [(one, place) for one, place in zip(exam.questions, answers, strict=True) if isinstance(place, int)]
    if not places:
        raise TrainingError("There is no picture that can be read to measure zero-shot accuracy with.")
    return _result(exam, places, [fault for fault in answers if isinstance(fault, str)])


def _answers(learner: Learner, texts: Tokens, exam: Exam, group: Processes) -> list[Answer]:
    """Return the answer to each question; of several processes each judges every world-th one."""
    mine = exam.questions[group.rank :: group.world]
    with _evaluating(learner):
        kind = _Features if _compares_features(learner) else _Scores
        answering = kind(learner, texts, exam, group)
        parts = group.share(lambda: [*_judge(answering, mine, learner.clip.config)])
    answers: list[Answer] = [0] * len(exam.questions)
    for rank, part in enumerate(parts):
        answers[rank :: group.world] = part
    return answers


def _judge(answering: _Features | _Scores, questions: Sequence[Question], config: CLIPConfig) -> Iterator[Answer]:
    """Yield the answer to each question, some pictures at once."""
    for start in range(0, len(questions), PICTURES_AT_ONCE):
        block = questions[start : start + PICTURES_AT_ONCE]
        pixels, faults = read(block, config)
        asked = [question for question, fault in zip(block, faults, strict=True) if not fault]
        places = iter(answering.places(pixels, asked) if asked else [])
        for fault in faults:
            yield fault or next(places)


def _compares_features(learner: Learner) -> bool:
    """Tell whether the (first) objective is about cosines: then it compares pictures with the features of all texts."""
    objective = learner.objective
    return "text" in (objective.objectives[0] if isinstance(objective, Composite) else objective).gathered


@contextmanager
def _evaluating(learner: Learner) -> Iterator[None]:
    was_training = learner.training
    learner.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        learner.train(was_training)


class _Features:
    """Answers by cosines: each class is one vector, made once, by one of the processes."""

    def __init__(self, learner: Learner, texts: Tokens, exam: Exam, group: Processes = ALONE) -> None:
        self._clip, self._device = learner.clip, _device(learner)
        names = list(dict.fromkeys(name for question in exam.questions for name in question.classes))
        self._rows = {name: row for row, name in enumerate(names)}
        mine = names[group.rank :: group.world]
        parts = group.share(lambda: self._ensembles(texts, mine, exam.templates).cpu())
        self._vectors = torch.empty(len(names), parts[0].shape[1], device=self._device)
        for rank, part in enumerate(parts):
            self._vectors[rank :: group.world] = part.to(self._device)

    def places(self, pixels: Tensor, asked: Sequence[Question]) -> list[int]:
        """Return how many classes score above the right one, for each picture."""
        images = self._clip.encode_image(pixels.to(self._device)).float()
        scores = (functional.normalize(images, dim=-1) @ self._vectors.T).cpu()
        rows = [[self._rows[name] for name in question.classes] for question in asked]
        return [_place(own[row], question.answer) for own, row, question in zip(scores, rows, asked, strict=True)]

    def _ensembles(self, texts: Tokens, names: list[str], templates: Sequence[str]) -> Tensor:
        """Return a unit vector for each class, float32 [classes, d]."""
        filled = [fill(template, name) for name in names for template in templates]
        blocks = (filled[start : start + TEXTS_AT_ONCE] for start in range(0, len(filled), TEXTS_AT_ONCE))
        if not names:
            return torch.empty(0, self._clip.config.embed_dim)
        features = [self._clip.encode_text(texts(block).to(self._device)).float() for block in blocks]
        vectors = functional.normalize(torch.cat(features), dim=-1)
        return functional.normalize(vectors.reshape(len(names), len(templates), -1).mean(dim=1), dim=-1)


class _Scores:
    """Answers by the objective's own scores of picture and text."""

    def __init__(self, learner: Learner, texts: Tokens, exam: Exam, group: Processes = ALONE) -> None:
        self._learner, self._device = learner, _device(learner)
        self._texts, self._templates = texts, exam.templates

    def places(self, pixels: Tensor, asked: Sequence[Question]) -> list[int]:
        """Return how many classes score above the right one, for each picture."""
        together: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, question in enumerate(asked):
            together[question.classes].append(row)
        places = [0] * len(asked)
        for classes, rows in together.items():
            scores = self._mean_scores(pixels[rows].to(self._device), classes)
            for own, row in zip(scores, rows, strict=True):
                places[row] = _place(own, asked[row].answer)
        return places

    def _mean_scores(self, pixels: Tensor, classes: tuple[str, ...]) -> Tensor:
        """Return the mean over templates, float32 [n, classes]."""
        filled = [fill(template, name) for name in classes for template in self._templates]
        clip, objective = self._learner.clip, self._learner.objective
        at_once = max(1, PAIRS_AT_ONCE // len(pixels))
        blocks = (filled[start : start + at_once] for start in range(0, len(filled), at_once))
        scores = [objective.scores(clip, pixels, self._texts(block).to(self._device)) for block in blocks]
        mean: Tensor = torch.cat(scores, dim=1).float().cpu().reshape(len(pixels), len(classes), -1).mean(dim=2)
        return mean


def _device(learner: Learner) -> torch.device:
    return next(learner.clip.parameters()).device


def _place(scores: Tensor, answer: int) -> int:
    """Count the classes that score above the right one; one that scores the same counts, too, if it comes first.

    What is not a number is never above, and a right answer that is not one comes last.
    """
    right = scores[answer]
    if not torch.isfinite(right):
        return len(scores)
    return int((scores > right).sum() + (scores[:answer] == right).sum())


def _result(exam: Exam, places: list[tuple[Question, int]], bad: list[str]) -> Result:
    by_label: dict[str, list[bool]] = defaultdict(list)
    for question, place in places:
        by_label[question.label].append(place == 0)
    asked = [question for question, _ in places]
    many = any(len(question.classes) > 5 for question in asked)
    return Result(
        aspect=exam.aspect,
        questions=len(places),
        top1=_mean([place == 0 for _, place in places]),
        top5=_mean([place < 5 for _, place in places]) if many else None,
        mean_per_class=_mean([_mean(right) for right in by_label.values()]),
        chance=Exam(exam.aspect, exam.templates, asked).chance,
        unreadable=tuple(bad),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
