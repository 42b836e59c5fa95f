"""The baseline ConSE (Norouzi et al., arXiv 1312.5650): a picture is the mean of its classes' names, weighted by
probability.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from training.starter.export import Heads
from training.starter.graph import Graph


def build(names: npt.NDArray[Any]) -> Heads:
    """Return the heads, given the unit vectors [1000,384] of the class names."""

    def image(graph: Graph, pixels: str, features: str, logits: str) -> str:
        return graph.add("MatMul", graph.add("Softmax", logits, axis=-1), graph.half(names))

    def text(graph: Graph, vectors: str) -> str:
        return graph.add("Identity", vectors)

    return Heads(names.shape[1], image, text)
