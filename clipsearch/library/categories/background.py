"""What the scores of categories are held against: pictures that mostly do not belong, of each model in use.

A sample of the library is drawn once and kept in the catalog, so that the same words and judgements give the same head
whenever they are given. Only a library that has become quite another one is sampled anew, for all heads together.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.prompts import Classifiers, suited_set, template_set
from clipsearch.library.calibration import Background, Vectors
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.memberships import StoredSample

Ids = npt.NDArray[np.int64]

_IN_BACKGROUND = 2_000
_GENERIC = ("photo", "picture", "thing", "scene", "something", "nothing", "place", "detail")
_SPARE = 1.5  # so many more ids are drawn than photos wanted, since some have no file
_GROWN = 1.1  # a larger library is sampled again, for estimates, once it has grown or shrunk by so much
_OUTGROWN, _SHRUNK = 1.5, 0.5  # and its stored sample is drawn anew once there are so many times as many photos


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


@dataclass(frozen=True)
class _Kept:
    """A stored sample in memory."""

    stored: StoredSample
    sample: Sample

    def is_of(self, stored: StoredSample, model: str, generation: int) -> bool:
        """Tell whether it is this one; where vectors were lost, some may have come back by another generation."""
        is_same = self.sample.model == model and np.array_equal(self.stored.photo_ids, stored.photo_ids)
        return is_same and (len(self.sample.ids) == len(stored.photo_ids) or self.sample.generation == generation)


class Backgrounds:
    """Draws samples for the model that answers and keeps them in memory. Safe to use from several threads.

    Which photos are drawn depends on their ids alone, so that the same library gives the same sample, and a photo more
    changes little.
    """

    def __init__(self, catalog: Catalog, classifiers: Classifiers) -> None:
        self._catalog, self._classifiers = catalog, classifiers
        self._lock = threading.Lock()
        self._samples: dict[int, Sample] = {}  # by size
        self._kept: _Kept | None = None
        self._made: Background | None = None

    def settle(self, encoder: Encoder, *, may_replace: bool) -> None:
        """Draw the sample of a model and store it, where there is none or (`may_replace`) the library outgrew it.

        A library that may only be read goes without. Raises CatalogError.
        """
        if self._catalog.read_only:
            return
        stored = self._catalog.memberships.sample(encoder.model_id)
        if stored is None or (may_replace and self._is_outgrown(stored, encoder.model_id)):
            photos = self._catalog.embeddings.count(encoder.model_id)
            drawn = self._draw(encoder, self._catalog.changes.generation(), photos, _IN_BACKGROUND)
            self._catalog.memberships.store_sample(encoder.model_id, encoder.dim, StoredSample(photos, drawn.ids))

    def mark(self, encoder: Encoder) -> str:
        """Return what tells one background of a model from another, such as one drawn later."""
        return hashlib.sha256(self._held_against(encoder).ids.tobytes()).hexdigest()

    def of(self, encoder: Encoder) -> Background:
        """Return a model's background. Raises ClipsearchError."""
        sample = self._held_against(encoder)
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

    def _held_against(self, encoder: Encoder) -> Sample:
        """Return the stored sample; where there is none yet, what would be drawn now."""
        stored = self._catalog.memberships.sample(encoder.model_id)
        if stored is None:
            return self.sample(encoder, _IN_BACKGROUND)
        generation = self._catalog.changes.generation()
        with self._lock:
            if self._kept and self._kept.is_of(stored, encoder.model_id, generation):
                return self._kept.sample
            read = self._read(encoder, stored.photo_ids)
            sample = Sample(encoder.model_id, generation, stored.photos, *read, is_whole=False)
            self._kept = _Kept(stored, sample)
            return sample

    def _is_outgrown(self, stored: StoredSample, model: str) -> bool:
        photos = self._catalog.embeddings.count(model)
        return not stored.photos * _SHRUNK <= photos <= stored.photos * _OUTGROWN

    def _brought_up_to(self, generation: int, known: Sample | None, encoder: Encoder, size: int) -> Sample:
        """Return the sample at this generation: the known one where it still stands for the library."""
        photos = self._catalog.embeddings.count(encoder.model_id)
        if known is not None and known.model == encoder.model_id and known.stands_for(photos):
            return replace(known, generation=generation)
        return self._draw(encoder, generation, photos, size)

    def _draw(self, encoder: Encoder, generation: int, photos: int, size: int) -> Sample:
        embeddings, model = self._catalog.embeddings, encoder.model_id
        ids = embeddings.searchable_ids(model, None if photos <= size else self._drawn(model, photos, size).tolist())
        return Sample(model, generation, photos, *self._read(encoder, _in_order(ids)[:size]), photos <= size)

    def _read(self, encoder: Encoder, ids: Ids) -> tuple[Ids, Vectors]:
        """Return those of the photos that have a vector, in the order of the draw, and the vectors."""
        found = list(self._catalog.embeddings.of(encoder.model_id, ids.tolist()))
        read = np.array([photo_id for part, _ in found for photo_id in part], np.int64)
        vectors = np.concatenate([np.zeros((0, encoder.dim), np.float16), *(part for _, part in found)])
        order = np.argsort(_lots(read), kind="stable")
        return read[order], vectors[order].astype(np.float32)

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
