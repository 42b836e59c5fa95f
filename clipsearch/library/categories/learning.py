"""What the user judged -> a category's head: logistic regression with the zero-shot head as its prior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clipsearch.library.calibration import Background, Head, Vectors

_STRENGTH = 8.0  # prior variance of the log-odds along a typical direction
_WEIGHT = 20.0  # examples that the whole background counts for
_MOST = 2000  # background vectors that are looked at
_SHRINKAGE = 0.3
_STEPS = 20

Rows = npt.NDArray[np.float64]


def learn(prior: Head, examples: Vectors, is_member: npt.NDArray[np.bool_], background: Background) -> Head:
    """Return the head that examples, unit vectors float32 [n, dim], in or out of the category, justify.

    Without examples it is the prior itself. The background's photos count a little, with the prior's own
    probabilities, so that the examples move only what they tell about.
    """
    if not len(examples):
        return prior
    others = _others(background)
    mean = others.mean(0) if len(others) else np.zeros(examples.shape[1], np.float32)
    rows = np.concatenate([examples, others])
    before = prior.log_odds(rows).astype(np.float64)
    targets = np.concatenate([is_member.astype(np.float64), _sigmoid(before[len(examples) :])])
    counts = np.concatenate([np.ones(len(examples)), np.full(len(others), _WEIGHT / max(1, len(others)))])
    inputs = np.column_stack([rows - mean, np.ones(len(rows))]).astype(np.float64)
    change = _newton(inputs, before, targets, counts, precision=_precision(others - mean, examples.shape[1]))
    weights = (prior.weights + change[:-1]).astype(np.float32)
    return Head(weights, prior.bias + float(change[-1] - mean @ change[:-1]))


def leave_one_out(
    prior: Head, examples: Vectors, is_member: npt.NDArray[np.bool_], background: Background
) -> float | None:
    """Return the precision, 0 to 1, at probability 0.5 of examples predicted without themselves.

    None where that says nothing: fewer than 2 examples, or none of them predicted to belong.
    """
    if len(examples) < 2:
        return None
    found = [_without(prior, examples, is_member, background, row) for row in range(len(examples))]
    believed = is_member[np.array(found) >= 0]
    return float(believed.mean()) if len(believed) else None


def most_useful(log_odds: Vectors, vectors: Vectors, count: int) -> npt.NDArray[np.int64]:
    """Return the rows of at most `count` photos, int64, whose judgement would teach most: uncertain and diverse.

    `log_odds`: float32 [n]; `vectors`: unit vectors, float32 [n, dim].
    """
    doubt = 1.0 / np.cosh(log_odds.astype(np.float64) / 2)
    chosen: list[int] = []
    for _ in range(min(count, len(doubt))):
        best = int(np.argmax(doubt))
        chosen.append(best)
        near = np.clip(vectors @ vectors[best], 0, 1)
        doubt = doubt * (1 - near**2)
        doubt[chosen] = -1
    return np.array(chosen, np.int64)


def _without(
    prior: Head, examples: Vectors, is_member: npt.NDArray[np.bool_], background: Background, row: int
) -> float:
    kept = np.arange(len(examples)) != row
    head = learn(prior, examples[kept], is_member[kept], background)
    return float(head.log_odds(examples[row : row + 1])[0])


def _others(background: Background) -> Vectors:
    """Return a bounded number of photos, the library's own and the package's, float32 [n, dim]."""
    rows = np.concatenate([background.sample, background.pictures])
    return rows[:: max(1, -(-len(rows) // _MOST))]


def _precision(centred: Vectors, dim: int) -> Rows:
    """Return the prior's precision matrix of the change, [dim + 1, dim + 1]: cheap where photos differ anyway."""
    covariance = np.zeros((dim, dim))
    if len(centred) > 1:
        covariance = (centred.T @ centred).astype(np.float64) / len(centred)
    level = max(np.trace(covariance), 1e-9)
    precision = np.eye(dim + 1)
    precision[:-1, :-1] = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * level / dim * np.eye(dim)
    precision[:-1, :-1] *= dim / level / _STRENGTH
    return precision


def _newton(inputs: Rows, before: Rows, targets: Rows, counts: Rows, *, precision: Rows) -> Rows:
    """Minimise the weighted logistic loss plus the prior's, by Newton's method with halved steps."""

    def loss(change: Rows) -> float:
        log_odds = before + inputs @ change
        fit = counts @ (np.logaddexp(0, log_odds) - targets * log_odds)
        return float(fit + change @ precision @ change / 2)

    change = np.zeros(inputs.shape[1])
    now = loss(change)
    for _ in range(_STEPS):
        probability = _sigmoid(before + inputs @ change)
        slope = inputs.T @ (counts * (probability - targets)) + precision @ change
        weights = counts * probability * (1 - probability)
        step = np.linalg.solve((inputs.T * weights) @ inputs + precision, slope)
        size = 1.0
        while (new := loss(change - size * step)) > now and size > 1e-3:
            size /= 2
        change = change - size * step
        if now - new < 1e-6 * max(1.0, now):
            break
        now = new
    return change


def _sigmoid(log_odds: npt.NDArray[np.floating]) -> Rows:
    values: Rows = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -500, 500)))
    return values
