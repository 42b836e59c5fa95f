"""Pictures of questions -> a model's input, by the preprocessing with which the program indexes photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clipsearch.encode.preprocess import Preprocess, normalise, to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.model import CLIPConfig
from training.evaluation.exams import Picture, Question


def read(questions: Sequence[Question], config: CLIPConfig) -> tuple[Tensor, list[str]]:
    """Return float32 [n, 3, size, size] for the pictures that can be read, and what is wrong with each, or ""."""
    spec = Preprocess(1, config.vision.image_size, config.resize, config.interpolation, config.mean, config.std)
    squares, faults = [], []
    for question in questions:
        try:
            squares.append(to_square(_upright(question.picture, spec.size), spec))
            faults.append("")
        except UnreadablePhotoError as error:
            faults.append(f"{error.path or question.label}: {error.message}")
    stacked = np.stack(squares) if squares else np.zeros((0, spec.size, spec.size, 3), np.uint8)
    return torch.from_numpy(normalise(stacked, spec)), faults


def _upright(picture: Picture, size: int) -> Image.Image:
    """Return a picture upright and RGB. Raises UnreadablePhotoError."""
    return picture if isinstance(picture, Image.Image) else decode(picture, size).image
