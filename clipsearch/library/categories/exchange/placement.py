"""Which photos belong where: each category with the photos that are in it and in none nested in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clipsearch.library.categories.nesting import within
from clipsearch.library.categories.shown import BY_MODEL, BY_USER, Ids, Scored, Shown
from clipsearch.library.library import Library
from clipsearch.records import Category, Member

SEPARATOR = "|"  # between the names of nested categories, as in lr:hierarchicalSubject
_AT_ONCE = 500


@dataclass(frozen=True)
class Placed:
    """A category and its own photos, best first.

    `path` names it with those around it, from the outermost; the first `above` of these were not asked for.
    """

    category: Category
    path: tuple[str, ...]
    above: int
    photos: Scored

    @property
    def name(self) -> str:
        """The category's path as programs write it in a line, "Animals|Birds"."""
        return SEPARATOR.join(self.path)

    def members(self, library: Library) -> Iterator[Member]:
        """Yield the photos, best first, read in batches; one without a file is left out."""
        scores, sure = self.photos.probabilities.tolist(), np.isposinf(self.photos.log_odds).tolist()
        told = dict(zip(self.photos.ids.tolist(), zip(scores, sure, strict=True), strict=True))
        ids = list(told)
        for start in range(0, len(ids), _AT_ONCE):
            for photo in library.catalog.photos.get(ids[start : start + _AT_ONCE]):
                score, by_user = told[photo.id]
                yield Member(photo, score, BY_USER if by_user else BY_MODEL)


def placed(library: Library, category_ids: Collection[int] | None = None, *, mine: bool = False) -> list[Placed]:
    """Return categories (None: all) and what is nested in them, the outer before the inner ones.

    With `mine` only what the user put in counts. What the model found is as of the last `applying.refresh`.
    """
    shown = Shown.of(library)
    shown = replace(shown, found={}) if mine else shown
    asked = _reached(shown.categories, category_ids)
    paths = {one.id: path_of(one, shown.categories) for one in shown.categories}
    ordered = sorted((one for one in shown.categories if one.id in asked), key=lambda one: [*map(_key, paths[one.id])])
    members = {one.id: shown.members(one.id) for one in ordered}
    children = {one.id: [inner.id for inner in ordered if inner.parent_id == one.id] for one in ordered}
    return [
        Placed(
            one,
            tuple(outer.name for outer in paths[one.id]),
            sum(outer.id not in asked for outer in paths[one.id]),
            members[one.id].without(_together(members, children[one.id])).ordered(),
        )
        for one in ordered
    ]


def path_of(category: Category, categories: Sequence[Category]) -> list[Category]:
    """Return a category and those around it, from the outermost."""
    known = {one.id: one for one in categories}
    path = [category]
    while (outer := known.get(path[0].parent_id or 0)) and outer not in path:
        path.insert(0, outer)
    return path


def _reached(categories: Sequence[Category], category_ids: Collection[int] | None) -> set[int]:
    if category_ids is None:
        return {one.id for one in categories}
    inner = within(categories)
    return {reached for asked in category_ids for reached in inner.get(asked, [])}


def _key(category: Category) -> str:
    return category.name.casefold()


def _together(members: Mapping[int, Scored], category_ids: Sequence[int]) -> Ids:
    return np.concatenate([np.zeros(0, np.int64), *(members[one].ids for one in category_ids)])
