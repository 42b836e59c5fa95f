"""python -m training caption: what a model that learned to write captions says of pictures, a line of JSON each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from clipsearch.encode.preprocess import normalise, to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from training.data.texts import Texts
from training.data.variations import preprocessing
from training.errors import TrainingError
from training.learned import open_learner
from training.objectives.objective import Learner

AT_ONCE = 32  # pictures


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("model", type=Path, help="a run, or one of its checkpoints, which hold what writes captions")
    parser.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE")
    parser.add_argument("--beams", type=int, default=4, help="texts that are followed at once: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Do what the command line says."""
    caption(options.model, options.pictures, options.beams)


def caption(model: Path, pictures: Sequence[Path], beams: int) -> None:
    """Print a caption for each picture, or what is wrong with it, as soon as some are written.

    Raises ClipsearchError for a model that cannot be read or was not taught to write captions.
    """
    if beams < 1:
        raise TrainingError("--beams must be 1 or more.")
    learner, texts = open_learner(model)
    if not learner.objective.writes_captions:
        raise TrainingError(
            f"The objective of {model} does not write captions; those with captioning, and language-model, do."
        )
    for start in range(0, len(pictures), AT_ONCE):
        for line in _lines(learner, texts, pictures[start : start + AT_ONCE], beams):
            print(json.dumps(line, ensure_ascii=False), flush=True)


def _lines(learner: Learner, texts: Texts, pictures: Sequence[Path], beams: int) -> Iterator[dict[str, str]]:
    spec = preprocessing(learner.clip.config)
    squares, problems = [], {}
    for path in pictures:
        try:
            squares.append(to_square(decode(path, spec.size).image, spec))
        except UnreadablePhotoError as error:
            problems[path] = error.message
    written = iter(_written(learner, normalise(np.stack(squares), spec), beams) if squares else [])
    for path in pictures:
        said = {"problem": problems[path]} if path in problems else {"caption": texts.text(next(written))}
        yield {"path": str(path)} | said


def _written(learner: Learner, pixels: npt.NDArray[np.float32], beams: int) -> list[list[int]]:
    with torch.no_grad():
        return learner.objective.caption(learner.clip, torch.from_numpy(pixels), beams)
