"""Bringing heads and memberships up to date: by all photos where a head or threshold is new, else by changed ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.library.categories.heads import Truth, current_heads, up_to_date
from clipsearch.library.categories.nesting import within
from clipsearch.library.categories.scoring import Scorer, least_log_odds, with_rivals
from clipsearch.library.categories.shown import Scored
from clipsearch.library.library import Library
from clipsearch.records import ApplyCounts, ApplyProgress, Category
from clipsearch.store.tables.memberships import Membership, StoredHead

Ids = npt.NDArray[np.int64]
Run = Generator[ApplyProgress, None, ApplyCounts]
Blocks = Iterable[tuple[Ids, npt.NDArray[np.float16]]]
Heads = Mapping[int, StoredHead]

_AT_ONCE = 4096  # photos a block, so that their vectors and log-odds stay within some megabytes


def update(library: Library, encoder: Encoder, asked: Collection[int] | None) -> Run:
    """Do what `applying.apply` says, with one model. Raises ClipsearchError."""
    library.backgrounds.settle(encoder, may_replace=asked is None)
    truth = Truth.of(library, encoder.model_id)
    wanted = _with_inner(truth.categories, asked)
    heads = yield from up_to_date(library, encoder, truth, with_rivals(truth.categories, wanted))
    digests = {one.id: _digest(one, truth.categories, heads) for one in wanted}
    state = _State.of(library, encoder, digests)
    stale, behind = state.stale(wanted), state.behind(wanted)
    progress, new = _Progress(state.photos(bool(stale), bool(behind))), list[Membership]()
    for categories, blocks in ((stale, state.everything()), (behind, state.changes())):
        if categories:
            scorer = Scorer.of(categories, truth.categories, heads)
            found = yield from _found(scorer, categories, blocks, progress)
            new += [state.membership(one.id, digests[one.id], found[one.id]) for one in categories]
    if new:
        library.catalog.memberships.store(encoder.model_id, encoder.dim, new)
    members = {one.category_id: len(one.photo_ids) for one in (*state.known.values(), *new)}
    return ApplyCounts(len(wanted), progress.done, sum(members.values()))


def score_all(library: Library, encoder: Encoder, category_id: int) -> dict[int, Scored]:
    """Score every photo for a category and for each that is nested in it; {} if it is gone. Raises ClipsearchError."""
    truth = Truth.of(library, encoder.model_id)
    wanted = _with_inner(truth.categories, {category_id})
    if not wanted:
        return {}
    heads = current_heads(library, encoder, truth, with_rivals(truth.categories, wanted))
    scorer = Scorer.of(wanted, truth.categories, heads)
    parts = [(ids, scorer.log_odds(vectors)) for ids, vectors in _everything(library, encoder)]
    ids = np.concatenate([np.zeros(0, np.int64), *(part for part, _ in parts)])
    log_odds = np.concatenate([np.zeros((0, len(wanted)), np.float32), *(part for _, part in parts)])
    return {one.id: Scored(ids, column) for one, column in zip(wanted, log_odds.T, strict=True)}


@dataclass
class _Progress:
    """How many photos have been looked at."""

    total: int
    done: int = 0

    def step(self, photos: int) -> ApplyProgress:
        self.done += photos
        return ApplyProgress(self.done, max(self.total, self.done))


@dataclass(frozen=True)
class _State:
    """The memberships that are right but for the photos that have `changed` since, and the catalog's generation."""

    library: Library
    encoder: Encoder
    known: Mapping[int, Membership]
    generation: int
    changed: Collection[int]

    @classmethod
    def of(cls, library: Library, encoder: Encoder, digests: Mapping[int, str]) -> _State:
        changes = library.catalog.changes
        generation = changes.generation()
        stored = library.catalog.memberships.all(encoder.model_id).values()
        known = [one for one in stored if one.digest == digests.get(one.category_id) and _led_to(one, generation)]
        generation, changed = changes.since(min((one.generation for one in known), default=generation))
        if changed is None:  # so long ago that it is no longer known what has changed
            return cls(library, encoder, {}, generation, ())
        return cls(library, encoder, {one.category_id: one for one in known}, generation, changed)

    def stale(self, categories: Sequence[Category]) -> list[Category]:
        """Return those for which every photo is to be looked at."""
        return [one for one in categories if one.id not in self.known]

    def behind(self, categories: Sequence[Category]) -> list[Category]:
        """Return those for which the changed photos are to be looked at."""
        known = self.known
        return [one for one in categories if one.id in known and known[one.id].generation < self.generation]

    def everything(self) -> Blocks:
        return _everything(self.library, self.encoder)

    def changes(self) -> Blocks:
        """Yield the changed photos that can be searched."""
        embeddings, model = self.library.catalog.embeddings, self.encoder.model_id
        ids = embeddings.searchable_ids(model, self.changed).tolist() if self.changed else []
        return ((np.array(part, np.int64), vectors) for part, vectors in embeddings.of(model, ids))

    def photos(self, stale: bool, behind: bool) -> int:
        """Return how many photos are to be looked at, at most."""
        count = self.library.catalog.embeddings.count(self.encoder.model_id) if stale else 0
        return count + (len(self.changed) if behind else 0)

    def membership(self, category_id: int, digest: str, found: Scored) -> Membership:
        """Return a category's membership now: `found` among the changed photos, and as before among the others."""
        ids, log_odds = found.ids, found.log_odds
        if category_id in self.known:
            before = self.known[category_id]
            keep = ~np.isin(before.photo_ids, np.fromiter(self.changed, np.int64, len(self.changed)))
            ids = np.concatenate([before.photo_ids[keep], ids])
            log_odds = np.concatenate([before.log_odds[keep], log_odds])
        order = np.argsort(ids)
        return Membership(category_id, digest, self.generation, ids[order], log_odds[order])


def _found(
    scorer: Scorer, categories: Sequence[Category], blocks: Blocks, progress: _Progress
) -> Generator[ApplyProgress, None, dict[int, Scored]]:
    """Look through photos; return for each category those that reach its threshold."""
    least = np.array([least_log_odds(one) for one in categories], np.float32)
    parts: dict[int, list[Scored]] = {one.id: [] for one in categories}
    for ids, vectors in blocks:
        log_odds = scorer.exclusive_log_odds(vectors)
        for column, rows in _members(log_odds >= least):
            parts[categories[column].id].append(Scored(ids[rows], log_odds[rows, column]))
        yield progress.step(len(ids))
    return {id_: Scored.joined(found) for id_, found in parts.items()}


def _members(reached: npt.NDArray[np.bool_]) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Yield (column, rows) for each column of [n, categories] in which anything is true."""
    columns, rows = np.nonzero(reached.T)
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    for start, end in zip(starts, np.append(starts, len(columns))[1:], strict=True):
        yield int(columns[start]), rows[start:end]


def _digest(category: Category, categories: Sequence[Category], heads: Heads) -> str:
    """Return what tells whether a membership is still right: its head, its rivals', and its threshold."""
    group = category.exclusive_group
    rivals = [heads[one.id].digest for one in categories if group and one.exclusive_group == group]
    made_of = [heads[category.id].digest, rivals, least_log_odds(category)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _everything(library: Library, encoder: Encoder) -> Blocks:
    return library.catalog.embeddings.searchable(encoder.model_id, _AT_ONCE)


def _with_inner(categories: Sequence[Category], asked: Collection[int] | None) -> list[Category]:
    """Return the categories asked for with all that is nested in them, or (None) all."""
    if asked is None:
        return list(categories)
    inner = within(categories)
    wanted = {id_ for one in asked for id_ in inner.get(one, [])}
    return [one for one in categories if one.id in wanted]


def _led_to(membership: Membership, generation: int) -> bool:
    """Tell whether a membership was made of this catalog: one that was rescued counts from elsewhere."""
    return membership.generation <= generation and membership.generation >> 32 == generation >> 32
