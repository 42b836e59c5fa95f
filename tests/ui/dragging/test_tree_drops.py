"""Drops on the tree of categories, and beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QWidget

from clipsearch.ui.categories.tree import CategoryTree
from clipsearch.ui.dragging import mime
from clipsearch.ui.dragging.marks import row_of, zone_of
from clipsearch.ui.dragging.mime import DraggedPhotos
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.dragging.events import data_of, drop_event, enter_event, move_event
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary

_LIBRARY = FakeLibrary.folder
_COPY, _MOVE = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction
_CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def tree(opened: MainWindow) -> CategoryTree:
    return opened.sidebar.categories.tree


def _photos(*ids: int, source: int | None = None, library: Path = _LIBRARY) -> QMimeData:
    return mime.photos_data(library, DraggedPhotos(ids, source))


def _place(tree: CategoryTree, category_id: int, *, is_not_this: bool = False) -> QPoint:
    row = row_of(tree, tree.indexFromItem(tree._items[category_id]))
    return zone_of(row).center() if is_not_this else QPoint(row.left() + 60, row.center().y())


def _send(widget: QWidget, event: QEvent) -> None:
    QApplication.sendEvent(widget, event)


def _hover(tree: CategoryTree, data: QMimeData, place: QPoint, actions=_COPY, keys=Qt.KeyboardModifier.NoModifier):
    viewport = tree.viewport()
    _send(viewport, enter_event(data, place, actions))
    move = move_event(data, place, actions, keys)
    _send(viewport, move)
    return move


def _drop(tree: CategoryTree, data: QMimeData, place: QPoint, actions=_COPY, keys=Qt.KeyboardModifier.NoModifier):
    _hover(tree, data, place, actions, keys)
    drop = drop_event(data, place, actions, keys)
    _send(tree.viewport(), drop)
    return drop


def test_photos_are_put_into_a_category(qtbot, tree: CategoryTree, some, categories: FakeCategories) -> None:
    data = _photos(3, 4)
    drop = _drop(tree, data, _place(tree, some[2]))
    assert drop.isAccepted() and drop.dropAction() == _COPY
    qtbot.waitUntil(lambda: categories.judged.get(some[2]) == {3: True, 4: True})
    assert len(categories.past) == 1  # one step, to be undone as one


def test_they_move_from_the_view_of_another_unless_a_key_is_held(
    qtbot, tree: CategoryTree, some, categories: FakeCategories
) -> None:
    birds, _, cats = some
    data = _photos(3, source=birds)
    _drop(tree, data, _place(tree, cats))
    qtbot.waitUntil(lambda: categories.judged == {birds: {3: False}, cats: {3: True}})
    assert len(categories.past) == 1
    other = _photos(4, source=birds)
    _drop(tree, other, _place(tree, cats), keys=_CTRL)
    qtbot.waitUntil(lambda: categories.judged == {birds: {3: False}, cats: {3: True, 4: True}})


def test_the_mark_not_this_is_there_while_photos_are_dragged(
    qtbot, opened: MainWindow, tree: CategoryTree, some, categories: FakeCategories
) -> None:
    dragging, data = opened.dragging, _photos(3)
    place = _place(tree, some[0], is_not_this=True)
    dragging.photos.started.emit(DraggedPhotos([3]))
    _drop(tree, data, place)
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {3: False})
    dragging.photos.ended.emit()
    _drop(tree, data, place)
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {3: True})


def test_what_a_drop_would_do_is_shown_until_the_drag_leaves(opened: MainWindow, tree: CategoryTree, some) -> None:
    data, words = _photos(3), opened.dragging.tree.words
    _hover(tree, data, _place(tree, some[2]))
    assert words.isVisible() and "cats" in words.text()
    assert tree._delegate.target_id == some[2]
    _send(tree.viewport(), QEvent(QEvent.Type.DragLeave))
    assert not words.isVisible()
    assert tree._delegate.target_id is None


def test_beside_all_rows_and_from_another_library_nothing_is_taken(
    opened: MainWindow, tree: CategoryTree, some, categories: FakeCategories
) -> None:
    data, foreign, empty = (
        _photos(3),
        _photos(3, library=Path("/elsewhere")),
        QPoint(20, tree.viewport().height() + 500),
    )
    assert not _hover(tree, data, empty).isAccepted()
    assert not _drop(tree, data, empty).isAccepted()
    assert not _hover(tree, foreign, _place(tree, some[0])).isAccepted()
    assert categories.past == []


def test_categories_nest_and_rise_again(qtbot, opened: MainWindow, tree: CategoryTree, some, categories) -> None:
    birds, owls, cats = some
    data = mime.category_data(_LIBRARY, cats)
    drop = _drop(tree, data, _place(tree, birds), _MOVE)
    assert drop.dropAction() == _MOVE
    qtbot.waitUntil(lambda: categories.known[cats].parent_id == birds)
    qtbot.waitUntil(lambda: opened.dragging.tree._shelf.info(cats).category.parent_id == birds)
    section, data = opened.sidebar.categories, mime.category_data(_LIBRARY, owls)
    enter = enter_event(data, actions=_MOVE)
    _send(section, enter)
    assert enter.isAccepted()
    _send(section, drop_event(data, actions=_MOVE))
    qtbot.waitUntil(lambda: categories.known[owls].parent_id is None)


def test_a_circle_is_refused_with_words(opened: MainWindow, tree: CategoryTree, some, categories) -> None:
    birds, owls, _ = some
    data = mime.category_data(_LIBRARY, birds)
    assert not _hover(tree, data, _place(tree, owls), _MOVE).isAccepted()
    assert opened.dragging.tree.words.isVisible()
    assert not _drop(tree, data, _place(tree, owls), _MOVE).isAccepted()
    assert categories.past == []


def test_a_folded_category_opens_when_the_mouse_rests_on_it(qtbot, tree: CategoryTree, some) -> None:
    index = tree.indexFromItem(tree._items[some[0]])
    tree.collapse(index)
    data = _photos(3)
    _hover(tree, data, _place(tree, some[0]))
    qtbot.waitUntil(lambda: tree.isExpanded(index))


def test_a_drop_on_all_photos_takes_out_of_the_category_shown(
    qtbot, opened: MainWindow, some, categories: FakeCategories
) -> None:
    zone, dragging = opened.dragging.take_out, opened.dragging
    dragging.photos.started.emit(DraggedPhotos([7, 13]))
    assert not zone.isVisible()
    dragging.photos.started.emit(DraggedPhotos([7, 13], some[0]))
    assert zone.isVisible() and "birds" in zone.accessibleName()
    data = _photos(7, 13, source=some[0])
    _send(zone, enter_event(data, actions=_COPY))
    _send(zone, drop_event(data, actions=_COPY))
    dragging.photos.ended.emit()
    assert not zone.isVisible()
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {7: False, 13: False})


def test_delete_takes_what_is_selected_out_of_the_category_shown(
    qtbot, opened: MainWindow, session: Session, some, categories: FakeCategories
) -> None:
    grid = opened.pages.photos.grid
    grid.setCurrentIndex(grid.model().index(0, 0))
    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    assert categories.past == []
    opened.show_category(session.shelf.info(some[0]))
    qtbot.waitUntil(lambda: session.model.ids_between(0, 0) == [25])
    grid.setCurrentIndex(grid.model().index(0, 0))
    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {25: False})


def test_files_are_put_into_the_category_they_are_dropped_on(
    qtbot, tree: CategoryTree, some, library: FakeLibrary, categories: FakeCategories
) -> None:
    data = data_of([Path("/photos/cat_4.jpg")])
    drop = _drop(tree, data, _place(tree, some[2]), _COPY | _MOVE)
    assert drop.dropAction() == _COPY
    qtbot.waitUntil(lambda: categories.judged.get(some[2]) == {4: True})
    assert library.indexed[-1][0] == [Path("/photos")]


def test_a_library_that_may_only_be_read_takes_nothing(tree: CategoryTree, some, categories: FakeCategories) -> None:
    categories.is_read_only = True
    data = _photos(3)
    assert not _hover(tree, data, _place(tree, some[0])).isAccepted()


def test_a_category_that_is_dragged_is_not_opened_by_it(
    opened: MainWindow, tree: CategoryTree, some, monkeypatch: pytest.MonkeyPatch
) -> None:
    dragged: list[int | None] = []

    def run(drag: QDrag, actions: Qt.DropAction) -> Qt.DropAction:
        dragged.append(mime.category_in(drag.mimeData(), _LIBRARY))
        assert actions == _MOVE
        return Qt.DropAction.IgnoreAction

    monkeypatch.setattr(QDrag, "exec", run)
    tree.setCurrentItem(tree._items[some[2]])
    tree.startDrag(_MOVE)
    assert dragged == [some[2]]
    assert tree.current is None
