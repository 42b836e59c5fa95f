"""A category's head in one model: words in templates, calibrated, then taught by the user's judgements.

Heads are kept in the catalog and made again when what they were made of has changed, which a digest tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder, unit
from clipsearch.encode.prompts import suited_set, template_sets
from clipsearch.library.calibration import Background, Head, Vectors, calibrated
from clipsearch.library.categories.exchange.weights import shared_heads
from clipsearch.library.categories.learning import Lesson, learn
from clipsearch.library.library import Library
from clipsearch.records import ApplyProgress, Category
from clipsearch.store.tables.memberships import LeftOut, StoredHead

_METHOD = "2"  # changes with the way in which heads are made, so that older ones are made anew
_STORED_TOGETHER = 16

Judgements = Mapping[int, Mapping[int, bool]]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What the user said, at one moment: the categories, and the judgements of photos that the model knows."""

    categories: Sequence[Category]
    judgements: Judgements

    @classmethod
    def of(cls, library: Library, model: str) -> Truth:
        """Read it from the catalog."""
        categories, judgements = library.catalog.labels.all(), library.catalog.labels.examples()
        judged = {photo_id for said in judgements.values() for photo_id in said}
        known = library.catalog.embeddings.among(model, sorted(judged))
        kept = {
            category_id: {photo_id: one for photo_id, one in said.items() if photo_id in known}
            for category_id, said in judgements.items()
        }
        return cls(categories, kept)

    def examples(self, category: Category) -> dict[int, bool]:
        """Return the photos that teach a category: those judged, and what lies in others of its exclusive group."""
        group = category.exclusive_group
        others = [one.id for one in self.categories if group and one.exclusive_group == group and one.id != category.id]
        theirs = [photo_id for one in others for photo_id, put_in in self.judgements.get(one, {}).items() if put_in]
        return dict.fromkeys(theirs, False) | dict(self.judgements.get(category.id, {}))


def up_to_date(
    library: Library, encoder: Encoder, truth: Truth, wanted: Iterable[Category]
) -> Generator[ApplyProgress, None, dict[int, StoredHead]]:
    """Return the heads of categories in the encoder's model, those that are out of date made anew and stored.

    Yields after each that was made; closing the generator keeps those. Raises ClipsearchError, as texts may have to be
    encoded.
    """
    trainer = Trainer(library, encoder, truth)
    stored = library.catalog.memberships.heads(encoder.model_id)
    heads, new = dict[int, StoredHead](), list[StoredHead]()
    try:
        for category in wanted:
            digest, known = trainer.digest(category), stored.get(category.id)
            if known is None or known.digest != digest:
                known = trainer.head(category, digest)
                new.append(known)
                yield ApplyProgress(0, 0)
            heads[category.id] = known
            if len(new) >= _STORED_TOGETHER:
                _store(library, encoder, new)
    finally:
        _store(library, encoder, new)
    return heads


def current_heads(
    library: Library, encoder: Encoder, truth: Truth, wanted: Iterable[Category]
) -> dict[int, StoredHead]:
    """Return what `up_to_date` does, in one go."""
    steps = up_to_date(library, encoder, truth, wanted)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            heads: dict[int, StoredHead] = end.value
            return heads


class Trainer:
    """Makes the heads of categories in one model, of what the user has said."""

    def __init__(self, library: Library, encoder: Encoder, truth: Truth, *, is_typing: bool = False) -> None:
        """While the user `is_typing`, no texts are kept on disk, and nothing is measured."""
        self._library, self._encoder, self._truth = library, encoder, truth
        self._is_typing = is_typing
        self._mark = library.backgrounds.mark(encoder)

    def digest(self, category: Category) -> str:
        """Return what tells whether a head is still right: all that it is made of, hashed."""
        templates = template_sets()[_templates(category, self._encoder)]
        words = [_prompts(category), category.negatives, templates, category.shared]
        digest = hashlib.sha256(json.dumps([_METHOD, self._encoder.model_id, self._mark, *words]).encode())
        own = self._truth.judgements.get(category.id, {})
        examples = [(*example, example[0] in own) for example in sorted(self._truth.examples(category).items())]
        digest.update(np.array(examples, np.int64).tobytes())
        return digest.hexdigest()

    def head(self, category: Category, digest: str = "") -> StoredHead:
        """Make a category's head. Raises ClipsearchError."""
        prior, *negatives = self._zero_shot(category)
        ids, examples, is_member = self._examples(category)
        lesson = learn(prior, examples, is_member, self._background)
        rows = [lesson.head, *negatives]
        weights, biases = np.stack([one.weights for one in rows]), np.array([one.bias for one in rows], np.float32)
        own = np.isin(ids, list(self._truth.judgements.get(category.id, {})))
        left_out = LeftOut() if self._is_typing else _left_out(lesson, negatives, examples, is_member, own)
        return StoredHead(category.id, digest, weights, biases, left_out)

    @cached_property
    def _background(self) -> Background:
        return self._library.backgrounds.of(self._encoder)

    def _zero_shot(self, category: Category) -> list[Head]:
        """Return the heads of what belongs and of each thing meant not to be, as words alone tell."""
        prompts = unit(self._texts(category, _prompts(category)).mean(axis=0, keepdims=True))
        heads = calibrated(np.concatenate([prompts, self._texts(category, category.negatives)]), self._background)
        shared = shared_heads(category).get(self._encoder.model_id)
        if shared is not None and len(shared.weights) == self._encoder.dim:
            heads[0] = shared
        return heads

    def _texts(self, category: Category, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of texts in the category's templates, float32 [n, dim]: each is encoded once."""
        templates, get = template_sets()[_templates(category, self._encoder)], self._library.classifiers.get
        parts = [get(self._encoder, [text], templates, on_disk=not self._is_typing) for text in texts]
        return np.concatenate([np.zeros((0, self._encoder.dim), np.float32), *parts])

    def _examples(self, category: Category) -> tuple[npt.NDArray[np.int64], Vectors, Flags]:
        """Return the examples' ids, int64 [n] ascending, unit vectors, float32 [n, dim], and which belong, bool [n]."""
        judged = self._truth.examples(category)
        parts = list(self._library.catalog.embeddings.of(self._encoder.model_id, sorted(judged)))
        vectors = np.concatenate([np.zeros((0, self._encoder.dim), np.float32), *(part for _, part in parts)])
        ids = np.array([photo_id for part, _ in parts for photo_id in part], np.int64)
        order = np.argsort(ids, kind="stable")
        return ids[order], vectors[order], np.array([judged[one] for one in ids[order].tolist()], np.bool_)


def _left_out(lesson: Lesson, negatives: Sequence[Head], examples: Vectors, is_member: Flags, own: Flags) -> LeftOut:
    """Return what the user's `own` judgements of these examples would be without themselves, negatives considered."""
    rivals = [np.zeros(len(examples), np.float32), *(negative.log_odds(examples) for negative in negatives)]
    log_odds = lesson.left_out() - np.logaddexp.reduce(rivals, axis=0)
    return LeftOut(log_odds[own & is_member], log_odds[own & ~is_member])


def _store(library: Library, encoder: Encoder, heads: list[StoredHead]) -> None:
    """Store heads and empty the list; a library that may only be read goes without."""
    if heads and not library.catalog.read_only:
        library.catalog.memberships.store_heads(encoder.model_id, encoder.dim, heads)
    heads.clear()


def _prompts(category: Category) -> tuple[str, ...]:
    return category.prompts or (category.name,)


def _templates(category: Category, encoder: Encoder) -> str:
    """Return the name of the category's template set, or of the one that suits the model."""
    return category.templates if category.templates in template_sets() else suited_set(encoder.package)
