"""Categories as they are shown: the user's word over what the model found, and the inner ones' photos in the outer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories.nesting import children, reached, within
from clipsearch.library.categories.scoring import least_log_odds, probability
from clipsearch.library.library import Library
from clipsearch.records import Category, CategoryInfo, Recognition
from clipsearch.store.tables.memberships import LeftOut, Membership

Ids = npt.NDArray[np.int64]
LogOdds = npt.NDArray[np.float32]

BY_USER, BY_MODEL = "user", "model"
_SURE = np.float32(np.inf)  # the log-odds of what the user put in
_FEW = 4  # fewer examples tell nothing about others


@dataclass(frozen=True)
class Scored:
    """Photos and how likely they belong: `ids` int64 [n], `log_odds` float32 [n], infinite where the user said so."""

    ids: Ids
    log_odds: LogOdds

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        return probability(self.log_odds)

    @classmethod
    def joined(cls, parts: Sequence[Scored]) -> Scored:
        """Return the photos of all parts, in order."""
        ids = np.concatenate([np.zeros(0, np.int64), *(part.ids for part in parts)])
        return cls(ids, np.concatenate([np.zeros(0, np.float32), *(part.log_odds for part in parts)]))

    def first(self, limit: int | None) -> Scored:
        """Return at most `limit` of them."""
        return Scored(self.ids[:limit], self.log_odds[:limit])

    def without(self, ids: Ids) -> Scored:
        """Return them but for these photos."""
        keep = ~np.isin(self.ids, ids)
        return Scored(self.ids[keep], self.log_odds[keep])

    def ordered(self) -> Scored:
        """Return them best first."""
        order = np.argsort(-self.log_odds, kind="stable")
        return Scored(self.ids[order], self.log_odds[order])


@dataclass(frozen=True)
class Shown:
    """A look at the categories at one moment: judgements of photos that have a file, and what the model has found."""

    categories: Sequence[Category]
    judgements: Mapping[int, Mapping[int, bool]]
    found: Mapping[int, Membership]
    left_out: Mapping[int, LeftOut]

    @classmethod
    def of(cls, library: Library, category_id: int | None = None) -> Shown:
        """Read what there is, of all categories or of one with what is nested in it."""
        categories = library.catalog.labels.all()
        wanted = None if category_id is None else within(categories).get(category_id, [])
        judgements = library.catalog.labels.all_judgements(present=True)
        try:
            model = library.answering.model_id
        except ClipsearchError:  # no model is usable, as whoever searches is told; the user's word stands all the same
            return cls(categories, judgements, {}, {})
        memberships = library.catalog.memberships
        return cls(categories, judgements, memberships.all(model, wanted), memberships.left_out(model, wanted))

    def infos(self) -> list[CategoryInfo]:
        """Return the categories with their numbers."""
        return [self.info(category) for category in self.categories]

    def members(self, category_id: int) -> Scored:
        """Return the photos of a category and of what is nested in it, ids ascending."""
        return self.judged(category_id, self._found)

    def judged(self, category_id: int, found: Mapping[int, Scored]) -> Scored:
        """Return what was found for a category, and for those nested in it, as the user's judgements leave it.

        Ids ascending; of a photo that is found several times the likeliest counts.
        """
        done = dict[int, Scored]()
        for one in reversed(list(reached(category_id, self._inner))):
            said = self.judgements.get(one, {})
            inside = [done.pop(inner) for inner in self._inner.get(one, ()) if inner in done]
            parts = [_said(said, True), found.get(one, Scored.joined([])), *inside]
            done[one] = _likeliest(Scored.joined(parts).without(_said(said, False).ids))
        return done[category_id]

    def taken_out(self, category_id: int) -> Scored:
        """Return the photos that the user took out, with -infinity."""
        return _said(self.judgements.get(category_id, {}), False)

    @cached_property
    def _inner(self) -> Mapping[int, Sequence[int]]:
        return children(self.categories)

    @cached_property
    def _found(self) -> Mapping[int, Scored]:
        """What the model found and the user's word about other categories leaves."""
        found = {id_: Scored(one.photo_ids, one.log_odds) for id_, one in self.found.items()}
        for ruled_out in (self._refused, self._claimed):
            found |= {id_: found[id_].without(ids) for id_, ids in ruled_out.items() if id_ in found}
        return found

    @cached_property
    def _claimed(self) -> Mapping[int, Ids]:
        """The photos that the user put into other categories of each one's exclusive group."""
        groups = dict[str, list[int]]()
        for one in self.categories:
            groups.setdefault(one.exclusive_group, []).append(one.id)
        groups.pop("", None)
        put_in = {one: _said(self.judgements.get(one, {}), True).ids for group in groups.values() for one in group}
        return {
            one: np.concatenate([np.zeros(0, np.int64), *(put_in[other] for other in group if other != one)])
            for group in groups.values()
            for one in group
        }

    @cached_property
    def _refused(self) -> Mapping[int, Ids]:
        """The photos that the user took out of a category around each, and put into none further in."""
        refused = dict[int, Ids]()
        tops = [one.id for one in self.categories if one.parent_id not in self._inner]
        for outer in chain.from_iterable(reached(top, self._inner) for top in tops):
            none = np.union1d(refused.get(outer, []), self.taken_out(outer).ids).astype(np.int64)
            for inner in self._inner[outer] if len(none) else ():
                refused[inner] = np.setdiff1d(none, _said(self.judgements.get(inner, {}), True).ids)
        return refused

    def info(self, category: Category) -> CategoryInfo:
        """Return a category with its numbers."""
        said = self.judgements.get(category.id, {}).values()
        assigned = sum(said)
        found = len(self.members(category.id).ids) - assigned
        recognition = _recognition(self.left_out.get(category.id, LeftOut()), least_log_odds(category))
        return CategoryInfo(category, assigned, len(said) - assigned, found, recognition)


def _recognition(left_out: LeftOut, least: float) -> Recognition | None:
    """Return how many examples would reach the threshold by themselves; of too few of a kind nothing is told."""
    put_in, taken_out = (side if len(side) >= _FEW else side[:0] for side in (left_out.put_in, left_out.taken_out))
    if not len(put_in) and not len(taken_out):
        return None
    found, mistaken = (int(np.count_nonzero(side >= least)) for side in (put_in, taken_out))
    return Recognition(len(put_in), found, len(taken_out), mistaken)


def _said(said: Mapping[int, bool], is_member: bool) -> Scored:
    """Return the photos that the user put in, or took out, ids ascending."""
    ids = np.array(sorted(photo_id for photo_id, one in said.items() if one is is_member), np.int64)
    return Scored(ids, np.full(len(ids), _SURE if is_member else -_SURE))


def _likeliest(scored: Scored) -> Scored:
    """Return each photo once, with the highest of its log-odds, ids ascending."""
    order = np.lexsort((-scored.log_odds, scored.ids))
    ids, log_odds = scored.ids[order], scored.log_odds[order]
    first = np.ones(len(ids), np.bool_)
    first[1:] = ids[1:] != ids[:-1]
    return Scored(ids[first], log_odds[first])
