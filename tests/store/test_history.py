"""Undoing and redoing changes of categories and judgements."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest

from clipsearch.records import Action, Category
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.history import CategoryEdit, Edit, JudgementEdit
from tests.store.rows import MODEL, new_file

State = tuple[list[Category], dict[int, dict[int, bool]]]


def state(catalog: Catalog) -> State:
    return catalog.labels.all(), catalog.labels.all_judgements()


def deed(choose: random.Random, catalog: Catalog, photos: list[int]) -> tuple[Action, list[Edit]]:
    """Return some change of what there is."""
    known = catalog.labels.all()
    kind = choose.choice(["add", "edit", "nest", "remove", "judge", "judge", "move"]) if known else "add"
    one, other = (choose.choice(known), choose.choice(known)) if known else (None, None)
    if one is None or other is None or kind == "add":
        return Action.ADD, [CategoryEdit(0, Category(0, f"name {choose.random()}", threshold=choose.random()))]
    if kind == "edit":
        changed = replace(one, name=f"name {choose.random()}", prompts=("a", "ü"), colour="#123456", threshold=None)
        return Action.EDIT, [CategoryEdit(one.id, changed)]
    if kind == "nest":
        return Action.NEST, [CategoryEdit(one.id, replace(one, parent_id=other.id if other.id != one.id else None))]
    if kind == "remove":
        return Action.REMOVE, [CategoryEdit(one.id, None)]
    chosen = choose.sample(photos, choose.randint(1, len(photos)))
    if kind == "move":
        out = [JudgementEdit(one.id, photo, False) for photo in chosen]
        return Action.MOVE, [*out, *(JudgementEdit(other.id, photo, True) for photo in chosen)]
    return Action.ASSIGN, [JudgementEdit(one.id, photo, choose.choice([True, False, None])) for photo in chosen]


@pytest.mark.parametrize("seed", range(12))
def test_undo_brings_back_every_state_exactly(tmp_path: Path, filled: Catalog, seed: int) -> None:
    """Over random deeds, with undoing and redoing between them, and the catalog opened anew now and then."""
    choose, catalog = random.Random(seed), filled
    photos = catalog.store({MODEL: 4}, [new_file(f"{number}.jpg") for number in range(6)]).photo_ids
    past, future = [state(catalog)], list[State]()
    for _ in range(60):
        turn = choose.random()
        if turn < 0.2:
            assert (catalog.labels.history.undo() is not None) == (len(past) > 1)
            if len(past) > 1:
                future.append(past.pop())
        elif turn < 0.35:
            assert (catalog.labels.history.redo() is not None) == bool(future)
            if future:
                past.append(future.pop())
        else:
            catalog.labels.history.change(*reversed_subject(deed(choose, catalog, photos)))
            if state(catalog) != past[-1]:
                past, future = [*past, state(catalog)], []
        assert state(catalog) == past[-1]
    while len(past) > 1:
        catalog.labels.history.undo()
        future.append(past.pop())
        assert state(catalog) == past[-1]
    assert catalog.labels.history.undo() is None
    while future:
        catalog.labels.history.redo()
        assert state(catalog) == future.pop()
    assert catalog.labels.history.redo() is None
    assert catalog.integrity() == []


def reversed_subject(chosen: tuple[Action, list[Edit]]) -> tuple[Action, str, list[Edit]]:
    return chosen[0], "subject", chosen[1]


def test_what_changes_nothing_is_no_step_and_keeps_what_may_be_redone(filled: Catalog) -> None:
    (photo,) = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids
    dogs = filled.labels.add("Dogs")
    filled.labels.judge(dogs, [photo], True)
    filled.labels.history.undo()
    filled.labels.judge(dogs, [photo], None)
    undone, redone = filled.labels.history.next_steps()
    assert undone is not None
    assert redone is not None
    assert (undone.action, undone.subject, undone.photos) == (Action.ADD, "Dogs", 0)
    assert (redone.action, redone.subject, redone.photos) == (Action.ASSIGN, "Dogs", 1)


def test_undoing_reaches_the_edited_form_of_a_photo(filled: Catalog) -> None:
    (before,) = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids
    dogs = filled.labels.add("Dogs")
    filled.labels.judge(dogs, [before], True)
    (after,) = filled.store({MODEL: 4}, [new_file("a.jpg", content="edited")]).photo_ids
    assert filled.labels.judgements(dogs) == {before: True, after: True}
    filled.labels.history.undo()
    assert filled.labels.judgements(dogs) == {}
    filled.labels.history.redo()
    assert filled.labels.judgements(dogs) == {before: True, after: True}
    filled.labels.remove(dogs)
    filled.labels.history.undo()
    assert filled.labels.judgements(dogs) == {before: True, after: True}


def test_a_photo_edited_while_its_category_is_gone_comes_back_with_it(filled: Catalog) -> None:
    (before,) = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids
    dogs = filled.labels.add("Dogs")
    filled.labels.judge(dogs, [before], True)
    filled.labels.remove(dogs)
    (after,) = filled.store({MODEL: 4}, [new_file("a.jpg", content="edited")]).photo_ids
    filled.labels.history.undo()
    assert filled.labels.judgements(dogs) == {before: True, after: True}


def test_new_categories_may_be_referred_to_in_the_step_that_makes_them(filled: Catalog) -> None:
    (photo,) = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids
    before = state(filled)
    edits = [
        CategoryEdit(-1, Category(-1, "Animals")),
        CategoryEdit(-7, Category(-7, "Birds", parent_id=-1)),
        JudgementEdit(-7, photo, True),
        CategoryEdit(0, Category(0, "Cars")),
    ]
    animals, birds, cars = filled.labels.history.change(Action.IMPORT, "Animals", edits)
    assert {one.name: one.parent_id for one in filled.labels.all() if one.id in {animals, birds, cars}} == {
        "Animals": None,
        "Birds": animals,
        "Cars": None,
    }
    assert filled.labels.judgements(birds) == {photo: True}
    filled.labels.history.undo()
    assert state(filled) == before


def test_what_was_said_of_the_edited_form_itself_holds(filled: Catalog) -> None:
    """A photo that is edited, edited back and edited again has two stories; undoing must not mix them."""
    (before,) = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids
    (after,) = filled.store({MODEL: 4}, [new_file("a.jpg", content="edited")]).photo_ids
    dogs, cats = filled.labels.add("Dogs"), filled.labels.add("Cats")
    for said in (True, None):
        filled.labels.judge(dogs, [after], said)
    filled.store({MODEL: 4}, [new_file("a.jpg")])
    for category in (dogs, cats):
        filled.labels.judge(category, [before], True)
    filled.store({MODEL: 4}, [new_file("a.jpg", content="edited")])
    assert filled.labels.all_judgements() == {dogs: {before: True}, cats: {before: True, after: True}}
    filled.labels.history.undo()
    assert filled.labels.all_judgements() == {dogs: {before: True}}
    for _ in range(2):
        filled.labels.history.undo()
    assert filled.labels.all_judgements() == {dogs: {before: True, after: True}}


def test_a_number_of_a_step_is_never_given_again(filled: Catalog) -> None:
    filled.labels.add("Dogs")
    seen, _ = filled.labels.history.next_steps()
    filled.labels.history.undo()
    filled.labels.add("Cats")
    assert seen is not None
    assert filled.labels.history.undo(seen.id) is None
    assert list(filled.labels.categories()) == ["Cats"]


def test_every_step_is_another_revision(filled: Catalog) -> None:
    history, seen = filled.labels.history, [filled.labels.history.revision()]
    for deed in (
        lambda: filled.labels.add("Dogs"),
        history.undo,
        history.redo,
        history.undo,
        lambda: filled.labels.add("Cats"),
    ):
        deed()
        seen.append(history.revision())
    assert all(before != after for before, after in itertools.pairwise(seen))


def test_only_the_step_that_is_named_is_undone_or_redone(filled: Catalog) -> None:
    filled.labels.add("Dogs")
    first, _ = filled.labels.history.next_steps()
    filled.labels.add("Cats")
    assert first is not None
    assert filled.labels.history.undo(first.id) is None
    assert list(filled.labels.categories()) == ["Dogs", "Cats"]
    second = filled.labels.history.undo()
    assert second is not None
    assert filled.labels.history.redo(first.id) is None
    assert filled.labels.history.redo(second.id) == second
