"""What a drop would do."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import Qt

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui.dragging import intent
from clipsearch.ui.dragging.intent import NOTHING, Deed, Place
from clipsearch.ui.dragging.mime import DraggedPhotos

_ANIMALS, _BIRDS, _OWLS, _PARTY = 1, 2, 3, 4
_PARENTS = {_ANIMALS: None, _BIRDS: _ANIMALS, _OWLS: _BIRDS, _PARTY: None}
_INFOS = [CategoryInfo(Category(id_, f"c{id_}", parent_id=parent)) for id_, parent in _PARENTS.items()]


def _over(category_id: int | None, *, is_not_this: bool = False) -> Place:
    found = [info.category for info in _INFOS if info.category.id == category_id]
    return Place(found[0] if found else None, is_not_this)


@pytest.mark.parametrize(
    ("source", "target", "is_copy", "deed"),
    [
        (None, _PARTY, False, Deed.PUT_IN),
        (_BIRDS, _PARTY, False, Deed.MOVE),
        (_BIRDS, _PARTY, True, Deed.PUT_IN),
        (_BIRDS, _BIRDS, False, Deed.PUT_IN),
        (_OWLS, _BIRDS, False, Deed.MOVE),
        (_ANIMALS, _OWLS, False, Deed.PUT_IN),  # what is out of the outer one is in none of the inner ones
        (99, _PARTY, False, Deed.PUT_IN),  # a category that was removed meanwhile
    ],
)
def test_photos_move_from_the_view_of_a_category(source: int | None, target: int, is_copy: bool, deed: Deed) -> None:
    wish = intent.with_photos(DraggedPhotos([5], source), _over(target), _INFOS, is_copy)
    assert (wish.deed, wish.category_id) == (deed, target)
    assert f"c{target}" in wish.words


def test_photos_leave_a_category_on_its_mark() -> None:
    wish = intent.with_photos(DraggedPhotos([5], _PARTY), _over(_BIRDS, is_not_this=True), _INFOS, is_copy=False)
    assert (wish.deed, wish.category_id) == (Deed.TAKE_OUT, _BIRDS)


def test_photos_and_files_need_a_category() -> None:
    assert intent.with_photos(DraggedPhotos([5]), _over(None), _INFOS, is_copy=False) == NOTHING
    assert intent.with_files(_over(None)) == NOTHING
    assert intent.with_files(_over(_BIRDS)).deed is Deed.PUT_IN


@pytest.mark.parametrize(
    ("dragged", "target", "deed"),
    [
        (_PARTY, _BIRDS, Deed.NEST),
        (_OWLS, _ANIMALS, Deed.NEST),
        (_OWLS, None, Deed.NEST),
        (_PARTY, None, Deed.NOTHING),  # it is there already
        (_OWLS, _BIRDS, Deed.NOTHING),
        (_BIRDS, _BIRDS, Deed.NOTHING),
        (_ANIMALS, _OWLS, Deed.NOTHING),  # a circle
        (99, _BIRDS, Deed.NOTHING),
    ],
)
def test_categories_nest_but_not_in_circles(dragged: int, target: int | None, deed: Deed) -> None:
    assert intent.with_category(dragged, _over(target), _INFOS).deed is deed


def test_a_circle_is_explained() -> None:
    assert "c1" in intent.with_category(_ANIMALS, _over(_OWLS), _INFOS).words


def test_circles_in_the_catalog_do_no_harm() -> None:
    infos = [CategoryInfo(Category(1, "a", parent_id=2)), CategoryInfo(Category(2, "b", parent_id=1))]
    assert intent.outer_ids(1, infos) == [2, 1]


@pytest.mark.parametrize(("platform", "key"), [("linux", "ControlModifier"), ("darwin", "AltModifier")])
def test_the_key_for_copying_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, platform: str, key: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert intent.copies(Qt.KeyboardModifier[key])
    assert not intent.copies(Qt.KeyboardModifier.ShiftModifier)
