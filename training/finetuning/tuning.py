"""The loop: epochs over the pictures, each measured, and rolled back if the model forgets more than it may."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from training.finetuning.pictures import batches
from training.finetuning.settings import Settings
from training.finetuning.tasks import Retention, Score, Task
from training.finetuning.tunable import State, Tuning

BETAS, EPS = (0.9, 0.98), 1e-6  # the paper's for Vision Transformers


@dataclass(frozen=True)
class Epoch:
    """One pass over the pictures: mean loss, and the state after it; the first one, 0, is before any step.

    `retention` is None where none is watched. `rolled_back` says that the weights went back to the best state.
    """

    number: int
    loss: float | None
    validation: float
    retention: float | None
    rolled_back: bool = False


@dataclass(frozen=True)
class _Best:
    state: State
    score: Score
    retention: float | None


def tune(
    tuning: Tuning,
    task: Task,
    settings: Settings,
    retention: Retention | None = None,
    told: Callable[[Epoch], None] = lambda epoch: None,
) -> list[Epoch]:
    """Tune; afterwards the weights are the best on the validation pictures among all that forgot no more than allowed.

    An epoch after which the retention set has lost more, or whose loss is not a number, is taken back, and the next one
    goes on from the best state at half the rate. `told` hears of each epoch.
    """
    best = _Best(tuning.state(), task.score(tuning, task.validation), _kept(tuning, retention))
    least = None if best.retention is None else settings.least(best.retention)
    epochs = [Epoch(0, None, best.score.accuracy, best.retention)]
    told(epochs[0])
    optimiser, slower = _optimiser(tuning), 1.0
    while optimiser and len(epochs) <= settings.epochs and sum(one.rolled_back for one in epochs) <= settings.rollbacks:
        loss = _pass(tuning, task, settings, optimiser, len(epochs), slower)
        score = task.score(tuning, task.validation)
        kept = _kept(tuning, retention)
        failed = not math.isfinite(loss + score.minus_loss) or (kept is not None and least is not None and kept < least)
        epochs.append(Epoch(len(epochs), loss, score.accuracy, kept, failed))
        told(epochs[-1])
        if failed:
            tuning.restore(best.state)
            optimiser, slower = _optimiser(tuning), slower / 2  # its moments lead back to where it failed
        elif score > best.score:
            best = _Best(tuning.state(), score, kept)
    tuning.restore(best.state)
    return epochs


def _kept(tuning: Tuning, retention: Retention | None) -> float | None:
    return retention.accuracy(tuning) if retention else None


def _optimiser(tuning: Tuning) -> torch.optim.AdamW | None:
    """Return the optimiser, None where nothing can change; "top" of a group is the rate that it begins with."""
    groups = [{**group, "top": group["lr"]} for group in tuning.groups]
    return torch.optim.AdamW(groups, betas=BETAS, eps=EPS) if tuning.learned else None


def _pass(
    tuning: Tuning, task: Task, settings: Settings, optimiser: torch.optim.AdamW, epoch: int, slower: float
) -> float:
    """Take one step a batch; return the mean loss, or at once one that is not a number."""
    parts = list(batches(len(task.train), settings.batch_size, settings.seed, epoch))
    total = 0.0
    for number, rows in enumerate(parts):
        done = (epoch - 1 + number / len(parts)) / settings.epochs
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * slower * (1 + math.cos(math.pi * done)) / 2
        loss = task.loss(tuning, task.train, rows)
        if not torch.isfinite(loss):
            return math.nan
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += float(loss.detach()) * len(rows)
    return total / len(task.train)
