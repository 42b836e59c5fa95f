"""Scores of a text's classifier -> log-odds, against a background of pictures that mostly do not belong.

Scores depend on the prompts and on the model, so a flat cut-off cannot work. What counts is how far a score lies above
what the same classifier gives to pictures that have nothing to do with it, in standard deviations of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

_EVEN = 4.0  # the z-score at which a photo belongs as likely as not
_SLOPE = 1.2  # log-odds a standard deviation
_ENOUGH = 50  # pictures that tell a mean and a spread


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier: log-odds = x . weights (float32 [dim]) + bias for a photo's unit vector x."""

    weights: Vectors
    bias: float

    def log_odds(self, vectors: Vectors) -> Vectors:
        """Return the log-odds, float32 [n], that photos of unit vectors [n, dim] belong."""
        scores: Vectors = vectors @ self.weights + np.float32(self.bias)
        return scores


@dataclass(frozen=True)
class Background:
    """What scores are held against; each part may be empty.

    `pictures`: the model package's background pictures, float32 [m, dim]; `sample`: photos of the library drawn at
    random, float32 [s, dim], some thousands at most; `generic`: text vectors of generic prompts, float32 [g, dim].
    """

    pictures: Vectors
    sample: Vectors
    generic: Vectors


def calibrated(classifiers: Vectors, background: Background) -> list[Head]:
    """Return a calibrated head for each zero-shot classifier, unit vectors float32 [c, dim]."""
    pictures = _unrelated(background)
    mean = pictures.mean(0) if len(pictures) else np.zeros(classifiers.shape[1], np.float32)
    scores = (pictures - mean) @ classifiers.T
    spreads = np.maximum(scores.std(0), 1e-6) if len(pictures) else np.ones(len(classifiers), np.float32)
    return [_head(classifier, mean, float(spread)) for classifier, spread in zip(classifiers, spreads, strict=True)]


def _unrelated(background: Background) -> Vectors:
    """Return the package's pictures, with the library's own where those are few, float32 [n, dim]."""
    if len(background.pictures) >= _ENOUGH:
        return background.pictures
    return np.concatenate([background.pictures, background.sample])


def _head(classifier: Vectors, mean: Vectors, spread: float) -> Head:
    weights = classifier * np.float32(_SLOPE / spread)
    return Head(weights, -float(mean @ weights) - _SLOPE * _EVEN)
