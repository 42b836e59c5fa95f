"""Which photos belong where: each category with the photos that are in it and in none nested in it.

A photo that the user took out of an outer category is not in it by way of an inner one. Where only the model finds it
in the inner one, it is in neither: what is no animal is no bird. Where the user put it into the inner one, it is there
as if that were not nested, since both judgements are the user's.
"""

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

Judgements = Mapping[int, Mapping[int, bool]]


@dataclass(frozen=True)
class Placed:
    """A category and its own photos, best first.

    `path` names it with those around it that hold these photos, from the outermost; the first `above` of these were not
    asked for.
    """

    category: Category
    path: tuple[str, ...]
    above: int
    photos: Scored

    @property
    def name(self) -> str:
        """The category's path as programs write it in a line, "Animals|Birds"."""
        return SEPARATOR.join(self.keywords)

    @property
    def keywords(self) -> tuple[str, ...]:
        """The names of the path as keywords: a bar in a name, which would part it, is a slash."""
        return tuple(map(as_keyword, self.path))

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

    A category comes once more for photos that are in it and not in one around it, without the path down from there.
    With `mine` only what the user put in counts. What the model found is as of the last `applying.refresh`.
    """
    shown = Shown.of(library)
    shown = replace(shown, found={}) if mine else shown
    named = {one.id for one in shown.categories} if category_ids is None else set(category_ids)
    asked = reached(shown.categories, category_ids)
    paths = {one.id: path_of(one, shown.categories) for one in shown.categories}
    ordered = sorted((one for one in shown.categories if one.id in asked), key=lambda one: [*map(_key, paths[one.id])])
    members = {one.id: shown.members(one.id) for one in ordered}
    children = {one.id: [inner.id for inner in ordered if inner.parent_id == one.id] for one in ordered}
    found = list[Placed]()
    for one in ordered:
        own = members[one.id].without(_together(members, children[one.id]))
        for start, photos in _parted(own, paths[one.id], shown.judgements).items():
            path = paths[one.id][start:]
            if not start or any(around.id in named for around in path):
                above = sum(around.id not in asked for around in path)
                found.append(Placed(one, tuple(around.name for around in path), above, photos.ordered()))
    return found


def reached(categories: Sequence[Category], category_ids: Collection[int] | None) -> set[int]:
    """Return categories (None: all) and what is nested in them."""
    if category_ids is None:
        return {one.id for one in categories}
    inner = within(categories)
    return {one for asked in category_ids for one in inner.get(asked, [])}


def as_keyword(name: str) -> str:
    """Return a category's name as a keyword, in which a bar would mean nesting."""
    return name.replace(SEPARATOR, "/")


def path_of(category: Category, categories: Sequence[Category]) -> list[Category]:
    """Return a category and those around it, from the outermost."""
    known = {one.id: one for one in categories}
    path = [category]
    while (outer := known.get(path[0].parent_id or 0)) and outer not in path:
        path.insert(0, outer)
    return path


def _parted(photos: Scored, path: Sequence[Category], judgements: Judgements) -> dict[int, Scored]:
    """Part a category's photos by where the path begins that they are in: 0, or behind what they were taken out of.

    Photos that were taken out of a category around it, and that the user put into none further in, are left out.
    """
    said = [judgements.get(one.id, {}) for one in path]
    outs = [{photo_id for photo_id, is_in in one.items() if not is_in} for one in said]
    if not any(outs):
        return {0: photos}
    sure = np.isposinf(photos.log_odds).tolist()
    starts = np.zeros(len(photos.ids), np.int64)
    for place, photo_id in enumerate(photos.ids.tolist()):
        start = max((depth for depth, out in enumerate(outs, 1) if photo_id in out), default=0)
        is_meant = not start or sure[place] or any(one.get(photo_id) for one in said[start:])
        starts[place] = start if is_meant else -1
    kept = sorted({0, *starts.tolist()} - {-1})
    return {start: Scored(photos.ids[starts == start], photos.log_odds[starts == start]) for start in kept}


def _key(category: Category) -> str:
    return category.name.casefold()


def _together(members: Mapping[int, Scored], category_ids: Sequence[int]) -> Ids:
    return np.concatenate([np.zeros(0, np.int64), *(members[one].ids for one in category_ids)])
