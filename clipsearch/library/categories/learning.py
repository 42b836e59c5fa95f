"""What the user judged -> a category's head: logistic regression with the zero-shot head as its prior.

The change to the zero-shot log-odds is a Gaussian process with a linear kernel (Rasmussen and Williams 2006, sections
2.1 and 3.4): without examples it is nothing, and examples move it as far as they contradict the prior. The kernel is
the dot product of photos less the population's mean, in a space in which the population varies in all directions
alike, or nearly: what sets an example apart from all kinds of photos counts, what it shares with them does not. Photos
that the user put into other categories are weak examples of what does not belong, where the prior agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.library.calibration import Background, Head, Numbers, Vectors

Flags = npt.NDArray[np.bool_]

_REACH = 8.0  # how far the log-odds of a typical photo may be off, as a standard deviation
_BIAS_REACH = 0.5  # how far those of all photos may be off together
_STRANGE = 8  # the power that keeps categories apart that may share photos
_MOST_OTHERS = 512  # photos of other categories that are looked at
_STEPS, _LARGEST_STEP, _SMALL_STEP = 50, 4.0, 1e-4  # Newton's method, in log-odds
_LEAST_LEFT = 1e-3  # of an example's own say that is left when it is taken out
_FEW = 2


@dataclass(frozen=True)
class _Fit:
    """A change to the prior, with what tells how each example would be judged without itself.

    `weights` float64 [dim], `bias`; `log_odds` of the examples without themselves, float64 [n].
    """

    weights: Numbers
    bias: float
    log_odds: Numbers


def learn(
    prior: Head, examples: Vectors, is_member: Flags, background: Background, others: Sequence[Vectors] = ()
) -> Head:
    """Return the head that the examples justify; without examples it is the prior itself.

    `examples`: unit vectors float32 [n, dim] of photos that the user judged, `is_member`: bool [n]; `others`: for each
    other category the photos that the user put there and did not judge here, float32 [k, dim].
    """
    if not len(examples):
        return prior
    fit = _fit(prior, examples, is_member, background, others)
    return Head((prior.weights + fit.weights).astype(np.float32), prior.bias + fit.bias)


def leave_one_out(
    prior: Head, examples: Vectors, is_member: Flags, background: Background, others: Sequence[Vectors] = ()
) -> float | None:
    """Return the share of members, 0 to 1, among the examples that would be taken for members without themselves.

    None where that says nothing: with fewer than two examples in and two out, or when none is taken for a member.
    """
    if min(np.count_nonzero(is_member), np.count_nonzero(~is_member)) < _FEW:
        return None
    taken = _fit(prior, examples, is_member, background, others).log_odds >= 0
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


def _fit(prior: Head, examples: Vectors, is_member: Flags, background: Background, others: Sequence[Vectors]) -> _Fit:
    strangers, doubts = _strangers(prior, others)
    rows = np.concatenate([examples, strangers])
    counts = np.concatenate([np.ones(len(examples)), doubts])
    targets = np.concatenate([is_member, np.zeros(len(strangers))])
    inputs = _REACH * background.space.into(rows)
    basis = np.linalg.qr(inputs.T)[0] if len(rows) < inputs.shape[1] else np.eye(inputs.shape[1])
    inputs = np.column_stack([inputs @ basis, np.full(len(rows), _BIAS_REACH)])
    change, log_odds = _newton(inputs, prior.log_odds(rows).astype(np.float64), targets, counts)
    weights = _REACH * background.space.back(basis @ change[:-1])
    bias = _BIAS_REACH * float(change[-1]) - float(background.mean @ weights)
    return _Fit(weights, bias, log_odds[: len(examples)])


def _strangers(prior: Head, others: Sequence[Vectors]) -> tuple[Vectors, Numbers]:
    """Return photos of other categories, float32 [k, dim], and what each counts, float64 [k].

    Where the prior expects a category's photos here, too, or knows few of them, they count next to nothing.
    """
    rows, counts = [np.zeros((0, len(prior.weights)), np.float32)], [np.zeros(0)]
    for photos in others:
        likely = _sigmoid(prior.log_odds(photos))
        apart = (1 - (likely.sum() + 1) / (len(photos) + 2)) ** _STRANGE
        rows.append(photos)
        counts.append(apart * (1 - likely))
    vectors, shares = np.concatenate(rows), np.concatenate(counts)
    kept = np.argsort(-shares, kind="stable")[:_MOST_OTHERS]
    return vectors[kept], shares[kept]


def _newton(inputs: Numbers, before: Numbers, targets: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    """Return the likeliest change, float64 [k], under a standard normal prior, and leave-one-out log-odds [n].

    `inputs` float64 [n, k], `before`: log-odds without the change [n], `targets`: 0 or 1 [n], `counts`: weights [n].
    """
    change = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        likely = _sigmoid(before + inputs @ change)
        curvature = (inputs.T * (counts * likely * (1 - likely))) @ inputs + np.eye(len(change))
        step = np.linalg.solve(curvature, inputs.T @ (counts * (targets - likely)) - change)
        largest = float(np.abs(inputs @ step).max())
        change += step * min(1.0, _LARGEST_STEP / max(largest, _SMALL_STEP))
        if largest < _SMALL_STEP:
            break
    return change, _without_themselves(inputs, before, change, targets, counts)


def _without_themselves(
    inputs: Numbers, before: Numbers, change: Numbers, targets: Numbers, counts: Numbers
) -> Numbers:
    """Return each example's log-odds as if it had not been seen (Laplace's approximation of the cavity)."""
    log_odds = before + inputs @ change
    likely = _sigmoid(log_odds)
    bends = counts * likely * (1 - likely)
    curvature = (inputs.T * bends) @ inputs + np.eye(len(change))
    spreads = np.einsum("nk,nk->n", inputs, np.linalg.solve(curvature, inputs.T).T)
    own = counts * (targets - likely) * spreads / np.maximum(1 - spreads * bends, _LEAST_LEFT)
    without: Numbers = log_odds - own
    return without


def _sigmoid(log_odds: npt.NDArray[np.floating]) -> Numbers:
    values: Numbers = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -500, 500)))
    return values
