"""The tag part of the joint space: what a few hundred captioned photos teach beyond class names.

A kernel ridge regression from the features before the classifier to the photos' keywords and captions says how far
a picture bears each of them; a text is shared out among them by MiniLM similarity. The answers are then cut down to the
directions in which those to the photos themselves vary most (cutting down the weights instead loses far more).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter.graph import Graph

RIDGE = 0.2
SHARPNESS = 20.0  # of a text's shares of the tags: softmax of 20 x cosine
SHARE = 1.5  # weight of the tags on the text side (kept off the picture's side, whose length is normalised)
PICTURE_SCALE = 0.1  # small beside the classes, so that photos sure of their tags are not cut down as a whole


@dataclass(frozen=True)
class Tags:
    """Picture: unit((sqrt(features) - mean) / spread) @ picture. Text: shares of `vectors` @ text, times top cosine."""

    mean: npt.NDArray[Any]  # [1280]
    spread: npt.NDArray[Any]  # [1280]
    picture: npt.NDArray[Any]  # [1280,dim]
    vectors: npt.NDArray[Any]  # [tags,384] unit MiniLM vectors
    text: npt.NDArray[Any]  # [tags,dim]


def vocabulary(labels: list[set[str]]) -> list[str]:
    return sorted(set().union(*labels))


def fit(
    features: npt.NDArray[Any], labels: list[set[str]], tags: list[str], vectors: npt.NDArray[Any], dim: int
) -> Tags:
    """Fit on photos' features [n,1280] and their label sets; `vectors` are those of `tags`."""
    roots = np.sqrt(np.maximum(features, 0))
    mean, spread = roots.mean(0), roots.std(0) + 0.05
    inputs = (roots - mean) / spread
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    borne = np.array([[tag in bears for tag in tags] for bears in labels], np.float64)
    dual = np.linalg.solve(inputs @ inputs.T + RIDGE * np.eye(len(inputs)), borne - borne.mean(0))
    weights = inputs.T @ dual
    _, _, directions = np.linalg.svd(inputs @ weights, full_matrices=False)
    kept = directions[:dim].T
    return Tags(mean, spread, weights @ kept, vectors, kept)


def add_pictures(graph: Graph, features: str, tags: Tags) -> str:
    """Add the nodes from features [n,1280] to the tag part [n,dim] of the embedding."""
    shifted = graph.add("Sub", graph.add("Sqrt", features), graph.constant(tags.mean))
    unit = graph.add("LpNormalization", graph.add("Div", shifted, graph.constant(tags.spread)), axis=-1, p=2)
    return graph.add("MatMul", unit, graph.half(tags.picture * PICTURE_SCALE))


def add_texts(graph: Graph, vectors: str, tags: Tags) -> str:
    """Add the nodes from MiniLM's unit vectors [n,384] to the tag part [n,dim] of the embedding."""
    cosines = graph.add("MatMul", vectors, graph.int8(tags.vectors.T, axis=1))
    shares = graph.add("Softmax", graph.add("Mul", cosines, graph.constant(SHARPNESS)), axis=-1)
    best = graph.add("ReduceMax", cosines, axes=[1], keepdims=1)
    part = graph.add("MatMul", shares, graph.half(tags.text * (SHARE / PICTURE_SCALE)))
    return graph.add("Mul", part, best)
