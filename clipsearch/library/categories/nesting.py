"""Categories in categories: what belongs to the inner one belongs to the outer one, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories.limits import DEEPEST
from clipsearch.records import Category


def refuse_too_deep(categories: Sequence[Category]) -> None:
    """Raise ClipsearchError where more of these categories lie inside each other than anybody could want to see."""
    depths = _depths({category.id: category.parent_id for category in categories})
    deepest = next((category for category in categories if depths[category.id] > DEEPEST), None)
    if deepest:
        message = f"{deepest.name} would lie too deep: at most {DEEPEST} categories may lie inside each other."
        raise ClipsearchError("Category not nested", message)


def _depths(parents: Mapping[int, int | None]) -> dict[int, int]:
    """Return how deep each category lies, 1 at the top; what lies in a circle counts on from where it is entered."""
    depths = dict[int, int]()
    for category_id in parents:
        way = dict[int, None]()
        place: int | None = category_id
        while place is not None and place in parents and place not in depths and place not in way:
            way[place] = None
            place = parents[place]
        start = 0 if place is None else depths.get(place, 0)
        depths |= {one: start + depth for depth, one in enumerate(reversed(way), 1)}
    return depths


def within(categories: Sequence[Category]) -> dict[int, list[int]]:
    """Return for each category its own id first, then those of all that is nested in it, at any depth."""
    inner = children(categories)
    return {category.id: list(reached(category.id, inner)) for category in categories}


def children(categories: Sequence[Category]) -> dict[int, list[int]]:
    """Return what is nested in each category, not counting what is nested in that in turn."""
    inner: dict[int, list[int]] = {category.id: [] for category in categories}
    for category in categories:
        if category.parent_id in inner:
            inner[category.parent_id].append(category.id)
    return inner


def reached(category_id: int, inner: Mapping[int, Sequence[int]]) -> Iterator[int]:
    """Yield a category and what is nested in it, the outer before the inner ones; each once, also in a circle."""
    met, waiting = set[int](), deque([category_id])
    while waiting:
        if (one := waiting.popleft()) not in met:
            met.add(one)
            yield one
            waiting += inner.get(one, ())
