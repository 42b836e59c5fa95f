"""Try a model package before it is installed, in a process of its own: a bad one may crash that, never the program."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.package import load_package
from clipsearch.encode.preprocess import to_square
from clipsearch.errors import ClipsearchError, PackageError, UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.workers import WorkerPool
from clipsearch.paths import resource_path
from clipsearch.records import ModelProgress, ModelStage

_HEARTBEAT_S = 0.25
_TIMEOUT_S = 600.0
_MEMORY_MB = 1 << 20  # as much as there is
_PHOTO, _TEXTS = "demo/dog.jpg", ["a photo of a dog", "mountains"]


def try_out(folder: Path) -> Generator[ModelProgress, None, None]:
    """Let the package in `folder` encode a photo and two texts; yields the same step while that goes on.

    Closing the generator stops it at once. Raises PackageError with what is wrong.
    """
    step = ModelProgress(ModelStage.CHECKING, 0, None)
    yield step
    pool = WorkerPool(encode_something, 1, _TIMEOUT_S, _MEMORY_MB, 1)
    with closing(pool.watch([folder], _HEARTBEAT_S)) as results:
        for result in results:
            yield step
            if result is not None:
                _accept(result[1])


def _accept(outcome: ClipsearchError | None) -> None:
    if isinstance(outcome, UnreadablePhotoError):
        reason = f"trying it crashed, took longer than {_TIMEOUT_S / 60:g} minutes or needed more memory than there is"
        raise PackageError(f"The model cannot be used on this machine: {reason}.") from outcome
    if outcome is not None:
        raise outcome


def encode_something(folder: Path) -> None:
    """Raise PackageError unless both towers give unit vectors of the stated length, and tell two texts apart."""
    encoder = Encoder(load_package(folder), engine="onnx")
    photo = decode(resource_path(_PHOTO), encoder.preprocess.size).image
    _check("pictures", encoder.encode_images(to_square(photo, encoder.preprocess)[None]), encoder.dim)
    texts = encoder.encode_texts(_TEXTS)
    _check("texts", texts, encoder.dim)
    if np.array_equal(texts[0], texts[1]):
        raise PackageError("The model cannot be used: it gives every text the same vector.")


def _check(what: str, vectors: npt.NDArray[np.float32], dim: int) -> None:
    if vectors.shape[1] != dim:
        raise PackageError(f"The model's vectors of {what} have {vectors.shape[1]} numbers; model.json says {dim}.")
    if not np.isfinite(vectors).all() or not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        raise PackageError(f"The model cannot be used: its vectors of {what} are not numbers, or all zeros.")
