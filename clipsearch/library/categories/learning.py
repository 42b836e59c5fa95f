"""What the user judged -> a category's head: logistic regression with the zero-shot head as its prior.

The change to the zero-shot log-odds is a Gaussian process with a linear kernel (Rasmussen and Williams 2006, sections
2.1 and 3.4): without examples it is nothing, and examples move it as far as they contradict the prior. The kernel is
the dot product of photos less the population's mean, in a space in which the population varies in all directions
alike, or nearly: what sets an example apart from all kinds of photos counts, what it shares with them does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.library.calibration import Background, Head, Numbers, Vectors

Flags = npt.NDArray[np.bool_]

_REACH = 12.0  # how far the log-odds of a typical photo may be off, as a standard deviation
_BIAS_REACH = 0.5  # how far those of all photos may be off together
_STEPS, _SMALL_STEP = 50, 1e-4  # Newton's method, in log-odds
_HALVINGS, _LEAST_GAIN = 30, 1e-4  # of a step, until it gains this share of what the slope promises
_LEAST_LEFT = 1e-3  # of an example's own say that is left when it is taken out


@dataclass(frozen=True)
class _Task:
    """A logistic regression with a standard normal prior, in a basis of k directions that the photos span.

    `basis`: float64 [dim, k - 1], None for the axes themselves; `inputs` float64 [n, k], the last one constant;
    `before`: the prior's log-odds [n], `targets`: 0 or 1 [n].
    """

    basis: Numbers | None
    inputs: Numbers
    before: Numbers
    targets: Numbers

    def likely(self, change: Numbers) -> Numbers:
        """Return the photos' probabilities after a change, float64 [k]."""
        return _sigmoid(self.before + self.inputs @ change)

    def curvature(self, likely: Numbers) -> Numbers:
        """Return the second derivative of the loss, float64 [k, k]."""
        scaled = self.inputs * np.sqrt(likely * (1 - likely))[:, None]
        second: Numbers = scaled.T @ scaled  # of one array with itself, which takes half the time
        second[np.diag_indices_from(second)] += 1
        return second

    def loss(self, log_odds: Numbers, change: Numbers) -> float:
        """Return minus the logarithm of the posterior, but for a constant, where the photos have these log-odds [n]."""
        return float((np.logaddexp(0, log_odds) - self.targets * log_odds).sum() + change @ change / 2)


@dataclass(frozen=True)
class Lesson:
    """What examples have taught: the `head` that they justify, of which `_task` and `_change` are the working."""

    head: Head
    _task: _Task
    _change: Numbers

    def left_out(self) -> Vectors:
        """Return the log-odds, float32 [n], that each example would get if it had not been seen."""
        return _without_themselves(self._task, self._change).astype(np.float32)


def learn(prior: Head, examples: Vectors, is_member: Flags, background: Background) -> Lesson:
    """Learn from examples; without any the head is the prior itself.

    `examples`: unit vectors float32 [n, dim] of photos that the user judged, `is_member`: bool [n].
    """
    task = _task(prior, examples, is_member, background)
    if not len(examples):
        return Lesson(prior, task, np.zeros(task.inputs.shape[1]))
    change = _solve(task)
    moved = change[:-1] if task.basis is None else task.basis @ change[:-1]
    weights = _REACH * background.space.back(moved)
    bias = _BIAS_REACH * float(change[-1]) - float(background.mean @ weights)
    return Lesson(Head((prior.weights + weights).astype(np.float32), prior.bias + bias), task, change)


def most_useful(log_odds: Vectors, vectors: Vectors, count: int) -> npt.NDArray[np.int64]:
    """Return the rows of at most `count` photos, int64, whose judgement would teach most: uncertain and diverse.

    `log_odds`: float32 [n]; `vectors`: unit vectors, float32 [n, dim]. The first is the one nearest to even; each
    further one loses by its likeness to those before it.
    """
    doubt = 1.0 / np.cosh(np.clip(log_odds.astype(np.float64), -500, 500) / 2)
    centred = vectors - vectors.mean(axis=0, keepdims=True) if len(vectors) else vectors
    units = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    chosen: list[int] = []
    for _ in range(min(count, len(doubt))):
        chosen.append(int(np.argmax(doubt)))
        doubt *= 1 - np.clip(units @ units[chosen[-1]], 0, 1) ** 2
        doubt[chosen] = -1
    return np.array(chosen, np.int64)


def _task(prior: Head, examples: Vectors, is_member: Flags, background: Background) -> _Task:
    inputs = _REACH * background.space.into(examples)
    basis = np.linalg.qr(inputs.T)[0] if len(examples) < inputs.shape[1] else None
    return _Task(
        basis,
        np.column_stack([inputs if basis is None else inputs @ basis, np.full(len(examples), _BIAS_REACH)]),
        prior.log_odds(examples).astype(np.float64),
        is_member.astype(np.float64),
    )


def _solve(task: _Task) -> Numbers:
    """Return the likeliest change, float64 [k], by Newton's method with backtracking (Boyd and Vandenberghe, 9.5.2)."""
    change = np.zeros(task.inputs.shape[1])
    for _ in range(_STEPS):
        likely = task.likely(change)
        slope = task.inputs.T @ (task.targets - likely) - change
        step: Numbers = np.linalg.solve(task.curvature(likely), slope).astype(np.float64, copy=False)
        step *= _share(task, change, step, float(slope @ step))
        change += step
        if float(np.abs(task.inputs @ step).max()) < _SMALL_STEP:
            break
    return change


def _share(task: _Task, change: Numbers, step: Numbers, promised: float) -> float:
    """Return how much of a step to take: all of it, or half as long as it gains too little of what is promised."""
    log_odds, moved, share = task.before + task.inputs @ change, task.inputs @ step, 1.0
    loss = task.loss(log_odds, change)
    for _ in range(_HALVINGS):
        if task.loss(log_odds + share * moved, change + share * step) <= loss - _LEAST_GAIN * share * promised:
            break
        share /= 2
    return share


def _without_themselves(task: _Task, change: Numbers) -> Numbers:
    """Return each photo's log-odds as if it had not been seen, float64 [n] (Laplace's approximation of the cavity)."""
    likely = task.likely(change)
    spreads = np.einsum("nk,nk->n", task.inputs @ np.linalg.inv(task.curvature(likely)), task.inputs)
    left = np.maximum(1 - spreads * likely * (1 - likely), _LEAST_LEFT)
    without: Numbers = task.before + task.inputs @ change - (task.targets - likely) * spreads / left
    return without


def _sigmoid(log_odds: npt.NDArray[np.floating]) -> Numbers:
    values: Numbers = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -500, 500)))
    return values
