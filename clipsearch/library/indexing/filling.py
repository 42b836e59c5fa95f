"""The models that a run encodes photos with: the one to be filled and, while another one answers, that as well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.preprocess import Preprocess
from clipsearch.errors import PackageError
from clipsearch.library.indexing.prepare import Prepared
from clipsearch.library.library import Library
from clipsearch.store.tables.intake import NewFile, StoredBatch

Vector = npt.NDArray[np.float32]


class DamagedModelError(Exception):
    """A model turned out to be damaged when it was to encode: `encoder` cannot be used for `reason`."""

    def __init__(self, encoder: Encoder, reason: PackageError) -> None:
        super().__init__(reason.message)
        self.encoder, self.reason = encoder, reason


class Filling:
    """One or two models and their indices, as chosen when the run begins. A photo is encoded once by each."""

    def __init__(self, library: Library) -> None:
        models = library.choice.models()
        self._library = library
        self._filled = models.filling
        self._encoders = models.in_use
        self._indices = [library.index_of(encoder) for encoder in self._encoders.values()]
        self._lacking = {model: library.catalog.embeddings.lacking(model) for model in self._encoders}

    @property
    def specs(self) -> dict[str, Preprocess]:
        """How each model wants its pictures."""
        return {model: encoder.preprocess for model, encoder in self._encoders.items()}

    @property
    def batch_size(self) -> int:
        """How many photos suit the engine that has most to do."""
        return self._filled.batch_size

    def is_outdated(self) -> bool:
        """Tell whether another model has been chosen since, so that the photos known before need not be read."""
        return self._library.encoder.model_id != self._filled.model_id

    def lacking(self, photo_ids: Collection[int | None]) -> set[int | None]:
        """Return those of the photos of which a model has no vector, and that nobody has claimed yet."""
        return {photo_id for photos in self._lacking.values() if photos for photo_id in photo_ids if photo_id in photos}

    def claim(self, photo_id: int) -> tuple[str, ...]:
        """Return the models that have no vector of the photo: once, since one file of a photo is enough."""
        models: tuple[str, ...] = ()
        for model, photos in self._lacking.items():
            if photo_id in photos:
                photos.discard(photo_id)
                models += (model,)
        return models

    def encode(self, batch: Sequence[Prepared], waiting: Sequence[NewFile]) -> list[Mapping[str, Vector]]:
        """Return what each of the batch is to be stored with: vectors by model, of contents that have none yet.

        `waiting` are files encoded before and not stored yet. Raises DamagedModelError.
        """
        made = {model: self._encode(encoder, batch, waiting) for model, encoder in self._encoders.items()}
        contents = [prepared.content_hash for prepared in batch]
        return [{model: new.pop(content) for model, new in made.items() if content in new} for content in contents]

    def _encode(self, encoder: Encoder, batch: Sequence[Prepared], waiting: Sequence[NewFile]) -> dict[str, Vector]:
        """Return {content hash: vector} of the contents for the model that have none yet, each encoded once."""
        model = encoder.model_id
        squares = {prepared.content_hash: prepared.squares[model] for prepared in batch if model in prepared.squares}
        known = {file.content_hash for file in waiting if model in file.vectors}
        for content in known.union(self._library.catalog.embeddings.known(model, list(squares))):
            squares.pop(content, None)
        return dict(zip(squares, _vectors(encoder, list(squares.values())), strict=True))

    def store(self, files: Sequence[NewFile]) -> StoredBatch:
        """Record files with their vectors; they are searchable at once."""
        for index in self._indices:  # before the commit, so that they need not compare all photos after it
            index.refresh()
        stored = self._library.catalog.store({model: encoder.dim for model, encoder in self._encoders.items()}, files)
        for index in self._indices:
            index.add(stored)
        return stored

    def note_caught_up(self, out_of_reach: Collection[int], given_up: Collection[int] = ()) -> None:
        """Let the filled model answer if it knows all photos but those out of reach, and those given up."""
        self._library.choice.note_caught_up(self._filled, out_of_reach, given_up)

    def save(self) -> None:
        """Write the index files."""
        for index in self._indices:
            index.refresh()
            index.save()


def _vectors(encoder: Encoder, squares: Sequence[npt.NDArray[np.uint8]]) -> Iterator[Vector]:
    """Yield the vector of each square, encoded as many at a time as suit the model's engine."""
    size = encoder.batch_size
    try:
        for start in range(0, len(squares), size):
            yield from encoder.encode_images(np.stack(squares[start : start + size]))
    except PackageError as error:
        raise DamagedModelError(encoder, error) from error
