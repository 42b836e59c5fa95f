"""The key that opens the menu of what has the keyboard."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session


def test_shift_f10_opens_the_menu_of_the_photo_that_has_the_keyboard(
    qtbot, window: MainWindow, session: Session
) -> None:
    session.start()
    grid = window.pages.photos.grid
    qtbot.waitUntil(lambda: session.model.rowCount() == 30 and session.model.photo(0) is not None)
    window.activateWindow()
    grid.enter()
    with qtbot.waitSignal(grid.menu_opened) as opened:
        qtbot.keyClick(grid, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu: QMenu = opened.args[0]
    assert "Find similar" in [action.text() for action in menu.actions()]
    menu.close()
