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
_STEPS, _LARGEST_STEP, _SMALL_STEP = 50, 4.0, 1e-4  # Newton's method, in log-odds
_LEAST_LEFT = 1e-3  # of an example's own say that is left when it is taken out
_FEW = 2


@dataclass(frozen=True)
class _Task:
    """A logistic regression with a standard normal prior, in a basis of k directions that the photos span.

    `inputs` float64 [n, k], `before`: the prior's log-odds [n], `targets`: 0 or 1 [n].
    """

    basis: Numbers
    inputs: Numbers
    before: Numbers
    targets: Numbers

    def likely(self, change: Numbers) -> Numbers:
        """Return the photos' probabilities after a change, float64 [k]."""
        return _sigmoid(self.before + self.inputs @ change)

    def curvature(self, likely: Numbers) -> Numbers:
        """Return the second derivative of the loss, float64 [k, k]."""
        second: Numbers = (self.inputs.T * (likely * (1 - likely))) @ self.inputs
        return second + np.eye(len(second))


def learn(prior: Head, examples: Vectors, is_member: Flags, background: Background) -> Head:
    """Return the head that the examples justify; without examples it is the prior itself.

    `examples`: unit vectors float32 [n, dim] of photos that the user judged, `is_member`: bool [n].
    """
    if not len(examples):
        return prior
    task = _task(prior, examples, is_member, background)
    change = _solve(task)
    weights = _REACH * background.space.back(task.basis @ change[:-1])
    bias = _BIAS_REACH * float(change[-1]) - float(background.mean @ weights)
    return Head((prior.weights + weights).astype(np.float32), prior.bias + bias)


def leave_one_out(prior: Head, examples: Vectors, is_member: Flags, background: Background) -> float | None:
    """Return the share of members, 0 to 1, among the examples that would be taken for members without themselves.

    None where that says nothing: with fewer than two examples in and two out, or when none is taken for a member.
    """
    if min(np.count_nonzero(is_member), np.count_nonzero(~is_member)) < _FEW:
        return None
    taken = _without_themselves(_task(prior, examples, is_member, background)) >= 0
    return float(is_member[taken].mean()) if taken.any() else None


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
    basis = np.linalg.qr(inputs.T)[0] if len(examples) < inputs.shape[1] else np.eye(inputs.shape[1])
    return _Task(
        basis,
        np.column_stack([inputs @ basis, np.full(len(examples), _BIAS_REACH)]),
        prior.log_odds(examples).astype(np.float64),
        is_member.astype(np.float64),
    )


def _solve(task: _Task) -> Numbers:
    """Return the likeliest change, float64 [k], by Newton's method."""
    change = np.zeros(task.inputs.shape[1])
    for _ in range(_STEPS):
        likely = task.likely(change)
        slope = task.inputs.T @ (task.targets - likely) - change
        step = np.linalg.solve(task.curvature(likely), slope)
        largest = float(np.abs(task.inputs @ step).max())
        change += step * min(1.0, _LARGEST_STEP / max(largest, _SMALL_STEP))
        if largest < _SMALL_STEP:
            break
    return change


def _without_themselves(task: _Task) -> Numbers:
    """Return each photo's log-odds as if it had not been seen, float64 [n] (Laplace's approximation of the cavity)."""
    change = _solve(task)
    likely = task.likely(change)
    spreads = np.einsum("nk,kn->n", task.inputs, np.linalg.solve(task.curvature(likely), task.inputs.T))
    left = np.maximum(1 - spreads * likely * (1 - likely), _LEAST_LEFT)
    without: Numbers = task.before + task.inputs @ change - (task.targets - likely) * spreads / left
    return without


def _sigmoid(log_odds: npt.NDArray[np.floating]) -> Numbers:
    values: Numbers = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -500, 500)))
    return values
