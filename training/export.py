"""A trained model -> a package that `clipsearch models import` installs.

The tokenizer is the run's own. Pictures of all kinds are encoded with the package, so that the program can tell a high
score from an ordinary one.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.encode.convert import convert_here
from clipsearch.encode.encoder import Encoder
from clipsearch.encode.names import is_harmless, is_plain
from clipsearch.encode.package import Package, load_package
from clipsearch.encode.preprocess import to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.paths import resource_path
from training.errors import TrainingError
from training.trained import Trained, find, form_of, lay_out, weights_of

UNKNOWN = "unknown licence"

#: what these learn is no space in which pictures and texts meet, so nothing can be searched with it
WITHOUT_SPACE = {
    "language-model": "predicts captions",
    "bag-of-words-prediction": "predicts the words of captions",
    "visual-n-grams": "predicts the phrases of captions",
}
_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
_AT_ONCE = 16


def export(
    checkpoint: Path,
    out: Path,
    name: str | None = None,
    title: str | None = None,
    licence: str = UNKNOWN,
    background: Path | None = None,
) -> Package:
    """Make a trained model the package `name` in the folder `out`, which appears whole or not at all.

    `checkpoint`: a run's folder (its final weights, or else its newest checkpoint), its `model/`, one of its
    `checkpoints/step-*`, a fine-tuned model or any other checkpoint. `name` is by default the run's or the folder's,
    `title` the name; `background` a folder of pictures of all kinds, by default the demo's.

    Raises TrainingError for a model that cannot be a package, and ClipsearchError for files that cannot be read.
    """
    trained = find(checkpoint)
    check_searchable(trained)
    name = _name(name, trained)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} is there already; choose a new folder for the package.")
    with _beside(out) as work:
        source, made = work / "checkpoint" / name, work / "package"
        clip = weights_of(trained)
        lay_out(clip, form_of(trained, clip.config), source)
        for _ in convert_here(source, made, name=name, title=title or name, licence=licence):
            pass
        vectors = background_of(load_package(made), background or resource_path("demo"))
        np.save(made / "background.npy", vectors.astype(np.float16))
        if out.exists():
            out.rmdir()
        made.replace(out)
    return load_package(out)


def background_of(package: Package, folder: Path) -> npt.NDArray[np.float32]:
    """Return the unit vectors of the pictures in a folder, float32 [m, dim]; what cannot be read is left out.

    Raises TrainingError if nothing is left.
    """
    encoder = Encoder(package, engine="onnx")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    squares = [square for path in paths if (square := _square(path, package)) is not None]
    if not squares:
        raise TrainingError(f"{folder} holds no pictures for the background.")
    parts = [np.stack(squares[start : start + _AT_ONCE]) for start in range(0, len(squares), _AT_ONCE)]
    return np.concatenate([encoder.encode_images(part) for part in parts])


def _square(path: Path, package: Package) -> npt.NDArray[np.uint8] | None:
    try:
        return to_square(decode(path, package.preprocess.size).image, package.preprocess)
    except UnreadablePhotoError:
        return None


def check_searchable(trained: Trained) -> None:
    """Raise TrainingError for a model in which pictures and texts do not meet."""
    kind = trained.run.objective.kind if trained.run else ""
    if does := WITHOUT_SPACE.get(kind):
        raise TrainingError(
            f"A model of the objective {kind} only {does}: it has no space that pictures and texts share, so it cannot "
            "be a package. Train one with contrastive or sigmoid to search with it."
        )


def _name(given: str | None, trained: Trained) -> str:
    """Return a name that the program will take: the given one as it is, else one made of the run's or the folder's."""
    found = trained.run.name if trained.run else trained.weights.resolve().stem
    name = given or re.sub(r"[^A-Za-z0-9._+-]+", "-", found).strip("-.")
    if not (is_plain(name) and is_harmless(name)):
        raise TrainingError(f"{name!r} cannot be a model's name: it may hold letters, digits and . _ + - only.")
    return name


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Give a folder on the disk of `out`, which vanishes with what is left in it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
            yield Path(work)
    except OSError as error:
        raise TrainingError(f"The package cannot be written to {out}: {error.strerror or error}.") from error
