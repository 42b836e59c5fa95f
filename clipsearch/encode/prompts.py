"""Zero-shot classifiers: class names in prompt templates become one vector a class (CLIP paper, section 3.1)."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder, unit
from clipsearch.encode.package import Package
from clipsearch.errors import ClipsearchError
from clipsearch.paths import resource_path

DEFAULT, SHORT, BEST, ENSEMBLE = "default", "short", "imagenet-7", "imagenet-80"

Vectors = npt.NDArray[np.float32]

_TEXTS_AT_ONCE = 256


@cache
def template_sets() -> dict[str, tuple[str, ...]]:
    """Return the sets that come with the program: name -> templates, each with one "{}" for the class name.

    "default" is one template; "short" is for models that learned from words instead of captions, such as the starter,
    which a phrase around the name only distracts; "imagenet-80" is the CLIP paper's ensemble and "imagenet-7" the seven
    of it that its authors found to be enough; the others are named after the data set whose results in the paper they
    made.
    """
    values = json.loads((resource_path("prompts") / "templates.json").read_text("utf-8"))
    return {name: tuple(templates) for name, templates in values.items()}


def template_set(name: str) -> tuple[str, ...]:
    """Return the templates of one set. Raises ClipsearchError for an unknown name, with those that are near it."""
    if templates := template_sets().get(name):
        return templates
    near = difflib.get_close_matches(name, template_sets(), cutoff=0.4) or sorted(template_sets())
    raise ClipsearchError("Prompts not known", f"There are no prompts named {name!r}; try {' or '.join(near)}.")


def suited_set(package: Package) -> str:
    """Return the name of the template set that suits a model: words for one that learned from words, else captions."""
    return SHORT if package.cleaning == "subject" else BEST


def fill(template: str, name: str) -> str:
    """Put a class name in the template's "{}". Raises ClipsearchError if there is not exactly one."""
    if template.count("{}") != 1:
        raise ClipsearchError("Prompt not usable", f"The prompt {template!r} needs one {{}} where the name goes.")
    return template.replace("{}", name)


def classifier(encoder: Encoder, names: Sequence[str], templates: Sequence[str]) -> Vectors:
    """Return one unit vector a class, float32 [len(names), dim]: an ensemble in embedding space (section 3.1.4).

    Each filled-in template is encoded and scaled to length 1; their mean is scaled to length 1 again. Raises
    ClipsearchError if there is no template or one lacks its "{}".
    """
    if not templates:
        raise ClipsearchError("Prompt not usable", "A classifier needs at least one prompt.")
    names_at_once = max(1, _TEXTS_AT_ONCE // len(templates))
    blocks = [names[start : start + names_at_once] for start in range(0, len(names), names_at_once)]
    vectors = [_ensemble(encoder, block, templates) for block in blocks]
    return np.concatenate(vectors) if vectors else np.zeros((0, encoder.dim), np.float32)


def probabilities(images: Vectors, classes: Vectors, scale: float = 100.0) -> Vectors:
    """Return softmax(scale * cosine), float32 [n, classes], for unit vectors [n, dim] of images and [classes, dim]."""
    logits = np.float32(scale) * (images @ classes.T)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    shares: Vectors = powers / powers.sum(axis=1, keepdims=True)
    return shares


def predict(images: Vectors, classes: Vectors) -> npt.NDArray[np.int64]:
    """Return each image's likeliest class, int64 [n], for unit vectors [n, dim] of images and [classes, dim]."""
    best: npt.NDArray[np.int64] = np.argmax(images @ classes.T, axis=1)
    return best


class Classifiers:
    """Makes each classifier once: kept in memory and, given a folder, on disk, by (model, templates, names)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Vectors] = {}

    def get(self, encoder: Encoder, names: Sequence[str], templates: Sequence[str], *, on_disk: bool = True) -> Vectors:
        """Return what `classifier` does, read-only, without encoding if it was made before. Raises ClipsearchError.

        Without `on_disk`, as for names that are being typed, new ones are kept in memory only.
        """
        key = _key(encoder.model_id, names, templates)
        if key not in self._known:
            shape = (len(names), encoder.dim)
            vectors = self._read(key, shape)
            if vectors is None:
                vectors = classifier(encoder, names, templates)
                if on_disk:
                    self._write(key, vectors)
            vectors.flags.writeable = False
            self._known[key] = vectors
        return self._known[key]

    def _read(self, key: str, shape: tuple[int, int]) -> Vectors | None:
        """Return the stored vectors, or None if there are none or the file is damaged."""
        if self._folder is None:
            return None
        try:
            with (self._folder / f"{key}.npy").open("rb") as stream:
                vectors = np.lib.format.read_array(stream, allow_pickle=False)
        except (OSError, ValueError, EOFError, MemoryError):
            return None
        whole = vectors.shape == shape and vectors.dtype == np.float32 and bool(np.isfinite(vectors).all())
        return vectors if whole else None

    def _write(self, key: str, vectors: Vectors) -> None:
        if self._folder is None:
            return
        part = self._folder / f"{key}-{uuid4().hex}.part"
        with contextlib.suppress(OSError):  # without the file the vectors are made again next time, no more
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as stream:
                    np.save(stream, vectors, allow_pickle=False)
                part.replace(self._folder / f"{key}.npy")
            finally:
                part.unlink(missing_ok=True)


def _ensemble(encoder: Encoder, names: Sequence[str], templates: Sequence[str]) -> Vectors:
    texts = [fill(template, name) for name in names for template in templates]
    vectors = encoder.encode_texts(texts).reshape(len(names), len(templates), -1)
    return unit(vectors.mean(axis=1))


def _key(model_id: str, names: Sequence[str], templates: Sequence[str]) -> str:
    question = json.dumps([model_id, list(templates), list(names)])
    return hashlib.sha256(question.encode("utf-8")).hexdigest()
