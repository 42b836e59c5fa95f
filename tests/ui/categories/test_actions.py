"""Keys, menus and the palette do in the window what drag and drop does."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from clipsearch.records import Category
from clipsearch.ui.categories.palette import Palette
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_model import Role
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def categories(library: FakeLibrary) -> FakeCategories:
    library.shelf.put("birds", "boats", "dogs")
    return library.shelf


@pytest.fixture
def opened(qtbot, categories: FakeCategories, window: MainWindow, session: Session) -> MainWindow:
    session.start()
    qtbot.waitUntil(lambda: session.shelf.is_ready and session.model.rowCount() == 30)
    window.pages.photos.grid.setFocus()
    return window


def choose(window: MainWindow, first: int, last: int) -> list[int]:
    """Select rows; return the ids of their photos."""
    model, grid = window.pages.photos.model, window.pages.photos.grid
    rows = QItemSelection(model.index(first), model.index(last))
    grid.selectionModel().select(rows, QItemSelectionModel.SelectionFlag.ClearAndSelect)
    return [model.index(row).data(Role.ID) for row in range(first, last + 1)]


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.pages.photos.grid, key, modifier)


def entry(menu: QMenu, *path: str) -> QAction:
    """Return the entry of a menu, down its submenus, by the beginnings of the texts."""
    for name in path[:-1]:
        menu = entry(menu, name).menu()
    return next(action for action in menu.actions() if action.text().startswith(path[-1]))


def photo_menu(window: MainWindow) -> QMenu:
    menu = QMenu(window)
    window.category_actions.judging.add_to_menu(menu)
    return menu


def palette(qtbot) -> Palette:
    def shown() -> list[Palette]:
        return [one for one in QApplication.topLevelWidgets() if isinstance(one, Palette) and one.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == 1)
    return shown()[0]


def test_digits_put_the_selected_photos_in_and_with_shift_out(
    qtbot, opened: MainWindow, categories: FakeCategories
) -> None:
    ids = choose(opened, 3, 6)
    press(opened, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: categories.judged.get(2) == dict.fromkeys(ids, True))
    press(opened, Qt.Key.Key_1, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: categories.judged.get(1) == dict.fromkeys(ids, False))


def test_without_a_selection_letters_and_digits_begin_a_search(qtbot, opened: MainWindow) -> None:
    opened.pages.photos.grid.clearSelection()
    opened.pages.photos.grid.setFocus()
    qtbot.keyClicks(opened.pages.photos.grid, "c")
    assert opened.search_bar.text() == "c"
    opened.pages.photos.grid.setFocus()
    qtbot.keyClicks(opened.pages.photos.grid, "4")
    assert opened.search_bar.text().endswith("4")


def test_a_digit_that_no_category_has_and_other_letters_begin_a_search_always(qtbot, opened: MainWindow) -> None:
    choose(opened, 0, 1)
    qtbot.keyClicks(opened.pages.photos.grid, "4")
    assert opened.search_bar.text() == "4"
    opened.pages.photos.grid.setFocus()
    qtbot.keyClicks(opened.pages.photos.grid, "b")
    assert opened.search_bar.text().endswith("b")


def test_c_opens_the_palette_which_makes_a_category_of_the_selection(
    qtbot, opened: MainWindow, categories: FakeCategories
) -> None:
    ids = choose(opened, 0, 2)
    press(opened, Qt.Key.Key_C)
    opened_palette = palette(qtbot)
    qtbot.keyClicks(opened_palette.line, "holidays")
    qtbot.keyClick(opened_palette.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: categories.judged.get(4) == dict.fromkeys(ids, True))
    assert categories.known[4].name == "holidays"


def test_delete_and_backspace_take_out_of_the_category_that_is_shown(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    choose(opened, 0, 1)
    press(opened, Qt.Key.Key_Backspace)  # no category is shown: nothing happens
    opened.show_category(session.shelf.info(1))
    qtbot.waitUntil(lambda: 0 < session.model.rowCount() < 30)
    (first,) = choose(opened, 0, 0)
    press(opened, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: categories.judged.get(1) == {first: False})
    qtbot.waitUntil(lambda: session.model.index(0).data(Role.ID) != first)
    (second,) = choose(opened, 0, 0)
    press(opened, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: categories.judged.get(1) == {first: False, second: False})
    assert len(categories.past) == 2


def test_what_comes_after_a_photo_taken_out_is_chosen_next(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    opened.activateWindow()
    opened.show_category(session.shelf.info(1))
    qtbot.waitUntil(lambda: 0 < session.model.rowCount() < 30)
    opened.pages.photos.grid.setFocus()
    first, second = choose(opened, 0, 1)
    choose(opened, 0, 0)
    press(opened, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: opened.category_actions.chosen.ids == [second])
    press(opened, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: categories.judged.get(1) == {first: False, second: False})


def test_a_photo_reached_by_tab_is_chosen(qtbot, opened: MainWindow) -> None:
    opened.activateWindow()
    grid = opened.pages.photos.grid
    opened.pages.photos._slider.setFocus()
    QTest.keyClick(opened.pages.photos._slider, Qt.Key.Key_Tab)
    assert opened.focusWidget() is grid
    assert opened.category_actions.chosen.ids == [grid.currentIndex().data(Role.ID)]


def test_keys_work_in_the_large_view(qtbot, opened: MainWindow, categories: FakeCategories) -> None:
    opened.pages.open_photo(5)
    qtbot.waitUntil(lambda: opened.pages.photo.photo is not None)
    qtbot.keyClick(opened.pages.photo, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: categories.judged.get(3) == {opened.pages.photo.photo.id: True})
    qtbot.keyClick(opened.pages.photo, Qt.Key.Key_Backspace)  # no category is shown: back to the grid
    assert opened.pages.currentWidget() is opened.pages.photos


def test_backspace_takes_the_large_photo_out_of_the_category_that_is_shown(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    opened.show_category(session.shelf.info(1))
    qtbot.waitUntil(lambda: 0 < session.model.rowCount() < 30)
    opened.pages.open_photo(0)
    qtbot.waitUntil(lambda: opened.pages.photo.photo is not None)
    qtbot.keyClick(opened.pages.photo, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: categories.judged.get(1) == {opened.pages.photo.photo.id: False})


def test_the_menu_of_photos_puts_in_says_not_this_and_takes_back(
    qtbot, opened: MainWindow, categories: FakeCategories
) -> None:
    ids = choose(opened, 1, 2)
    entry(photo_menu(opened), "Put into", "boats").trigger()
    qtbot.waitUntil(lambda: categories.judged.get(2) == dict.fromkeys(ids, True))
    entry(photo_menu(opened), "Not this", "dogs").trigger()
    qtbot.waitUntil(lambda: categories.judged.get(3) == dict.fromkeys(ids, False))
    entry(photo_menu(opened), "Take back", "boats").trigger()
    qtbot.waitUntil(lambda: categories.judged.get(2) == {})
    entry(photo_menu(opened), "Put into", "New or other").trigger()
    palette(qtbot).close()


def test_where_a_category_is_shown_its_photos_can_be_moved(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    opened.show_category(session.shelf.info(1))
    qtbot.waitUntil(lambda: 0 < session.model.rowCount() < 30)
    (moved,) = choose(opened, 0, 0)
    assert [action.text() for action in entry(photo_menu(opened), "Move to").menu().actions()] == ["boats", "dogs"]
    entry(photo_menu(opened), "Move to", "dogs").trigger()
    qtbot.waitUntil(lambda: categories.judged == {1: {moved: False}, 3: {moved: True}})
    (out,) = choose(opened, 0, 0)
    entry(photo_menu(opened), "Not “birds”").trigger()
    qtbot.waitUntil(lambda: categories.judged[1].get(out) is False)
    choose(opened, 0, 0)
    assert entry(photo_menu(opened), "Take back what you said").isEnabled()


def test_each_change_offers_to_be_undone_and_the_menu_names_it(
    qtbot, opened: MainWindow, categories: FakeCategories
) -> None:
    bar, menus = opened.category_actions.undo_bar, opened.menus
    assert not menus.undo.isEnabled()
    ids = choose(opened, 0, 3)
    press(opened, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: bar.text == f"{len(ids)} photos put into birds" and menus.undo.isEnabled())
    assert bar.isVisible()
    assert menus.undo.text() == "&Undo: 4 photos put into birds"
    with qtbot.waitSignal(opened._session.shelf.undone):
        bar._undo.click()
    assert categories.judged.get(1, {}) == {}
    assert (menus.undo.isEnabled(), menus.redo.text()) == (False, "&Redo: 4 photos put into birds")
    with qtbot.waitSignal(opened._session.shelf.told):
        menus.redo.trigger()
    assert categories.judged[1] == dict.fromkeys(ids, True)


def test_a_name_with_an_ampersand_is_shown_as_it_is(qtbot, opened: MainWindow, session: Session) -> None:
    session.shelf.add(Category(0, "Black & white"))
    qtbot.waitUntil(lambda: opened.menus.undo.text() == "&Undo: Category Black && white added")
    choose(opened, 0, 0)
    assert entry(photo_menu(opened), "Put into", "Black && white").isEnabled()


def test_how_many_are_selected_is_told(qtbot, opened: MainWindow) -> None:
    choose(opened, 0, 11)
    assert opened.status._counts.text().startswith("12 selected · 30 photos")
    choose(opened, 0, 0)
    assert opened.status._counts.text().startswith("30 photos")
    opened.menus.select_all.trigger()
    assert opened.category_actions.chosen.count == 30
    assert len(opened.category_actions.chosen.ids) == 30


def test_very_many_photos_are_put_in_at_once(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    session.model.show_photos(range(1, 100_001))
    opened.pages.photos.grid.selectAll()
    assert opened.category_actions.chosen.count == 100_000
    press(opened, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: len(categories.judged.get(1, {})) == 100_000)


def test_a_category_has_a_menu(qtbot, opened: MainWindow, categories: FakeCategories, session: Session) -> None:
    def menu(category_id: int) -> QMenu:
        return opened.category_actions.show_menu(session.shelf.info(category_id), QPoint(50, 50))

    entry(menu(1), "Nest in", "boats").trigger()
    qtbot.waitUntil(lambda: categories.known[1].parent_id == 2)
    qtbot.waitUntil(lambda: session.shelf.info(1).category.parent_id == 2)
    nest = [action.text() for action in entry(menu(2), "Nest in").menu().actions() if action.text()]
    assert nest == ["No other category", "dogs"]  # not itself, nor what is in it
    entry(menu(1), "Nest in", "No other category").trigger()
    qtbot.waitUntil(lambda: categories.known[1].parent_id is None)
    with qtbot.waitSignal(opened.category_actions.edit_wanted):
        entry(menu(3), "Edit").trigger()
    with qtbot.waitSignal(opened.category_actions.teach_wanted):
        entry(menu(3), "Teach").trigger()
    opened.categories.teaching.end()
    entry(menu(3), "Remove").trigger()
    qtbot.waitUntil(lambda: 3 not in categories.known)


def test_a_library_that_may_not_be_written_offers_no_change_and_says_why(
    qtbot, categories: FakeCategories, window: MainWindow, session: Session, monkeypatch
) -> None:
    monkeypatch.setattr(FakeCategories, "is_read_only", True)
    session.start()
    qtbot.waitUntil(lambda: session.shelf.is_ready and session.model.rowCount() == 30)
    choose(window, 0, 3)
    menu = photo_menu(window)
    assert not entry(menu, "Put into").isEnabled()
    assert entry(menu, "This library").text()
    assert not window.menus.new_category.isEnabled()
    assert window.menus.new_category.toolTip()
    press(window, Qt.Key.Key_1)
    qtbot.wait(1)
    assert categories.judged == {}
    assert window.category_actions.judging.open_palette() is None


def test_a_large_photo_tells_its_categories_and_again_when_they_change(
    qtbot, opened: MainWindow, categories: FakeCategories
) -> None:
    def told() -> str:
        labels = opened.pages.photo.details.widget().findChildren(QLabel)
        return next((label.text() for label in labels if "birds" in label.text()), "")

    row = next(row for row in range(30) if opened.pages.photos.model.index(row).data(Role.ID) % 6 == 4)
    opened.pages.open_photo(row)
    qtbot.waitUntil(lambda: opened.pages.photo.photo is not None)
    assert told() == ""
    qtbot.keyClick(opened.pages.photo, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: told() == "birds (by you)")
    opened.menus.undo.trigger()
    qtbot.waitUntil(lambda: told() == "")


def test_the_users_own_photos_are_marked_in_a_category(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    opened.show_category(session.shelf.info(1))
    qtbot.waitUntil(lambda: 0 < session.model.rowCount() < 30)
    grid, (chosen,) = opened.pages.photos.grid, choose(opened, 0, 0)
    place = grid.visualRect(session.model.index(0))
    accent = grid.palette().highlight().color()

    def has_mark() -> bool:
        grid.clearSelection()
        picture = grid.viewport().grab(place).toImage()
        ratio = picture.devicePixelRatio()
        corner = (round((place.width() - 30) * ratio), round(16 * ratio))
        return picture.pixelColor(*corner) == accent

    assert not has_mark()
    session.shelf.judge(1, [chosen], True)
    qtbot.waitUntil(has_mark)
    assert "Put in by you" in session.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)


def test_the_sidebar_shows_the_number_keys(qtbot, opened: MainWindow, categories: FakeCategories) -> None:
    tree = opened.sidebar.categories.tree
    assert tree._delegate.digits == {1: 1, 2: 2, 3: 3}
    categories.is_read_only = True
    opened._session.shelf.changed.emit()
    assert tree._delegate.digits == {}


def test_a_digit_stays_with_its_category_when_one_before_it_is_removed(
    qtbot, opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    session.shelf.remove(2)
    qtbot.waitUntil(lambda: session.shelf.info(2) is None)
    ids = choose(opened, 3, 6)
    press(opened, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: categories.judged.get(3) == dict.fromkeys(ids, True))
