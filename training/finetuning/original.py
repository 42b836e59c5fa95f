"""The model that is tuned: an installed package's, a package's in a folder, a run's or any checkpoint's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from clipsearch.encode import shelf
from clipsearch.encode.convert import TextForm
from clipsearch.encode.package import Package, load_package
from clipsearch.encode.preprocess import Preprocess
from clipsearch.encode.tokenizer import Tokenizer, pad
from clipsearch.model import CLIP, CLIPConfig, as_parameter, assemble, config
from clipsearch.model.checkpoint.weights import read_weights
from training.errors import TrainingError
from training.export import check_searchable
from training.trained import find, form_of, weights_of


@dataclass(frozen=True)
class Original:
    """A model, in fp32 and evaluation mode, how its texts become tokens and how pictures are prepared."""

    name: str
    clip: CLIP
    form: TextForm

    @property
    def preprocess(self) -> Preprocess:
        """The same as in the program."""
        one = self.clip.config
        return Preprocess(1, one.vision.image_size, one.resize, one.interpolation, one.mean, one.std)

    def tokens(self) -> Tokens:
        """Return the tokenizer. Raises PackageError."""
        return Tokens(self.form, self.clip.config)


class Tokens:
    """Texts -> tokens int64 [n, l], cut at the context; padded to all of it where a model sees its padding."""

    def __init__(self, form: TextForm, network: CLIPConfig) -> None:
        self._tokenizer: Tokenizer = form.open()
        self._length = 1 if network.text.ends_early else network.text.context_length
        self._pad_id, self._most = form.pad_id, network.text.vocab_size

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Raises TrainingError if the tokenizer knows tokens that the model has not."""
        ids, _ = pad(*self._tokenizer(texts), self._length, self._pad_id)
        if ids.size and ids.max() >= self._most:
            raise TrainingError("The tokenizer does not belong to this model: it has more tokens.")
        return torch.from_numpy(ids)


def open_original(where: str) -> Original:
    """Open a model by the path of its folder or file, or by the name of an installed package.

    Raises ClipsearchError for one that cannot be read, and TrainingError for one that cannot be tuned.
    """
    path = Path(where)
    if not path.exists():
        return _of_package(load_package(shelf.find(where)))
    if (path / "model.json").is_file():
        return _of_package(load_package(path))
    trained = find(path)
    check_searchable(trained)
    clip = weights_of(trained)
    return Original(trained.run.name if trained.run else path.resolve().name, clip, form_of(trained, clip.config))


def _of_package(package: Package) -> Original:
    architecture = package.architecture
    if package.weights is None or architecture is None:
        raise TrainingError(
            f"The package {package.name} holds no weights that can be tuned, only finished towers; take a model that "
            "was converted here from a checkpoint."
        )
    network = config(architecture) if isinstance(architecture, str) else CLIPConfig.from_json(architecture)
    state = {name: as_parameter(tensor) for name, tensor in read_weights([package.weights]).items()}
    parts = (package.context_length, package.pad_id, package.cleaning, package.eot_id)
    return Original(package.name, assemble(network, state, package.weights), TextForm(package.tokenizer, *parts))
