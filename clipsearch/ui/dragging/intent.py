"""What a drop on a place among the categories would do, and how that reads while the mouse is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QDropEvent

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.dragging.mime import DraggedPhotos


class Deed(Enum):
    """What is done with what is dropped."""

    NOTHING = auto()
    PUT_IN = auto()  # photos or files, into the category
    MOVE = auto()  # photos, out of the category whose view they come from and into the other
    TAKE_OUT = auto()  # photos, out of the category
    NEST = auto()  # a category, into the other, or to the top level


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mouse is: over a category, maybe on its mark "not this", or (None) where there is none."""

    category: Category | None
    is_not_this: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """A deed with the category that it is done to, and a few words on it or on why nothing is done."""

    deed: Deed
    category_id: int | None = None
    words: str = ""


NOTHING = Intent(Deed.NOTHING)


def copies(modifiers: Qt.KeyboardModifier) -> bool:
    """Whether the keys held say "copy" rather than "move", as this system has them."""
    key = Qt.KeyboardModifier.AltModifier if sys.platform == "darwin" else Qt.KeyboardModifier.ControlModifier
    return bool(modifiers & key)


def answer(event: QDropEvent, wish: Intent) -> None:
    """Tell the source what is done: a copy where it may be one, since after a move it might delete its files."""
    possible = event.possibleActions()
    is_copy = bool(possible & Qt.DropAction.CopyAction)
    action = Qt.DropAction.CopyAction if is_copy else Qt.DropAction.MoveAction
    event.setDropAction(Qt.DropAction.IgnoreAction if wish.deed is Deed.NOTHING else action)
    event.setAccepted(wish.deed is not Deed.NOTHING)


def with_photos(dragged: DraggedPhotos, place: Place, infos: Sequence[CategoryInfo], is_copy: bool) -> Intent:
    """Return what a drop of photos would do.

    From the view of a category they move to the other one, unless that lies in the former: its photos belong to both.
    """
    category = place.category
    if category is None:
        return NOTHING
    if place.is_not_this:
        return Intent(Deed.TAKE_OUT, category.id, _said(_tr("Not {name}"), category))
    source = _by_id(infos).get(dragged.source_id or 0)
    if source is None or is_copy or source.id in (category.id, *outer_ids(category.id, infos)):
        return Intent(Deed.PUT_IN, category.id, _said(_tr("Put into {name}"), category))
    return Intent(Deed.MOVE, category.id, _said(_tr("Move to {name}"), category))


def with_files(place: Place) -> Intent:
    """Return what a drop of files from another program would do."""
    if place.category is None or place.is_not_this:
        return NOTHING
    return Intent(Deed.PUT_IN, place.category.id, _said(_tr("Put into {name}"), place.category))


def with_category(dragged_id: int, place: Place, infos: Sequence[CategoryInfo]) -> Intent:
    """Return what a drop of a category would do: nest it, never in itself or in what is nested in it."""
    dragged = _by_id(infos).get(dragged_id)
    outer_id = place.category.id if place.category else None
    if dragged is None or outer_id in (dragged_id, dragged.parent_id):
        return NOTHING
    if place.category is None:
        return Intent(Deed.NEST, None, _tr("To the top level"))
    if dragged_id in outer_ids(place.category.id, infos):
        return Intent(Deed.NOTHING, place.category.id, _said(_tr("Lies in {name}"), dragged))
    return Intent(Deed.NEST, place.category.id, _said(_tr("Nest in {name}"), place.category))


def outer_ids(category_id: int, infos: Sequence[CategoryInfo]) -> list[int]:
    """Return the categories in which this one is nested, the nearest first."""
    categories, found = _by_id(infos), list[int]()
    category = categories.get(category_id)
    while category is not None and category.parent_id is not None and category.parent_id not in found:
        found.append(category.parent_id)
        category = categories.get(category.parent_id)
    return found


def _by_id(infos: Sequence[CategoryInfo]) -> Mapping[int | None, Category]:
    return {info.category.id: info.category for info in infos}


def _tr(text: str) -> str:
    return QCoreApplication.translate("dragging", text)


def _said(text: str, category: Category) -> str:
    return text.format(name=wording.one_line(category.name))
