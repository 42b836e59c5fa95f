"""Reads all that tuning needs: the pictures in their parts, the texts, and what must not be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from clipsearch.encode.prompts import template_set
from clipsearch.model import CLIP
from training.errors import TrainingError
from training.finetuning.checks import (
    check_classes,
    check_copies,
    check_names,
    check_pairs,
    check_retention,
    check_told_apart,
)
from training.finetuning.original import Original, Tokens
from training.finetuning.pictures import (
    Files,
    Pictures,
    Split,
    halves,
    load_pictures,
    read_classes,
    read_pairs,
    some,
    split_classes,
    split_pairs,
)
from training.finetuning.settings import Settings
from training.finetuning.tasks import Classes, Pairs, Retention, Task, fitting_scale
from training.finetuning.towers import Towers, Words, words
from training.finetuning.vocabulary import vocabulary


@dataclass(frozen=True)
class Data:
    """Where pictures lie. `pictures`: a folder of folders named after classes or, with `pairs`, a table or a folder.

    `retention`: a folder of folders with what must not be forgotten, of which at most `most_retained` pictures are
    looked at, half of them only to be reported on; `test`: another folder with the same classes to report on.
    `templates` names a template set, or is a template with "{}" for the name.
    """

    pictures: Path
    pairs: bool = False
    retention: Path | None = None
    most_retained: int = 500
    test: Path | None = None
    templates: str = "default"


@dataclass(frozen=True)
class Retained:
    """What must not be forgotten: one half is `watched`, which steers; the other is only `reported`."""

    watched: Retention
    reported: Retention


@dataclass(frozen=True)
class Work:
    """All that a method needs."""

    original: Original
    towers: Towers  # of the original
    task: Task
    ordinary: Words  # texts of all kinds
    retained: Retained | None
    settings: Settings

    @property
    def measured(self) -> Pictures:
        """The pictures to report on: those by which is chosen only where no others were left."""
        return self.task.test if len(self.task.test) else self.task.validation

    @property
    def watched(self) -> Retention | None:
        """What epochs and the interpolation are chosen by."""
        return self.retained.watched if self.retained else None

    @property
    def reported(self) -> Retention | None:
        """What nothing is chosen by."""
        return self.retained.reported if self.retained else None

    @property
    def sizes(self) -> dict[str, int]:
        """How many pictures each part has."""
        sizes = {part: len(getattr(self.task, part)) for part in ("train", "validation", "test")}
        kept = {"retention_watched": self.watched, "retention_reported": self.reported}
        return sizes | {part: len(one.pictures) if one else 0 for part, one in kept.items()}


def prepare(original: Original, data: Data, settings: Settings, warnings: list[str]) -> Work:
    """Read all pictures and texts; what is wrong with them is added to `warnings` or raised as ClipsearchError."""
    tokens, spec = original.tokens(), original.preprocess
    split = _pairs(data, settings, warnings) if data.pairs else _classes(data, settings, warnings)
    load = partial(load_pictures, preprocess=spec, warnings=warnings)
    test = load(split.test) if len(split.test) else _nothing(spec.size, load(split.validation))
    own = words(split.train.texts, ["{}"] if data.pairs else _templates(data), tokens)
    if not data.pairs:
        check_told_apart(own)
    ordinary = words(vocabulary(original.form.tokenizer, settings.seed), _templates(data)[:1], tokens)
    towers = Towers(_frozen(original.clip, settings.device))
    pictures = (load(split.train), load(split.validation), test)
    task = Pairs(own, *pictures) if data.pairs else Classes(own, *pictures, fitting_scale(towers, own, pictures[0]))
    if data.retention is None:
        warnings.append("Without a retention set nobody sees what the model forgets; give one by --retention.")
    retained = _retained(data.retention, data, tokens, load, settings) if data.retention else None
    if retained:
        warnings += check_retention(len(retained.reported.pictures))
    work = Work(original, towers, task, ordinary, retained, settings)
    others = {"validation": task.validation, "test": task.test}
    kept = {"retention": work.reported.pictures} if work.reported else {}
    warnings += check_copies(task.train, others | kept)
    return work


def _frozen(clip: CLIP, device: str) -> CLIP:
    try:
        return clip.requires_grad_(False).eval().to(device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(f"The device {device} cannot be used ({str(error).splitlines()[0]}).") from error


def _classes(data: Data, settings: Settings, warnings: list[str]) -> Split:
    files = read_classes(data.pictures)
    warnings += check_classes(files)
    split = split_classes(files, settings.shots, settings.validation, settings.seed)
    return split if data.test is None else replace(split, test=_renumbered(read_classes(data.test), files.texts))


def _pairs(data: Data, settings: Settings, warnings: list[str]) -> Split:
    split = split_pairs(read_pairs(data.pictures, warnings), settings.validation, settings.seed)
    warnings += check_pairs(len(split.train), settings.batch_size)
    return split


def _renumbered(files: Files, classes: Sequence[str]) -> Files:
    """Give pictures of the same classes in another folder the first one's numbers. Raises TrainingError."""
    numbers = {name.casefold(): number for number, name in enumerate(classes)}
    if unknown := [name for name in files.texts if name.casefold() not in numbers]:
        raise TrainingError(f"The test pictures have a class “{unknown[0]}”, which is not among those to be learned.")
    labels = tuple(numbers[files.texts[label].casefold()] for label in files.labels)
    return Files(tuple(classes), files.paths, labels)


def _retained(
    folder: Path, data: Data, tokens: Tokens, load: Callable[[Files], Pictures], settings: Settings
) -> Retained:
    files = read_classes(folder)
    check_names(files)
    if min(len(files), data.most_retained) < 2:
        raise TrainingError(f"The retention set {folder} takes at least two pictures, one to watch and one to report.")
    own: Words = words(files.texts, _templates(data), tokens)
    check_told_apart(own)
    watched, reported = halves(some(files, data.most_retained, settings.seed), settings.seed)
    return Retained(Retention(own, load(watched)), Retention(own, load(reported)))


def _templates(data: Data) -> Sequence[str]:
    return [data.templates] if "{}" in data.templates else template_set(data.templates)


def _nothing(size: int, like: Pictures) -> Pictures:
    return Pictures(
        torch.zeros(0, size, size, 3, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64), like.preprocess
    )
