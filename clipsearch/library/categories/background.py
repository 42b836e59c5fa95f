"""What the scores of categories are held against: pictures that mostly do not belong, of each model in use."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.prompts import Classifiers, suited_set, template_set
from clipsearch.library.calibration import Background, Vectors
from clipsearch.store.catalog import Catalog

Ids = npt.NDArray[np.int64]

_IN_BACKGROUND = 2_000
_GENERIC = ("photo", "picture", "thing", "scene", "something", "nothing", "place", "detail")
_SPARE = 1.5  # so many more ids are drawn than photos wanted, since some have no file
_GROWN = 1.1  # a larger library is sampled again once it has grown or shrunk by so much


@dataclass(frozen=True)
class Sample:
    """Photos of a library drawn at random: ids int64 [s], unit vectors float32 [s, dim], in the order of the draw.

    `photos` is how many there were at `generation`; those that have no file count, but are not drawn.
    """

    model: str
    generation: int
    photos: int
    ids: Ids
    vectors: Vectors
    is_whole: bool

    def stands_for(self, photos: int) -> bool:
        """Tell whether it still stands for a library that has so many photos now."""
        return not self.is_whole and photos < self.photos * _GROWN and photos * _GROWN > self.photos


class Backgrounds:
    """Draws samples for the model that answers and keeps them in memory. Safe to use from several threads.

    Which photos are drawn depends on their ids alone, so that the same library gives the same sample, and a photo more
    changes little.
    """

    def __init__(self, catalog: Catalog, classifiers: Classifiers) -> None:
        self._catalog, self._classifiers = catalog, classifiers
        self._lock = threading.Lock()
        self._samples: dict[int, Sample] = {}  # by size
        self._made: Background | None = None

    def era(self, encoder: Encoder) -> int:
        """Return a number that changes when the library has become twice as large: time to learn anew."""
        return self._catalog.embeddings.count(encoder.model_id).bit_length()

    def of(self, encoder: Encoder) -> Background:
        """Return a model's background. Raises ClipsearchError."""
        sample = self.sample(encoder, _IN_BACKGROUND)
        generic = self._classifiers.get(encoder, _GENERIC, template_set(suited_set(encoder.package)))
        with self._lock:
            if self._made is None or self._made.sample is not sample.vectors:
                self._made = Background(encoder.background, sample.vectors, generic)
            return self._made

    def sample(self, encoder: Encoder, size: int) -> Sample:
        """Return at most `size` photos of the library; while they are all of them, every change is followed."""
        model, generation = encoder.model_id, self._catalog.changes.generation()
        with self._lock:
            known = self._samples.get(size)
            if known is None or (known.model, known.generation) != (model, generation):
                known = self._samples[size] = self._brought_up_to(generation, known, encoder, size)
            return known

    def _brought_up_to(self, generation: int, known: Sample | None, encoder: Encoder, size: int) -> Sample:
        """Return the sample at this generation: the known one where it still stands for the library."""
        photos = self._catalog.embeddings.count(encoder.model_id)
        if known is not None and known.model == encoder.model_id and known.stands_for(photos):
            return replace(known, generation=generation)
        return self._draw(encoder, generation, photos, size)

    def _draw(self, encoder: Encoder, generation: int, photos: int, size: int) -> Sample:
        embeddings, model = self._catalog.embeddings, encoder.model_id
        ids = embeddings.searchable_ids(model, None if photos <= size else self._drawn(model, photos, size).tolist())
        ids = _in_order(ids)[:size]
        found = list(embeddings.of(model, ids.tolist()))
        read = np.array([photo_id for part, _ in found for photo_id in part], np.int64)
        vectors = np.concatenate([np.zeros((0, encoder.dim), np.float16), *(part for _, part in found)])
        order = np.argsort(_lots(read), kind="stable")
        return Sample(model, generation, photos, read[order], vectors[order].astype(np.float32), photos <= size)

    def _drawn(self, model: str, photos: int, size: int) -> Ids:
        """Return ids that are drawn first and may be photos: enough of them for `size` that are.

        Reading the ids of a million photos would take a second; they are counted up from 1 instead.
        """
        last = self._catalog.embeddings.last_id(model)
        return _in_order(np.arange(1, last + 1))[: math.ceil(size * _SPARE * last / photos)]


def _in_order(ids: Ids) -> Ids:
    return ids[np.argsort(_lots(ids), kind="stable")]


def _lots(ids: Ids) -> npt.NDArray[np.uint64]:
    """Return a number for each id that is as good as random (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
