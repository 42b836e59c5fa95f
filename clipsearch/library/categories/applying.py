"""Which photos each category holds, and how likely every photo belongs; what a window or a command asks for.

Memberships are derived from the user's word and kept in the catalog, for each model (see `updating`).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from clipsearch.errors import PackageError
from clipsearch.library.categories.shown import BY_MODEL, BY_USER, Scored, Shown
from clipsearch.library.categories.updating import Run, score_all, update
from clipsearch.library.library import Library
from clipsearch.records import ApplyCounts, Category, Member

Ids = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]


def apply(library: Library, category_ids: Iterable[int] | None = None) -> Run:
    """Bring heads and memberships up to date in the model that answers, of all categories or of some with their inner.

    Closing the generator stops it; what has been learned is kept. Raises ClipsearchError when no model is usable,
    CatalogError when the library may not be written.
    """
    asked = None if category_ids is None else set(category_ids)
    if not library.catalog.labels.all():
        return ApplyCounts(0, 0, 0)
    while True:
        encoder = library.answering
        try:
            return (yield from update(library, encoder, asked))
        except PackageError as error:
            library.choice.pass_over(encoder, error)


def refresh(library: Library, category_ids: Iterable[int] | None = None) -> None:
    """Do what `apply` does, to its end; nothing in a library that may only be read. Raises as `apply` does."""
    if not library.catalog.read_only:
        for _ in apply(library, category_ids):
            pass


def member_ids(library: Library, category_id: int) -> tuple[Ids, Probabilities]:
    """Return the photos of a category, int64 [n], and their probabilities, float32 [n], as of the last `refresh`.

    The user's own come first, then the others, best first. Photos of inner categories belong, too.
    """
    found = Shown.of(library, category_id).members(category_id).ordered()
    return found.ids, found.probabilities.astype(np.float32)


def members(library: Library, category_id: int, limit: int | None = None) -> list[Member]:
    """Return the photos of `member_ids`, at most `limit`, with who put them there."""
    shown = Shown.of(library, category_id)
    return _as_members(library, shown.members(category_id).ordered(), limit)


def all_scores(library: Library, category_id: int) -> tuple[Ids, Probabilities]:
    """Return every photo that the model knows, int64 [n], and how likely it belongs, float32 [n], best first.

    The user's own come first, and last what the user took out. Raises as `apply` does.
    """
    ranked = _ranking(library, category_id)
    return ranked.ids, ranked.probabilities.astype(np.float32)


def everything(library: Library, category_id: int, limit: int | None = None) -> list[Member]:
    """Return the photos of `all_scores`, at most `limit`, each with who has the last word about it."""
    return _as_members(library, _ranking(library, category_id), limit)


def categories_of(library: Library, photo_id: int) -> list[tuple[Category, float, str]]:
    """Return the categories that hold a photo, as of the last `refresh`: category, probability, "user" or "model"."""
    shown, found = Shown.of(library), list[tuple[Category, float, str]]()
    for category in shown.categories:
        members = shown.members(category.id)
        place = np.searchsorted(members.ids, [photo_id])
        if photo_id in members.ids[place[place < len(members.ids)]]:
            score = float(members.probabilities[place[0]])
            found.append((category, score, _source(members.log_odds[place[0]])))
    return found


def _ranking(library: Library, category_id: int) -> Scored:
    shown = Shown.of(library, category_id)
    _, scores = library.ask(lambda encoder: score_all(library, encoder, category_id))
    return Scored.joined([shown.judged(category_id, scores).ordered(), shown.taken_out(category_id)])


def _as_members(library: Library, found: Scored, limit: int | None) -> list[Member]:
    found = found.first(limit)
    rows = zip(found.ids.tolist(), found.probabilities.tolist(), found.log_odds, strict=True)
    told = {photo_id: (score, _source(log_odds)) for photo_id, score, log_odds in rows}
    return [Member(photo, *told[photo.id]) for photo in library.catalog.photos.get(list(told))]


def _source(log_odds: np.float32) -> str:
    return BY_USER if np.isinf(log_odds) else BY_MODEL
