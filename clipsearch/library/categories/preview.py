"""What a category would hold, before it is saved: shown while its prompts are typed and its threshold is dragged.

The best photos come from the search index. How many reach the threshold follows from them where they are few, else
from a random sample of the library that stays in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.library.categories.heads import Trainer, Truth, current_heads
from clipsearch.library.categories.scoring import Scorer, least_log_odds, probability, threshold_of, with_rivals
from clipsearch.library.categories.shown import Scored
from clipsearch.library.library import Library
from clipsearch.records import Category, Preview, PreviewHit
from clipsearch.store.tables.memberships import StoredHead

_BEST = 500  # photos that are looked at one by one
_SAMPLE = 10_000  # a library of at most so many photos is counted as a whole
_BINS = 20


def preview(library: Library, category: Category, limit: int) -> Preview:
    """Return what a category would hold, saved (its judgements count) or not, with its `limit` best photos.

    Raises ClipsearchError when no model is usable.
    """
    encoder, scorer = library.ask(lambda encoder: _scorer(library, encoder, category))
    photos = _population(library, encoder, scorer, max(limit, _BEST))
    if category.id:
        photos = photos.judged(library.catalog.labels.all_judgements(present=True).get(category.id, {}))
    best = photos.best.ordered().first(limit)
    counts, edges = np.histogram(photos.probabilities, _BINS, (0, 1), weights=photos.weights)
    bins = zip(edges[:-1].tolist(), edges[1:].tolist(), np.rint(counts).astype(int).tolist(), strict=True)
    least = least_log_odds(category)
    return Preview(
        hits=[PreviewHit(*hit) for hit in zip(best.ids.tolist(), best.probabilities.tolist(), strict=True)],
        count=round(float(photos.weights[photos.log_odds >= least].sum())),
        is_estimate=photos.floor > least,
        histogram=list(bins),
        threshold=threshold_of(category),
    )


@dataclass(frozen=True)
class _Population:
    """The photos of a library: the `best` one by one, the others, all below `floor`, as a sample.

    Each of the sample's log-odds, float32 [s], stands for `scale` photos.
    """

    best: Scored
    floor: float
    sample: Scored
    scale: float

    @property
    def log_odds(self) -> npt.NDArray[np.float32]:
        return np.concatenate([self.best.log_odds, self.sample.log_odds])

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        return probability(self.log_odds)

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """How many photos each of the log-odds stands for."""
        return np.repeat([1.0, self.scale], [len(self.best.ids), len(self.sample.ids)])

    def judged(self, said: dict[int, bool]) -> _Population:
        """Return them as the user's judgements leave them."""
        judged = np.array(list(said), np.int64)
        put_in = np.array([photo_id for photo_id, is_member in said.items() if is_member], np.int64)
        sure = Scored(put_in, np.full(len(put_in), np.inf, np.float32))
        best = Scored.joined([sure, self.best.without(judged)])
        return _Population(best, self.floor, self.sample.without(judged), self.scale)


def _scorer(library: Library, encoder: Encoder, category: Category) -> Scorer:
    """Return the scorer of a category as it is being described, with its rivals."""
    alone = not category.id and not category.exclusive_group
    truth = Truth([], {}) if alone else Truth.of(library, encoder.model_id)
    others = [one for one in with_rivals(truth.categories, [category]) if one.id != category.id]
    heads = current_heads(library, encoder, truth, others)
    trainer = Trainer(library, encoder, truth, is_typing=True)
    return Scorer.of([category], others, {**heads, category.id: _head(library, trainer, encoder, category)})


def _head(library: Library, trainer: Trainer, encoder: Encoder, category: Category) -> StoredHead:
    """Return the stored head where only the threshold, the name or the colour is being changed; else learn."""
    digest = trainer.digest(category)
    stored = library.catalog.memberships.heads(encoder.model_id, [category.id]).get(category.id)
    return stored if stored and stored.digest == digest else trainer.head(category, digest)


def _population(library: Library, encoder: Encoder, scorer: Scorer, count: int) -> _Population:
    sample = library.backgrounds.sample(encoder, _SAMPLE)
    log_odds = scorer.log_odds(sample.vectors)[:, 0]
    if sample.is_whole:
        return _Population(Scored(sample.ids, log_odds), -np.inf, Scored.joined([]), 1.0)
    best, floor = _best(library, encoder, scorer, count)
    below = log_odds < floor
    rest = Scored(sample.ids[below], log_odds[below])
    found = best.log_odds >= floor
    scale = (sample.photos - found.sum()) / max(1, below.sum())
    return _Population(Scored(best.ids[found], best.log_odds[found]), floor, rest, scale)


def _best(library: Library, encoder: Encoder, scorer: Scorer, count: int) -> tuple[Scored, float]:
    """Return the `count` photos that the head alone puts first, and log-odds that no other photo reaches.

    Rivals can only lower a photo's log-odds.
    """
    weights, bias = scorer.weights[0], float(scorer.biases[0])
    length = max(float(np.linalg.norm(weights)), 1e-12)
    ids, scores = library.index_of(encoder).search(weights[None] / np.float32(length), count)[0]
    alone = Scored(ids, scores * np.float32(length) + np.float32(bias))
    floor = float(alone.log_odds.min(initial=np.inf)) if len(ids) == count else -np.inf
    if not scorer.has_rivals:
        return alone, floor
    parts = library.catalog.embeddings.of(encoder.model_id, ids.tolist())
    found = [Scored(np.array(part, np.int64), scorer.log_odds(vectors)[:, 0]) for part, vectors in parts]
    return Scored.joined(found), floor
