"""The space in which photos are compared to learn from them: one in which all kinds of photos vary alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

_SHRINKAGE = 0.5  # from the covariance of all kinds of photos towards a sphere
_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True)
class Whitening:
    """A linear map into a space in which a photo of the population has the mean square length 1.

    `mean`: float64 [dim]; `matrix`: float64 [dim, dim].
    """

    mean: Numbers
    matrix: Numbers

    @classmethod
    def of(cls, population: Vectors, shares: Numbers, mean: Numbers) -> Whitening:
        """Measure the covariance, shrunk towards a sphere (Ledoit and Wolf 2004), as photos are few and it is large.

        `population`: float32 [n, dim]; `shares`: what each of it counts, float64 [n]; `mean`: float64 [dim].
        """
        photos = population - mean
        covariance = (photos.T * shares) @ photos
        dim = len(covariance)
        level = float(np.trace(covariance)) / dim
        if level < _LEAST_VARIANCE:
            return cls(mean, np.eye(dim))  # no photos, or all the same: nothing is known
        shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * level * np.eye(dim)
        matrix = np.linalg.inv(np.linalg.cholesky(shrunk)).T
        return cls(mean, matrix / np.sqrt(np.einsum("ij,ij->", covariance @ matrix, matrix)))

    def into(self, photos: Vectors) -> Numbers:
        """Map unit vectors, float32 [n, dim], into the space, float64 [n, dim]."""
        mapped: Numbers = (photos - self.mean) @ self.matrix
        return mapped

    def back(self, weights: Numbers) -> Numbers:
        """Return what weights in the space, float64 [dim], are for unit vectors."""
        returned: Numbers = self.matrix @ weights
        return returned
