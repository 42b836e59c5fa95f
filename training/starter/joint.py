"""The joint space: class evidence, moods and tags side by side, and the text head that learned to write in it.

A picture is (evidence, moods, tags): evidence is the squared positive part of its standardised logits, unit length,
seen through `basis`; moods are statistics of light and colour (light.py); tags come from captioned photos
(tags.py). A text is the answer it expects: the head turns MiniLM's vector into class shares and moods. The dot
product is the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter import light
from training.starter.curriculum import Curriculum
from training.starter.export import Heads
from training.starter.graph import Graph
from training.starter.tags import Tags, add_pictures, add_texts

POWER = 0.7  # of the class shares of a text: below 1, a broad word is not drowned by its likeliest classes
MOOD_IN_PICTURE, MOOD_IN_TEXT = (
    0.05,
    1.2,
)  # small in the picture, whose length is normalised; their product is what counts
MOOD_FLOOR = 0.1  # a text's moods below this are noise
MOOD_LIMITS = (-2.0, 3.0)
INPUT_GAIN = 4.0  # unit vectors of width 384 are small numbers


@dataclass(frozen=True)
class TextHead:
    """Weights of the perceptron 384 -> hidden -> (1000 class logits, moods)."""

    hidden: npt.NDArray[Any]
    hidden_bias: npt.NDArray[Any]
    answers: npt.NDArray[Any]
    answers_bias: npt.NDArray[Any]


def train_text_head(
    curriculum: Curriculum,
    vectors: npt.NDArray[Any],
    width: int = 1024,
    steps: int = 3000,
    batch: int = 512,
    rate: float = 2e-3,
) -> TextHead:
    """Fit the head on the curriculum's texts, given as unit vectors [n,384]; prints the loss as it goes."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    hidden, answers = (
        nn.Linear(vectors.shape[1], width),
        nn.Linear(width, curriculum.shares.shape[1] + len(light.NAMES)),
    )
    optimizer = torch.optim.AdamW([*hidden.parameters(), *answers.parameters()], lr=rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    inputs, shares = torch.from_numpy(vectors), torch.from_numpy(curriculum.shares)
    moods, chance = torch.from_numpy(curriculum.moods), torch.from_numpy(curriculum.weights)
    for step in range(steps):
        rows = torch.multinomial(chance, batch, replacement=True)
        noisy = functional.normalize(inputs[rows] + 0.05 * torch.randn(batch, inputs.shape[1]), dim=1)
        middle = functional.dropout(functional.gelu(hidden(noisy * INPUT_GAIN)), 0.3)
        logits, mood = answers(middle).split([shares.shape[1], moods.shape[1]], dim=1)
        loss = (
            -(shares[rows] * functional.log_softmax(logits, 1)).sum(1).mean()
            + 2 * (mood - moods[rows]).square().sum(1).mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 499:
            print(f"text head: step {step + 1} of {steps}, loss {loss.item():.3f}")
    return TextHead(
        *(tensor.detach().numpy() for tensor in (hidden.weight.T, hidden.bias, answers.weight.T, answers.bias))
    )


def evidence(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the class evidence of pictures, unit rows [n,1000] (what `_evidence` adds to the graph)."""
    standard = (logits - logits.mean(1, keepdims=True)) / logits.std(1, keepdims=True)
    raised = np.maximum(standard, 0) ** 2
    unit: npt.NDArray[Any] = raised / np.linalg.norm(raised, axis=1, keepdims=True)
    return unit


def fit_basis(rows: list[npt.NDArray[Any]], dim: int) -> npt.NDArray[Any]:
    """Return orthonormal columns [1000,dim] that keep most of the given sets of unit rows, each set alike."""
    covariance = sum(part.T @ part / len(part) for part in rows)
    _, columns = np.linalg.eigh(covariance)
    return np.ascontiguousarray(columns[:, ::-1][:, :dim]).astype(np.float32)


def build(
    head: TextHead, basis: npt.NDArray[Any], moods: tuple[npt.NDArray[Any], npt.NDArray[Any]], tags: Tags
) -> Heads:
    """Return the heads to export; `moods` turns statistics into moods (light.standardise)."""

    def image(graph: Graph, pixels: str, features: str, logits: str) -> str:
        parts = _evidence(graph, logits, basis), _moods(graph, pixels, *moods), add_pictures(graph, features, tags)
        return graph.add("Concat", *parts, axis=1)

    def text(graph: Graph, vectors: str) -> str:
        return graph.add("Concat", *_answers(graph, vectors, head, basis), add_texts(graph, vectors, tags), axis=1)

    dim = basis.shape[1] + len(light.NAMES) + tags.text.shape[1]
    return Heads(dim, image, text)


def _evidence(graph: Graph, logits: str, basis: npt.NDArray[Any]) -> str:
    ones, zeros = graph.constant(np.ones(basis.shape[0])), graph.constant(np.zeros(basis.shape[0]))
    raised = graph.add("Relu", graph.add("LayerNormalization", logits, ones, zeros, axis=-1, epsilon=1e-6))
    unit = graph.add("LpNormalization", graph.add("Mul", raised, raised), axis=-1, p=2)
    return graph.add("MatMul", unit, graph.half(basis))


def _moods(graph: Graph, pixels: str, matrix: npt.NDArray[Any], bias: npt.NDArray[Any]) -> str:
    mood = graph.add("Gemm", light.add_statistics(graph, pixels), graph.constant(matrix), graph.constant(bias))
    mood = graph.add("Clip", mood, graph.constant(MOOD_LIMITS[0]), graph.constant(MOOD_LIMITS[1]))
    return graph.add("Mul", mood, graph.constant(MOOD_IN_PICTURE))


def _answers(graph: Graph, vectors: str, head: TextHead, basis: npt.NDArray[Any]) -> tuple[str, str]:
    """Add the perceptron; return the expected evidence [n,basis columns] and moods [n,moods]."""
    middle = graph.add("MatMul", graph.add("Mul", vectors, graph.constant(INPUT_GAIN)), graph.int8(head.hidden, axis=1))
    middle = graph.gelu(graph.add("Add", middle, graph.constant(head.hidden_bias)))
    answers = graph.add("MatMul", middle, graph.int8(head.answers, axis=1))
    answers = graph.add("Add", answers, graph.constant(head.answers_bias))
    logits, mood = graph.split(answers, [len(basis), len(light.NAMES)])
    expected = graph.add("Pow", graph.add("Softmax", logits, axis=-1), graph.constant(POWER))
    expected = graph.add("LpNormalization", expected, axis=-1, p=2)
    mood = graph.add("Relu", graph.add("Sub", mood, graph.constant(MOOD_FLOOR)))
    return graph.add("MatMul", expected, graph.half(basis)), graph.add("Mul", mood, graph.constant(MOOD_IN_TEXT))
