"""Categories in categories: what belongs to the inner one belongs to the outer one, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clipsearch.records import Category


def within(categories: Sequence[Category]) -> dict[int, list[int]]:
    """Return for each category its own id first, then those of all that is nested in it, at any depth."""
    inner: dict[int, list[int]] = {category.id: [] for category in categories}
    for category in categories:
        if category.parent_id in inner:
            inner[category.parent_id].append(category.id)
    return {category.id: list(_reached(category.id, inner)) for category in categories}


def _reached(category_id: int, inner: Mapping[int, Sequence[int]]) -> Iterator[int]:
    """Yield a category and what is nested in it, each once, should they lie in a circle."""
    met, waiting = set[int](), [category_id]
    while waiting:
        if (one := waiting.pop(0)) not in met:
            met.add(one)
            yield one
            waiting += inner[one]
