"""Scores of a text's classifier -> log-odds, against a background of pictures that mostly do not belong.

Scores depend on the prompts and on the model, so a flat cut-off cannot work. What counts is how far a score stands out
of what the same classifier gives to all kinds of pictures: the package's own and the library's, half each. Few of them
belong to a rare thing, and the more it is told apart the heavier is the tail of its scores. The tail's weight, the
kurtosis, tells how many standard deviations above the mean a photo belongs as likely as not: at 1 where a quarter of
the photos belong, at 5 for something rare that the model knows well. Both constants were measured on captioned photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from clipsearch.library.whitening import Whitening

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

#: Log-odds from which on a search hit is strong or likely: 68 % and 52 % of such hits on captioned photos were right.
STRONG, LIKELY = 3.5, 0.75

_EVEN = 1.05  # the z-score at which a photo belongs as likely as not, for each unit of the kurtosis' logarithm
_SLOPE = 4.17  # log-odds a standard deviation, divided by the same
_SHAPELESS = 3.0  # that z-score where the scores look like a normal distribution: nothing there stands out
_NORMAL_SKEW, _LIGHTER, _HEAVIER = 0.5, 0.15, 0.5  # how near to normal that is: skewness, the kurtosis' logarithm

_LIBRARY_SHARE = 0.5  # of a large library in the population, beside the package's pictures
_HALF_OF_IT = 100  # photos at which a library has half of that share
_ASSUMED = 10  # pictures that the assumed spread and kurtosis count for
_ASSUMED_KURTOSIS = 20.0
_LEAST_VARIANCE = 1e-12
_LEAST_KURTOSIS = 1.5  # of scores that lie in two heaps; it cannot be less than 1


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
    random, float32 [s, dim], some thousands at most; `generic`: text vectors of prompts for nothing in particular,
    float32 [g, dim].
    """

    pictures: Vectors
    sample: Vectors
    generic: Vectors

    @cached_property
    def population(self) -> Vectors:
        """All kinds of pictures, float32 [n, dim]."""
        return np.concatenate([self.pictures, self.sample])

    @cached_property
    def shares(self) -> Numbers:
        """What each of the population counts, float64 [n], together 1."""
        photos, pictures = len(self.sample), len(self.pictures)
        library = _LIBRARY_SHARE * photos / (photos + _HALF_OF_IT) if pictures else 1.0
        parts = [np.full(pictures, (1 - library) / max(1, pictures)), np.full(photos, library / max(1, photos))]
        return np.concatenate(parts)

    @cached_property
    def mean(self) -> Numbers:
        """The population's mean, float64 [dim]."""
        mean: Numbers = self.shares @ self.population.astype(np.float64)
        return mean

    @cached_property
    def space(self) -> Whitening:
        """The space in which photos are compared."""
        return Whitening.of(self.population, self.shares, self.mean)

    @cached_property
    def size(self) -> float:
        """How many pictures of equal share tell as much (Kish's effective sample size)."""
        return 1 / float(self.shares @ self.shares) if len(self.shares) else 0.0

    @cached_property
    def assumed_variance(self) -> float:
        """What prompts for nothing in particular score varies by; without any, what random directions do."""
        if len(self.generic) and self.size > 1:
            return float((self.shares @ self.scores(self.generic) ** 2).mean())
        return 1.0 / int(self.pictures.shape[1])

    def scores(self, classifiers: Vectors) -> Numbers:
        """Return what classifiers, float32 [c, dim], give to the population, less their means, float64 [n, c]."""
        scores = (self.population @ classifiers.T).astype(np.float64)
        centred: Numbers = scores - self.shares @ scores
        return centred


def calibrated(classifiers: Vectors, background: Background) -> list[Head]:
    """Return a calibrated head for each zero-shot classifier, unit vectors float32 [c, dim]."""
    scores = background.scores(classifiers)
    variances = np.maximum(background.shares @ scores**2, _LEAST_VARIANCE)
    spreads = np.sqrt(_with_assumed(variances, background.assumed_variance, background.size))
    skews = background.shares @ scores**3 / variances**1.5
    kurtoses = background.shares @ scores**4 / variances**2
    tails = np.log(np.maximum(_with_assumed(kurtoses, _ASSUMED_KURTOSIS, background.size), _LEAST_KURTOSIS))
    slopes = _SLOPE / (tails * spreads)
    evens = _EVEN * tails
    evens += _normality(skews, kurtoses) * np.maximum(0, _SHAPELESS - evens)
    return [
        _head(classifier.astype(np.float64) * slope, slope * spread * even, background)
        for classifier, slope, spread, even in zip(classifiers, slopes, spreads, evens, strict=True)
    ]


def _with_assumed(measured: Numbers, assumed: float, size: float) -> Numbers:
    """Return a mean over `size` pictures and a few more that are assumed, so that a small library is no surprise."""
    mixed: Numbers = (size * measured + _ASSUMED * assumed) / (size + _ASSUMED)
    return np.maximum(mixed, _LEAST_VARIANCE)


def _normality(skews: Numbers, kurtoses: Numbers) -> Numbers:
    """Return how much scores look like a normal distribution, 0 to 1."""
    beyond = np.log(np.maximum(kurtoses, _LEAST_KURTOSIS) / 3)  # less than nothing where they lie in two heaps
    away = (skews / _NORMAL_SKEW) ** 2 + (beyond / np.where(beyond > 0, _HEAVIER, _LIGHTER)) ** 2
    alike: Numbers = np.exp(-away / 2)
    return alike


def _head(weights: Numbers, least: float, background: Background) -> Head:
    """Return the head that gives the log-odds 0 where x . weights is `least` above the population's mean."""
    return Head(weights.astype(np.float32), -float(background.mean @ weights) - float(least))
