"""Tune a model by each of the methods in turn, from harmless to strong, and write what comes out of each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from clipsearch.encode.prompts import template_set
from clipsearch.model import CLIP
from clipsearch.model.checkpoint.own import replace as replace_file
from training.errors import TrainingError
from training.finetuning import settings as limits
from training.finetuning.checks import check_classes, check_names, check_pairs, check_told_apart
from training.finetuning.interpolation import choose
from training.finetuning.methods import Tuned, Tuning, begin, still
from training.finetuning.original import Original, Tokens, open_original
from training.finetuning.pictures import (
    Files,
    Pictures,
    Split,
    load_pictures,
    read_classes,
    read_pairs,
    some,
    split_classes,
    split_pairs,
)
from training.finetuning.report import Outcome, Report
from training.finetuning.settings import Settings
from training.finetuning.tasks import Classes, Pairs, Retention, Task
from training.finetuning.towers import Towers, Words, words
from training.finetuning.tuning import Epoch, tune
from training.trained import lay_out

HEAD, RESULTS, CARD = "head.safetensors", "results.json", "README.md"
USUAL = Settings()


@dataclass(frozen=True)
class Data:
    """Where pictures lie. `pictures`: a folder of folders named after classes or, with `pairs`, a table or a folder.

    `retention`: a folder of folders with what must not be forgotten, of which at most `most_retained` pictures are
    looked at; `test`: another folder with the same classes to report on. `templates` names a template set, or is
    a template with "{}" for the name.
    """

    pictures: Path
    pairs: bool = False
    retention: Path | None = None
    most_retained: int = 500
    test: Path | None = None
    templates: str = "default"


@dataclass(frozen=True)
class _Work:
    """All that a method needs."""

    original: Original
    towers: Towers  # of the original
    task: Task
    retention: Retention | None
    settings: Settings

    @property
    def measured(self) -> Pictures:
        return self.task.test if len(self.task.test) else self.task.validation

    def kept(self, tuning: Tuning) -> float | None:
        """Return the accuracy on the retention set, None where there is none."""
        return None if self.retention is None else self.retention.accuracy(tuning)


def finetune(
    model: str,
    data: Data,
    out: Path,
    methods: Sequence[str] = tuple(limits.RATES),
    settings: Settings = USUAL,
    told: Callable[[str], None] = lambda line: None,
) -> Report:
    """Tune `model`, a path or the name of an installed package, and write a folder for each method into `out`.

    Each holds a model that can be exported; `results.json` and `README.md` beside them are the report. `told` hears
    each warning and epoch.

    Raises ClipsearchError, in one sentence, for what cannot be read or would not work.
    """
    limits.check(settings)
    if unknown := [method for method in methods if method not in limits.RATES]:
        raise TrainingError(f"There is no method {unknown[0]}; there are {', '.join(limits.RATES)}.")
    if data.pairs and "head" in methods:
        methods = [method for method in methods if method != "head"]
    if not methods:
        raise TrainingError("A linear head needs classes; for pairs take another method.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} is there already; choose a new folder for what comes out.")
    warnings: list[str] = []
    original = open_original(model)
    work = _prepare(original, data, settings, warnings)
    for warning in warnings:
        told(f"warning: {warning}")
    sizes = {part: len(getattr(work.task, part)) for part in ("train", "validation", "test")}
    sizes["retention"] = len(work.retention.pictures) if work.retention else 0
    kinds = "pairs" if data.pairs else "classes"
    measured_on = "test" if len(work.task.test) else "validation"
    report = Report(original.name, kinds, str(data.pictures), measured_on, sizes, settings, [], warnings)
    for method in methods:
        report = replace(report, outcomes=[*report.outcomes, _try(method, work, out, told)])
        _write(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", out / RESULTS)
        _write(report.card(), out / CARD)
    return report


def _prepare(original: Original, data: Data, settings: Settings, warnings: list[str]) -> _Work:
    """Read all pictures and texts; what is wrong with them is told or raised."""
    tokens, spec = original.tokens(), original.preprocess
    split = _pairs(data, settings, warnings) if data.pairs else _classes(data, settings, warnings)
    load = partial(load_pictures, preprocess=spec, warnings=warnings)
    test = load(split.test) if len(split.test) else _nothing(spec.size, load(split.validation))
    own = words(split.train.texts, ["{}"] if data.pairs else _templates(data), tokens)
    if not data.pairs:
        check_told_apart(own)
    kind = Pairs if data.pairs else Classes
    task = kind(own, load(split.train), load(split.validation), test)
    if data.retention is None:
        warnings.append("Without a retention set nobody sees what the model forgets; give one by --retention.")
    retention = _retention(data.retention, data, tokens, load, settings) if data.retention else None
    return _Work(original, Towers(_frozen(original.clip, settings.device)), task, retention, settings)


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
    split = split_pairs(read_pairs(data.pictures), settings.validation, settings.seed)
    warnings += check_pairs(len(split.train), settings.batch_size)
    return split


def _renumbered(files: Files, classes: Sequence[str]) -> Files:
    """Give pictures of the same classes in another folder the first one's numbers. Raises TrainingError."""
    numbers = {name.casefold(): number for number, name in enumerate(classes)}
    if unknown := [name for name in files.texts if name.casefold() not in numbers]:
        raise TrainingError(f"The test pictures have a class “{unknown[0]}”, which is not among those to be learned.")
    labels = tuple(numbers[files.texts[label].casefold()] for label in files.labels)
    return Files(tuple(classes), files.paths, labels)


def _retention(
    folder: Path, data: Data, tokens: Tokens, load: Callable[[Files], Pictures], settings: Settings
) -> Retention:
    files = read_classes(folder)
    check_names(files)
    own: Words = words(files.texts, _templates(data), tokens)
    check_told_apart(own)
    return Retention(own, load(some(files, data.most_retained, settings.seed)))


def _templates(data: Data) -> Sequence[str]:
    return [data.templates] if "{}" in data.templates else template_set(data.templates)


def _nothing(size: int, like: Pictures) -> Pictures:
    return Pictures(
        torch.zeros(0, size, size, 3, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64), like.preprocess
    )


def _try(method: str, work: _Work, out: Path, told: Callable[[str], None]) -> Outcome:
    """Tune by one method, choose how far to go, measure and write."""
    began = time.perf_counter()
    task, own = work.task, work.task.words
    tuning = begin(method, work.towers, own, work.settings)
    start = Tuned(work.towers.clip, tuning.tuned().head)
    epochs = tune(tuning, task, work.settings, work.retention, lambda epoch: told(_line(method, epoch)))
    measured = partial(still, own=own, original=work.towers)
    before = work.kept(measured(start))
    chosen = choose(
        start,
        tuning.tuned(),
        work.settings.alphas,
        lambda one: task.score(measured(one), task.validation),
        lambda one: before is None or (work.kept(measured(one)) or 0.0) >= work.settings.least(before),
    )
    after = measured(chosen.tuned)
    outcome = Outcome(
        method=method,
        before=task.accuracy(measured(start), work.measured),
        after=task.accuracy(after, work.measured),
        alpha=chosen.alpha,
        validation={f"{alpha:g}": score.accuracy for alpha, score in chosen.scores.items()},
        retention_before=before,
        retention_after=work.kept(after),
        epochs=epochs,
        learned=sum(parameter.numel() for parameter in tuning.learned),
        seconds=time.perf_counter() - began,
        folder=method,
    )
    save(chosen.tuned, work.original, own.names, out / method)
    return outcome


def save(tuned: Tuned, original: Original, names: Sequence[str], folder: Path) -> None:
    """Write a model that can be exported and, where a head was learned, `head.safetensors` with its classes' names.

    Raises ClipsearchError.
    """
    lay_out(tuned.clip, original.form, folder)
    if tuned.head is not None:
        head: dict[str, Tensor] = {"head": tuned.head.cpu().contiguous()}
        save_file(head, folder / HEAD, metadata={"classes": json.dumps(list(names))})


def _line(method: str, epoch: Epoch) -> str:
    loss = "" if epoch.loss is None else f", loss {epoch.loss:.4f}"
    kept = "" if epoch.retention is None else f", retention {100 * epoch.retention:.1f} %"
    back = "; forgets too much, taken back" if epoch.rolled_back else ""
    return f"{method}, epoch {epoch.number}{loss}: validation {100 * epoch.validation:.1f} %{kept}{back}"


def _write(text: str, path: Path) -> None:
    try:
        replace_file(path, lambda part: part.write_text(text, "utf-8"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be written: {error.strerror or error}.") from error
