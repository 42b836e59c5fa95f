"""The photos of a category in the window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from clipsearch.records import Recognition
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_model import Role
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def shown(qtbot, some: list[int], opened: MainWindow, session: Session) -> int:
    """The id of birds, whose photos are shown."""
    opened.show_category(session.shelf.info(some[0]))
    qtbot.waitUntil(lambda: _ids(opened)[:5] == [25, 19, 13, 7, 1])
    return some[0]


def _ids(window: MainWindow) -> list[int]:
    model = window.pages.photos.model
    return [model.index(row).data(Role.ID) for row in range(model.rowCount())]


def _heading(window: MainWindow) -> tuple[str, str]:
    page = window.pages.photos
    return page._heading.text(), page._remark.text()


def _choose(window: MainWindow, *photo_ids: int) -> None:
    grid, model = window.pages.photos.grid, window.pages.photos.model
    for photo_id in photo_ids:
        index = model.index(model.row_of(photo_id))
        grid.selectionModel().select(index, grid.selectionModel().SelectionFlag.Select)


def test_a_click_in_the_tree_shows_the_members_and_folds_what_may_belong(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    categories.recognition[some[0]] = Recognition(12, 11, 4, 1)
    session.shelf.refresh()
    tree = opened.sidebar.categories.tree
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(tree._items[some[0]]).center())
    qtbot.waitUntil(lambda: len(_ids(opened)) == 6)
    assert _ids(opened) == [25, 19, 13, 7, 1, -1]
    assert session.model.index(5).data(Role.FOLDED) == 25
    told = "5 found · by itself it would find 11 of 12 put in, and wrongly 1 of 4 taken out"
    qtbot.waitUntil(lambda: _heading(opened) == ("birds", told))
    assert opened.pages.photos.category_bar.isVisible()
    assert session.category.name == "birds"


def test_judging_the_chosen_photos_changes_what_is_shown(
    qtbot, shown: int, opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    bar = opened.pages.photos.category_bar
    assert not bar._reject.isEnabled()
    _choose(opened, 19, 13)
    bar._reject.click()
    qtbot.waitUntil(lambda: _ids(opened) == [25, 7, 1, -1])
    assert not bar._reject.isEnabled()
    assert categories.judged[shown] == {19: False, 13: False}
    session.model.set_unfolded(True)
    assert set(_ids(opened)[-2:]) == {19, 13}  # the user may think again
    assert session.model.index(len(_ids(opened)) - 1).data(Role.JUDGED) is False
    _choose(opened, 26)
    bar._accept.click()
    qtbot.waitUntil(lambda: _ids(opened)[:4] == [26, 25, 7, 1])
    assert session.model.index(0).data(Role.JUDGED) is True
    assert _heading(opened)[1] == "1 by you, 3 found"


def test_a_search_leaves_the_category_and_so_does_the_cross(
    qtbot, shown: int, opened: MainWindow, session: Session
) -> None:
    opened.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    assert session.category is None
    assert not opened.pages.photos.category_bar.isVisible()
    assert opened.sidebar.categories.tree.current_id is None
    opened.show_category(session.shelf.info(shown))
    qtbot.waitUntil(lambda: _ids(opened)[:5] == [25, 19, 13, 7, 1])
    opened.pages.photos._close.click()
    qtbot.waitUntil(lambda: len(_ids(opened)) == 30)
    assert _heading(opened)[0] == "All photos"


def test_a_removed_category_is_shown_no_more(qtbot, shown: int, opened: MainWindow) -> None:
    tree = opened.sidebar.categories.tree
    assert tree.current_id == shown
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: _heading(opened)[0] == "All photos" and len(_ids(opened)) == 30)


def test_renaming_in_the_tree_renames_the_heading(qtbot, shown: int, opened: MainWindow, session: Session) -> None:
    opened.sidebar.categories.tree.renamed.emit(session.category, "all birds")
    qtbot.waitUntil(lambda: _heading(opened)[0] == "all birds")


def test_a_library_that_may_not_be_written_shows_and_does_not_offer(
    qtbot, categories: FakeCategories, some: list[int], opened: MainWindow, session: Session
) -> None:
    categories.is_read_only = True
    session.shelf.changed.emit()
    opened.show_category(session.shelf.info(some[0]))
    qtbot.waitUntil(lambda: len(_ids(opened)) == 6)
    bar = opened.pages.photos.category_bar
    _choose(opened, 19)
    assert [button.isEnabled() for button in bar._buttons] == [False] * 4
    assert "may not be written" in bar.toolTip()
    qtbot.keyClick(opened.sidebar.categories.tree, Qt.Key.Key_Delete)
    assert some[0] in categories.known


def test_a_category_without_photos_says_what_to_do(
    qtbot, opened: MainWindow, session: Session, library, categories: FakeCategories
) -> None:
    library.ids = []
    (empty,) = categories.put("empty")
    session.shelf.refresh()
    qtbot.waitUntil(lambda: session.shelf.info(empty) is not None)
    opened.show_category(session.shelf.info(empty))
    qtbot.waitUntil(opened.pages.photos.empty.isVisible)
    assert opened.pages.photos.empty.title == "No photos in it yet"


def test_photos_that_come_while_it_is_shown_are_seen(
    qtbot, shown: int, opened: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.steps, library.step_s = 7, 0.01
    session.index([])
    qtbot.waitUntil(lambda: _ids(opened)[:3] == [37, 31, 25])


def test_a_category_that_finds_nothing_shows_what_comes_closest(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    categories.known[some[0]] = replace(categories.known[some[0]], threshold=0.95)
    session.shelf.refresh()
    qtbot.waitUntil(lambda: session.shelf.info(some[0]).found == 0)
    opened.show_category(session.shelf.info(some[0]))
    qtbot.waitUntil(lambda: _heading(opened) == ("birds", "Nothing found yet; these come closest"))
    assert _ids(opened)[:6] == [25, 19, 13, 7, 1, 26]
