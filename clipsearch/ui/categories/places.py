"""Where a category lies: its name with those of the categories around it."""

from __future__ import annotations

from collections.abc import Sequence

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording


def full_names(infos: Sequence[CategoryInfo]) -> dict[int, str]:
    """Return the names of the categories by id, each with the names of those around it before it."""
    by_id = {info.category.id: info for info in infos}
    return {category_id: " › ".join(_names_down_to(category_id, by_id)) for category_id in by_id}


def _names_down_to(category_id: int, by_id: dict[int, CategoryInfo]) -> list[str]:
    names: list[str] = []
    info = by_id.get(category_id)
    while info is not None and len(names) <= len(by_id):  # never round in circles
        names.insert(0, wording.one_line(info.name))
        info = by_id.get(info.category.parent_id or 0)
    return names
