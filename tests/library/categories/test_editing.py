"""Adding, finding and forgetting categories."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories import editing, judging
from clipsearch.library.library import Library
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


def test_names_are_one_in_any_letters(colours: Library) -> None:
    assert editing.add(colours, "  Übung \u00e9 ").name == "Übung \u00e9"
    assert editing.add(colours, "übung e\u0301").name == "Übung \u00e9"
    assert editing.find(colours, "ÜBUNG E\u0301").name == "Übung \u00e9"
    assert len(editing.categories(colours)) == 1


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "caf\udce9", "n" * 101])
def test_a_name_that_cannot_be_shown_is_refused(colours: Library, name: str) -> None:
    with pytest.raises(ClipsearchError, match="1 to 100 characters"):
        editing.add(colours, name)


def test_an_unknown_name_is_answered_with_near_ones(colours: Library) -> None:
    with pytest.raises(ClipsearchError, match=r"There is no category 'Cats'\. `clipsearch categories add` makes one"):
        editing.find(colours, "Cats")
    for name in ("Dogs", "Holidays"):
        editing.add(colours, name)
    with pytest.raises(ClipsearchError, match=r"The nearest names are Dogs\."):
        editing.remove(colours, "dgos")
    with pytest.raises(ClipsearchError, match="`clipsearch categories list` shows"):
        judging.assign(colours, "xyz", [])


def test_a_category_is_forgotten_with_its_judgements(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "red.png", "red")
    index(colours, folder)
    warm = editing.add(colours, "Warm")
    judging.assign(colours, "warm", [folder / "red.png"])
    assert editing.remove(colours, "WARM").category == warm
    assert editing.categories(colours) == []
    assert editing.add(colours, "Warm").id != warm.id
    assert judging.members(colours, "Warm") == []
