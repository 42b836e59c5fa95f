"""What the scores of categories are held against: pictures that mostly do not belong, of each model in use."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.prompts import Classifiers, suited_set, template_set
from clipsearch.library.calibration import Background, Vectors
from clipsearch.store.catalog import Catalog

Ids = npt.NDArray[np.int64]

#: A library of at most so many photos is in the sample as a whole.
SAMPLE = 10_000
_IN_BACKGROUND = 2_000
_GENERIC = ("photo", "picture", "thing", "scene", "something", "nothing", "place", "detail")
_GROWN = 1.1  # a larger library is sampled again once it has grown or shrunk by so much


@dataclass(frozen=True)
class Sample:
    """Photos of a library drawn at random: ids int64 [s], unit vectors float32 [s, dim], s at most SAMPLE.

    `photos` is how many it was drawn from, and `generation` the state of the catalog at that time.
    """

    model: str
    generation: int
    photos: int
    ids: Ids
    vectors: Vectors

    @property
    def is_whole(self) -> bool:
        """Whether it holds every photo."""
        return self.photos <= SAMPLE

    @property
    def era(self) -> int:
        """A number that changes when the library has become twice as large: time to learn anew."""
        return self.photos.bit_length()


class Backgrounds:
    """Draws the sample of the model that answers and keeps it in memory. Safe to use from several threads.

    Which photos are drawn depends on their ids alone, so that the same library gives the same sample, and a photo more
    changes little.
    """

    def __init__(self, catalog: Catalog, classifiers: Classifiers) -> None:
        self._catalog, self._classifiers = catalog, classifiers
        self._lock = threading.Lock()
        self._sample: Sample | None = None
        self._made: tuple[Sample, Background] | None = None

    def of(self, encoder: Encoder) -> tuple[Background, int]:
        """Return a model's background, and its era: heads of another era are out of date. Raises ClipsearchError."""
        sample = self.sample(encoder)
        generic = self._classifiers.get(encoder, _GENERIC, template_set(suited_set(encoder.package)))
        with self._lock:
            if self._made is None or self._made[0] is not sample:
                background = Background(encoder.background, sample.vectors[:_IN_BACKGROUND], generic)
                self._made = (sample, background)
            return self._made[1], sample.era

    def sample(self, encoder: Encoder) -> Sample:
        """Return photos of the library in the order in which they were drawn, up to date if they are all."""
        generation = self._catalog.changes.generation()
        with self._lock:
            if self._sample is None or not self._fits(self._sample, encoder, generation):
                self._sample = self._draw(encoder, generation)
            return self._sample

    def _fits(self, sample: Sample, encoder: Encoder, generation: int) -> bool:
        if sample.model != encoder.model_id:
            return False
        if sample.generation == generation:
            return True
        photos = self._catalog.embeddings.count(encoder.model_id)
        return not sample.is_whole and photos < sample.photos * _GROWN and photos * _GROWN > sample.photos

    def _draw(self, encoder: Encoder, generation: int) -> Sample:
        ids = self._catalog.embeddings.searchable_ids(encoder.model_id)
        drawn = ids[np.argsort(_lots(ids), kind="stable")[:SAMPLE]]
        found = list(self._catalog.embeddings.of(encoder.model_id, drawn.tolist()))
        read = np.array([photo_id for part, _ in found for photo_id in part], np.int64)
        vectors = np.concatenate([np.zeros((0, encoder.dim), np.float32), *(part for _, part in found)])
        order = np.argsort(_lots(read), kind="stable")
        return Sample(
            encoder.model_id, generation, len(ids), read[order], vectors[order].astype(np.float32, copy=False)
        )


def _lots(ids: Ids) -> npt.NDArray[np.uint64]:
    """Return a number for each id that is as good as random (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
