"""Names of nested categories."""

from __future__ import annotations

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui.categories import places


def info(number: int, name: str, parent: int | None = None) -> CategoryInfo:
    return CategoryInfo(Category(number, name, parent))


def test_a_nested_category_is_named_with_those_around_it() -> None:
    infos = [info(1, "Birds", 2), info(2, "Animals"), info(3, "Sea birds", 1), info(4, "Lost", 99)]
    names = {1: "Animals › Birds", 2: "Animals", 3: "Animals › Birds › Sea birds", 4: "Lost"}
    assert places.full_names(infos) == names


def test_names_end_though_categories_lie_in_each_other() -> None:
    assert places.full_names([info(1, "a", 2), info(2, "b", 1)]).keys() == {1, 2}
