"""Heads as text, by model: what a shared category brings along, and what the catalog keeps of it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

import numpy as np

from clipsearch.library.calibration import Head
from clipsearch.records import Category

_MOST_MODELS = 16
_LONGEST_MODEL = 200
_LARGEST_DIM = 16384
_LARGEST = 1e6  # of a weight or bias, so that no log-odds leave float32


def shared_heads(category: Category) -> dict[str, Head]:
    """Return the heads that came with a shared category, by the id of the model that they are for; {} for others."""
    return heads_from(json.loads(category.shared)) if category.shared else {}


def as_values(heads: Mapping[str, Head]) -> dict[str, object]:
    """Return heads as JSON values: {model id: {"bias": number, "weights": base64 of little-endian float32 [dim]}}."""
    return {
        model: {"bias": head.bias, "weights": base64.b64encode(head.weights.astype("<f4").tobytes()).decode("ascii")}
        for model, head in heads.items()
    }


def heads_from(values: object) -> dict[str, Head]:
    """Return the heads of `as_values`. Raises ValueError, with what is wrong in words, for anything else."""
    if not isinstance(values, dict) or len(values) > _MOST_MODELS:
        raise ValueError(f"the heads are not of at most {_MOST_MODELS} models")
    return {_model(model): _head(value) for model, value in values.items()}


def _model(model: str) -> str:
    if not 0 < len(model) <= _LONGEST_MODEL or not model.isprintable():
        raise ValueError("a model's id is empty, too long or not printable")
    return model


def _head(value: object) -> Head:
    if not isinstance(value, dict) or set(value) != {"bias", "weights"}:
        raise ValueError("a head is not made of bias and weights")
    bias, weights = value["bias"], _numbers(value["weights"])
    if isinstance(bias, bool) or not isinstance(bias, int | float) or not abs(bias) <= _LARGEST:
        raise ValueError("a bias is not a sensible number")
    return Head(weights, float(bias))


def _numbers(text: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    if not isinstance(text, str) or len(text) > _LARGEST_DIM * 6:
        raise ValueError("weights are too long or no text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("weights are not in base64") from error
    if not data or len(data) % 4 or len(data) > _LARGEST_DIM * 4:
        raise ValueError("weights are cut short")
    numbers = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.all(np.abs(numbers) <= _LARGEST):  # false for what is no number, too
        raise ValueError("a weight is not a sensible number")
    return numbers
