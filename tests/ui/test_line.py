"""The keys of undo and redo while a line to type in has the keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from clipsearch.records import Category
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def categories(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> Iterator[FakeCategories]:
    """One category, which the user has added just now."""
    library.shelf.put(*(f"thing {number}" for number in range(20)))  # so many that there is a line to filter them by
    session.start()
    qtbot.waitUntil(lambda: session.shelf.is_ready)
    window.activateWindow()
    with qtbot.waitSignal(session.shelf.history_changed):
        session.shelf.add(Category(0, "birds"))
    yield library.shelf


@pytest.fixture(params=["search", "filter"])
def line(request: pytest.FixtureRequest, qtbot, categories: FakeCategories, window: MainWindow) -> QLineEdit:
    line = window.search_bar if request.param == "search" else window.sidebar.categories._filter
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    return line


def _has_birds(session: Session) -> bool:
    return any(info.name == "birds" for info in session.shelf.infos)


def test_an_empty_line_lets_the_window_undo_and_redo(qtbot, line: QLineEdit, session: Session) -> None:
    for redo_key, modifiers in ((Qt.Key.Key_Z, CONTROL | SHIFT), (Qt.Key.Key_Y, CONTROL)):
        QTest.keyClick(line, Qt.Key.Key_Z, CONTROL)
        qtbot.waitUntil(lambda: not _has_birds(session))
        QTest.keyClick(line, redo_key, modifiers)
        qtbot.waitUntil(lambda: _has_birds(session))


def test_what_was_typed_is_undone_first(qtbot, line: QLineEdit, session: Session) -> None:
    QTest.keyClicks(line, "bir")
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL)
    assert line.text() == ""
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert line.text() == "bir"
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL)
    assert _has_birds(session)
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL)
    qtbot.waitUntil(lambda: not _has_birds(session))


def test_a_search_that_gave_way_to_something_else_is_not_undone(
    qtbot, categories: FakeCategories, window: MainWindow, session: Session
) -> None:
    bar = window.search_bar
    bar.setFocus()
    QTest.keyClicks(bar, "dog")
    window.show_all()
    QTest.keyClick(bar, Qt.Key.Key_Z, CONTROL)
    qtbot.waitUntil(lambda: not _has_birds(session))
    assert bar.text() == ""


def test_escape_clears_the_filter(categories: FakeCategories, window: MainWindow) -> None:
    line = window.sidebar.categories._filter
    QTest.keyClicks(line, "7")
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert line.text() == ""
