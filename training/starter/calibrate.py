"""Makes the scores of different texts comparable: each becomes a z-score over ordinary photos, inside the two towers.

What a text scores on photos that have nothing to do with it differs from text to text, in level and in spread. Both
follow from the text's vector u and the photos' mean and covariance: level u . mean, spread sqrt(u' covariance u). The
picture gets a constant component that carries the level, the text is divided by its spread, and one more component, in
which no picture has a part, takes up the rest of its unit length. Ranks within one text stay as they were. Two texts'
dot product means nothing any more; what they have in common shows in what they score on pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter.export import Heads
from training.starter.graph import Graph

EXTRA_DIM = 2
LEVEL_IN_PICTURE = 0.25  # length of the picture's constant component, beside 1 for the rest
COSINE_OF_ONE = 0.01  # the cosine that a z-score of 1 becomes: spreads are seldom smaller
RANK = 384  # directions of the covariance that are kept; the others count by their mean


@dataclass(frozen=True)
class Background:
    """Mean [dim] of ordinary photos' unit vectors, and [dim,rank] whose product with a text's has its spread as length.

    `rest` is the mean variance of the directions left out.
    """

    mean: npt.NDArray[Any]
    spread: npt.NDArray[Any]
    rest: float


def background_of(vectors: npt.NDArray[Any]) -> Background:
    """Measure unit vectors [m,dim]."""
    variances, directions = np.linalg.eigh(np.cov(vectors.T, bias=True))
    kept, rest = variances[: -RANK - 1 : -1], variances[:-RANK]
    spread = directions[:, : -RANK - 1 : -1] * np.sqrt(np.maximum(kept, 0))
    return Background(vectors.mean(0), spread, float(rest.mean()) if len(rest) else 0.0)


def calibrate(heads: Heads, background: Background) -> Heads:
    """Return the heads whose dot product is a z-score over the background, times a constant."""

    def image(graph: Graph, pixels: str, features: str, logits: str) -> str:
        unit = graph.add("LpNormalization", heads.image(graph, pixels, features, logits), axis=-1, p=2)
        one = graph.add("ReduceSumSquare", unit, axes=[1], keepdims=1)
        level, nothing = (graph.add("Mul", one, graph.constant(value)) for value in (LEVEL_IN_PICTURE, 0.0))
        return graph.add("Concat", unit, level, nothing, axis=1)

    def text(graph: Graph, vectors: str) -> str:
        vector = heads.text(graph, vectors)
        level = graph.add("MatMul", vector, graph.constant(-background.mean[:, None] / LEVEL_IN_PICTURE))
        scale = graph.add("Div", graph.constant(COSINE_OF_ONE), _spread(graph, vector, background))
        scaled = graph.add("Mul", graph.add("Concat", vector, level, axis=1), scale)
        left = graph.add("Sub", graph.constant(1.0), graph.add("ReduceSumSquare", scaled, axes=[1], keepdims=1))
        return graph.add("Concat", scaled, graph.add("Sqrt", graph.add("Relu", left)), axis=1)

    return Heads(heads.dim + EXTRA_DIM, image, text)


def _spread(graph: Graph, vector: str, background: Background) -> str:
    """Add the nodes from a text's vector [n,dim] to the standard deviation of its scores [n,1]."""
    inside = graph.add("MatMul", vector, graph.int8(background.spread, axis=1))
    variance = graph.add("ReduceSumSquare", inside, axes=[1], keepdims=1)
    whole = graph.add("ReduceSumSquare", vector, axes=[1], keepdims=1)
    rest = graph.add("Mul", whole, graph.constant(background.rest))
    return graph.add("Sqrt", graph.add("Add", variance, rest))
