"""The colours of categories' dots."""

from __future__ import annotations

from clipsearch.records import Category
from clipsearch.ui.categories.colours import COLOURS, colours_of


def names(*categories: Category) -> list[str]:
    return [colour.name() for colour in colours_of(categories).values()]


def test_no_two_of_the_first_twelve_are_alike_whatever_their_numbers() -> None:
    assert set(names(*(Category(12 * number, str(number)) for number in range(1, 13)))) == set(COLOURS)


def test_one_that_the_user_has_chosen_is_left_to_it() -> None:
    (usual,) = names(Category(1, "birds"))
    colours = colours_of([Category(1, "birds"), Category(2, "cats", colour=usual)])
    assert colours[2].name() == usual
    assert colours[1].name() in set(COLOURS) - {usual}


def test_when_all_are_taken_there_are_other_shades() -> None:
    assert len(set(names(*(Category(number, str(number)) for number in range(1, 31))))) == 30


def test_there_are_colours_for_any_number() -> None:
    found = names(*(Category(number, str(number)) for number in range(1, 301)))
    assert len(found) == 300
    assert max(found.count(colour) for colour in found) < 300 / 10  # none takes over when all are taken
