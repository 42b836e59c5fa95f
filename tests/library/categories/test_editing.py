"""Adding, finding and forgetting categories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories import editing, history, judging
from clipsearch.library.categories.limits import DEEPEST
from clipsearch.library.categories.nesting import within
from clipsearch.library.library import Library
from clipsearch.records import Action, Category
from clipsearch.store.tables.history import CategoryEdit
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
    assert editing.find(colours, "Warm").assigned == 0


def test_a_category_comes_and_goes_with_its_first_photos_in_one_step(
    colours: Library, folder: Path, index: Index
) -> None:
    paint(folder / "red.png", "red")
    index(colours, folder)
    (red,) = colours.catalog.photos.ids()
    made = editing.add(colours, "Warm", [red])
    assert colours.catalog.labels.all_judgements() == {made.id: {red: True}}
    history.undo(colours)
    assert (editing.categories(colours), colours.catalog.labels.all_judgements()) == ([], {})
    history.redo(colours)
    assert editing.find(colours, "Warm").assigned == 1
    history.undo(colours)
    known = editing.add(colours, "Warm")
    assert editing.add(colours, "warm", [red]) == known
    assert editing.find(colours, "Warm").assigned == 1


def test_only_what_was_changed_since_it_was_seen_is_changed(colours: Library) -> None:
    seen = editing.add(colours, Category(0, "Sea", prompts=("the sea",)))
    editing.change(colours, replace(seen, prompts=("a sandy shore",), colour="#3366cc"))
    kept = editing.change(colours, replace(seen, threshold=0.3), seen)
    assert kept == replace(seen, prompts=("a sandy shore",), colour="#3366cc", threshold=0.3)
    assert editing.find(colours, "Sea").category == kept


def test_what_is_told_is_kept_tidy(colours: Library) -> None:
    told = Category(
        0, " Pets ", prompts=(" dog", "cat", "", "dog"), negatives=("toy ",), colour="#AABBCC", threshold=0.7
    )
    kept = editing.add(colours, told)
    assert kept == Category(1, "Pets", prompts=("dog", "cat"), negatives=("toy",), colour="#aabbcc", threshold=0.7)
    assert colours.catalog.labels.all() == [kept]
    assert editing.add(colours, "pets") == editing.add(colours, told) == kept
    with pytest.raises(ClipsearchError, match="There is a category Pets already"):
        editing.add(colours, Category(0, "pets", prompts=("horse",)))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"threshold": 1.0}, "between 0 and 1"),
        ({"threshold": float("nan")}, "between 0 and 1"),
        ({"colour": "red"}, "not like #3366cc"),
        ({"templates": "defalt"}, "try default"),
        ({"parent_id": 99}, "is gone"),
        ({"name": ""}, "1 to 100 characters"),
    ],
)
def test_what_cannot_be_kept_is_refused(colours: Library, told: dict[str, object], reason: str) -> None:
    pets = editing.add(colours, "Pets")
    with pytest.raises(ClipsearchError, match=reason):
        editing.change(colours, replace(pets, **told))
    with pytest.raises(ClipsearchError, match=reason):
        editing.add(colours, replace(Category(0, "Other"), **told))
    assert colours.catalog.labels.all() == [pets]


def test_a_category_is_renamed_but_not_like_another_one(colours: Library) -> None:
    pets, cars = editing.add(colours, "Pets"), editing.add(colours, "Cars")
    assert editing.change(colours, replace(pets, name="PETS")).name == "PETS"
    with pytest.raises(ClipsearchError, match="There is a category Cars already"):
        editing.change(colours, replace(pets, name="cars"))
    editing.remove(colours, "cars")
    with pytest.raises(ClipsearchError, match="gone"):
        editing.change(colours, cars)


def test_categories_nest_but_not_in_circles(colours: Library) -> None:
    animals, birds, owls = (editing.add(colours, name) for name in ("Animals", "Birds", "Owls"))
    editing.nest(colours, birds.id, animals.id)
    editing.nest(colours, owls.id, birds.id)
    for inside in (animals, birds, owls):
        with pytest.raises(ClipsearchError, match="Animals cannot lie in"):
            editing.nest(colours, animals.id, inside.id)
    with pytest.raises(ClipsearchError, match="cannot lie in"):
        editing.change(colours, replace(editing.get(colours, birds.id), parent_id=owls.id))
    editing.nest(colours, birds.id, None)
    editing.nest(colours, animals.id, owls.id)
    assert [one.parent_id for one in colours.catalog.labels.all()] == [owls.id, None, birds.id]


def test_categories_nest_only_so_deep(colours: Library) -> None:
    chain = [editing.add(colours, "1")]
    for number in range(2, DEEPEST + 1):
        chain.append(editing.add(colours, Category(0, f"{number}", chain[-1].id)))
    with pytest.raises(ClipsearchError, match="33 would lie too deep: at most 32 categories"):
        editing.add(colours, Category(0, "33", chain[-1].id))
    other = editing.add(colours, "other")
    with pytest.raises(ClipsearchError, match="32 would lie too deep"):  # with all that lies in it
        editing.nest(colours, chain[0].id, other.id)
    editing.nest(colours, chain[1].id, other.id)
    editing.nest(colours, chain[-1].id, None)
    editing.nest(colours, other.id, chain[0].id)


def test_one_that_another_process_has_just_added_is_returned(colours: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not there yet when it was looked for."""
    pets, look = editing.add(colours, "Pets"), editing.known_as
    answers = iter([None])
    monkeypatch.setattr(editing, "known_as", lambda *asked: next(answers, look(*asked)))
    assert editing.add(colours, "pets") == pets
    with pytest.raises(ClipsearchError, match="There is a category Pets already; take another name"):
        editing.change(colours, replace(editing.add(colours, "Cars"), name="pets"))


def test_a_circle_is_tolerated_when_read() -> None:
    circle = [Category(1, "a", 3), Category(2, "b", 1), Category(3, "c", 2), Category(4, "d", 1), Category(5, "e", 9)]
    inside = {id_: sorted(inner) for id_, inner in within(circle).items()}
    assert inside == {1: [1, 2, 3, 4], 2: [1, 2, 3, 4], 3: [1, 2, 3, 4], 4: [4], 5: [5]}


def test_a_name_that_another_process_has_just_given_is_refused_in_a_sentence(
    colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    birds, cats = editing.add(colours, "birds"), editing.add(colours, "cats")
    change = colours.catalog.labels.history.change

    def after_another(*asked: object) -> list[int]:
        change(Action.EDIT, cats.name, [CategoryEdit(cats.id, replace(cats, name="Dogs"))])
        return change(*asked)

    monkeypatch.setattr(colours.catalog.labels.history, "change", after_another)
    with pytest.raises(ClipsearchError, match="There is a category Dogs already; take another name"):
        editing.change(colours, replace(birds, name="dogs"))
