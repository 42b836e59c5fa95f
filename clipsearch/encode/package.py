"""A model package on disk: a folder with model.json, tokenizer.json, image.onnx, text.onnx and background.npy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipsearch.encode.preprocess import Preprocess
from clipsearch.errors import PackageError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Package:
    """What model.json says. `model_id` names the vectors it makes: another revision or preprocessing is another model.

    `strong` and `likely` are z-scores: a hit's score against the mean and spread of the query's scores over the
    package's background pictures.
    """

    folder: Path
    name: str
    revision: str
    title: str
    licence: str
    dim: int
    preprocess: Preprocess
    context_length: int
    pad_id: int
    strong: float
    likely: float

    @property
    def model_id(self) -> str:
        return f"{self.name}-{self.revision}-p{self.preprocess.version}"

    @property
    def image_model(self) -> Path:
        return self.folder / "image.onnx"

    @property
    def text_model(self) -> Path:
        return self.folder / "text.onnx"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    def background(self) -> npt.NDArray[np.float32]:
        """Return the unit vectors of the background pictures, float32 [m, dim]; m is 0 if the package has none.

        Raises PackageError.
        """
        path = self.folder / "background.npy"
        if not path.exists():
            return np.zeros((0, self.dim), np.float32)
        try:
            vectors: npt.NDArray[np.float32] = np.load(path, allow_pickle=False).astype(np.float32)
            return vectors.reshape(-1, self.dim)
        except (OSError, ValueError, EOFError) as error:
            raise PackageError(f"The model package's background.npy cannot be read: {error}", path) from error


def load_package(folder: Path) -> Package:
    """Read and check the package in `folder`. Raises PackageError with what is wrong."""
    try:
        values = json.loads((folder / "model.json").read_text("utf-8"))
    except FileNotFoundError:
        raise PackageError(f"There is no model package in {folder} (model.json is missing).", folder) from None
    except (OSError, ValueError) as error:
        raise PackageError(f"The model package's model.json cannot be read: {error}", folder) from error
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise PackageError(f"The model package has format {found!r}; this program reads {FORMAT}.", folder)
    try:
        package = _package(folder, values)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(f"The model package's model.json lacks or misstates {error}.", folder) from error
    for path in (package.image_model, package.text_model, package.tokenizer):
        if not path.is_file():
            raise PackageError(f"The model package is incomplete: {path.name} is missing.", folder)
    return package


def _package(folder: Path, values: dict[str, Any]) -> Package:
    text, relevance = values["text"], values["relevance"]
    return Package(
        folder=folder,
        name=str(values["name"]),
        revision=str(values["revision"]),
        title=str(values.get("title", values["name"])),
        licence=str(values["licence"]),
        dim=int(values["dim"]),
        preprocess=Preprocess.from_json(values["preprocess"]),
        context_length=int(text["context_length"]),
        pad_id=int(text["pad_id"]),
        strong=float(relevance["strong"]),
        likely=float(relevance["likely"]),
    )
