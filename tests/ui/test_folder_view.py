"""One folder's photos: chosen in the sidebar, shown in the grid, indexed first."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from clipsearch.records import Folder
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_library import FakeLibrary, photo_of

HOLIDAYS = Folder(2, Path("/elsewhere/Holidays"))


@pytest.fixture
def opened(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> MainWindow:
    library.added_folders.append(HOLIDAYS)
    library.in_folder = {2: [9, 8]}
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30)
    return window


def button(window: MainWindow, folder: Folder = HOLIDAYS) -> QPushButton:
    return window.sidebar._folder_buttons[folder.id]


def test_a_folder_shows_its_photos_which_are_indexed_first(
    qtbot, opened: MainWindow, session: Session, library: FakeLibrary
) -> None:
    button(opened).click()
    assert library.preferred == HOLIDAYS.path
    qtbot.waitUntil(lambda: session.model.rowCount() == 2)
    assert opened.pages.photos._heading.text() == "Holidays"
    assert button(opened).isChecked() and not opened.sidebar._photos.isChecked()
    opened.sidebar._photos.click()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30)
    assert opened.pages.photos._heading.text() == "All photos"
    assert library.preferred is None and not button(opened).isChecked()


def test_the_keyboard_chooses_a_folder(qtbot, opened: MainWindow, session: Session) -> None:
    button(opened).setFocus()
    qtbot.keyClick(button(opened), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: session.model.rowCount() == 2)


def test_tab_goes_through_the_sidebar_from_top_to_bottom(qtbot, opened: MainWindow) -> None:
    sidebar = opened.sidebar
    sidebar._photos.setFocus()
    reached = []
    for _ in range(8):
        qtbot.keyClick(opened.focusWidget(), Qt.Key.Key_Tab)
        reached.append(opened.focusWidget())
    head, last = [sidebar._problems, sidebar._models, sidebar.categories._add], sidebar._add
    assert reached[:3] == head
    assert reached.index(button(opened)) < reached.index(last)


def test_a_question_asks_the_whole_library(qtbot, opened: MainWindow, session: Session) -> None:
    button(opened).click()
    qtbot.waitUntil(lambda: session.model.rowCount() == 2)
    opened.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    assert session.folder is None and opened.sidebar._photos.isChecked()
    opened.show_all()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30)


def test_the_choice_outlasts_a_change_of_the_folders(
    qtbot, opened: MainWindow, session: Session, library: FakeLibrary
) -> None:
    button(opened).click()
    library.added_folders.append(Folder(3, Path("/third")))
    with qtbot.waitSignal(session.feed.changed):
        session.feed.refresh()
    qtbot.waitUntil(lambda: 3 in opened.sidebar._folder_buttons)
    assert button(opened).isChecked()


def test_a_folder_that_is_removed_is_shown_no_more(
    qtbot, opened: MainWindow, session: Session, library: FakeLibrary
) -> None:
    button(opened).click()
    qtbot.waitUntil(lambda: session.model.rowCount() == 2)
    library.added_folders.remove(HOLIDAYS)
    session.feed.refresh()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30)
    assert opened.sidebar._photos.isChecked()


def test_a_folder_without_photos_says_so(qtbot, opened: MainWindow, library: FakeLibrary) -> None:
    library.in_folder = {}
    button(opened).click()
    qtbot.waitUntil(opened.pages.photos.empty.isVisible)
    assert opened.pages.photos.empty.title == "No photos in this folder"


def test_the_folder_around_an_open_photo_is_indexed_first(
    qtbot, opened: MainWindow, session: Session, library: FakeLibrary
) -> None:
    qtbot.waitUntil(lambda: session.model.photo(0) is not None)
    opened.pages.open_photo(0)
    assert library.preferred == photo_of(30).path.parent
    opened.pages.close_photo()
    assert library.preferred is None


def test_an_offline_folder_can_be_chosen_and_long_names_are_cut(qtbot, opened: MainWindow, session: Session) -> None:
    opened.sidebar.show_folders([Folder(2, Path("/a very long name of a folder that is away"), offline=True)])
    away = button(opened)
    qtbot.waitUntil(lambda: "…" in away.text())
    assert away.property("away") and away.isEnabled()
    assert away.accessibleName() == "a very long name of a folder that is away"
