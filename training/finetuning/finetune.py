"""Tune a model by each of the methods in turn, from harmless to strong, and write what comes out of each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from clipsearch.model import CLIP
from clipsearch.model.checkpoint.own import replace as replace_file
from training.errors import TrainingError
from training.finetuning import settings as limits
from training.finetuning.checks import check_learned
from training.finetuning.interpolation import choose
from training.finetuning.methods import begin
from training.finetuning.original import Original, open_original
from training.finetuning.prepare import Data, Work, prepare
from training.finetuning.report import Outcome, Report
from training.finetuning.settings import Settings
from training.finetuning.tasks import Retention
from training.finetuning.tunable import Tuning, still
from training.finetuning.tuning import Epoch, tune
from training.trained import lay_out
from training.writable import check_writable

RESULTS, CARD = "results.json", "README.md"
USUAL = Settings()


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
    each warning and epoch. With several draws all is done again with other pictures drawn, and only reported.

    Raises ClipsearchError, in one sentence, for what cannot be read or would not work.
    """
    limits.check(settings)
    methods = _possible(methods, data)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} is there already; choose a new folder for what comes out.")
    check_writable(out)
    warnings: list[str] = []
    original = open_original(model)
    work = prepare(original, data, settings, warnings)
    for warning in warnings:
        told(f"warning: {warning}")
    report = _empty(original, data, work, warnings)
    for draw in range(settings.draws):
        if draw:
            work = prepare(original, data, replace(settings, seed=settings.seed + draw), [])
        for method in methods:
            outcome, clip = _try(method, work, draw, told)
            report = replace(report, outcomes=[*report.outcomes, outcome])
            if not draw:
                lay_out(clip, original.form, out / method)
                report = _hinted(report, outcome, told)
            _write(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", out / RESULTS)
            _write(report.card(), out / CARD)
    return report


def _possible(methods: Sequence[str], data: Data) -> list[str]:
    """Return the methods that these data can be learned by. Raises TrainingError where there is none."""
    if unknown := [method for method in methods if method not in limits.RATES]:
        raise TrainingError(f"There is no method {unknown[0]}; there are {', '.join(limits.RATES)}.")
    possible = [method for method in methods if not (data.pairs and method == "head")]
    if not possible:
        raise TrainingError("A linear head needs classes; for pairs take another method.")
    return possible


def _empty(original: Original, data: Data, work: Work, warnings: Sequence[str]) -> Report:
    kinds = "pairs" if data.pairs else "classes"
    measured_on = "test" if len(work.task.test) else "validation"
    return Report(original.name, kinds, str(data.pictures), measured_on, work.sizes, work.settings, [], warnings)


def _hinted(report: Report, outcome: Outcome, told: Callable[[str], None]) -> Report:
    """Tell and add what the user could do where a method learned next to nothing."""
    hints = check_learned(outcome.method, report.settings.rate(outcome.method), outcome.epochs)
    for hint in hints:
        told(f"warning: {hint}")
    return replace(report, warnings=[*report.warnings, *hints])


def _try(method: str, work: Work, draw: int, told: Callable[[str], None]) -> tuple[Outcome, CLIP]:
    """Tune by one method, choose how far to go, and measure."""
    began = time.perf_counter()
    task = work.task
    tuning = begin(method, work.towers, task.words, work.ordinary, work.settings)
    start = work.towers.clip
    name = f"draw {draw + 1}, {method}" if draw else method
    epochs = tune(tuning, task, work.settings, work.watched, lambda epoch: told(_line(name, epoch)))
    measured = partial(still, original=work.towers)
    chosen = choose(
        start,
        tuning.tuned(),
        work.settings.alphas,
        lambda one: task.score(measured(one), task.validation),
        lambda one: _is_allowed(measured(one), measured(start), work),
    )
    after = measured(chosen.clip)
    outcome = Outcome(
        method=method,
        draw=draw,
        before=task.accuracy(measured(start), work.measured),
        after=task.accuracy(after, work.measured),
        alpha=chosen.alpha,
        validation={f"{alpha:g}": score.accuracy for alpha, score in chosen.scores.items()},
        retention_before=_accuracy(measured(start), work.reported),
        retention_after=_accuracy(after, work.reported),
        epochs=epochs,
        learned=sum(parameter.numel() for parameter in tuning.learned),
        seconds=time.perf_counter() - began,
        folder=None if draw else method,
    )
    return outcome, chosen.clip


def _is_allowed(tuning: Tuning, start: Tuning, work: Work) -> bool:
    """Tell whether a model forgets no more than allowed of what is watched."""
    watched = work.watched
    return watched is None or watched.accuracy(tuning) >= work.settings.least(watched.accuracy(start))


def _accuracy(tuning: Tuning, retention: Retention | None) -> float | None:
    return retention.accuracy(tuning) if retention else None


def _line(name: str, epoch: Epoch) -> str:
    loss = "" if epoch.loss is None else f", loss {epoch.loss:.4f}"
    kept = "" if epoch.retention is None else f", watched retention {100 * epoch.retention:.1f} %"
    back = "; forgets too much, taken back" if epoch.rolled_back else ""
    return f"{name}, epoch {epoch.number}{loss}: validation {100 * epoch.validation:.1f} %{kept}{back}"


def _write(text: str, path: Path) -> None:
    try:
        replace_file(path, lambda part: part.write_text(text, "utf-8"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be written: {error.strerror or error}.") from error
