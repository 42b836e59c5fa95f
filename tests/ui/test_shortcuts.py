"""The overview of the keys."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QLabel

from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.shortcuts import of_menus


def test_it_opens_from_the_help_menu_with_the_keys_of_menus_and_photos(qtbot, window: MainWindow) -> None:
    window.menus.shortcuts.trigger()
    dialog = next(one for one in window.findChildren(QDialog) if one.isVisible())
    told = [one.accessibleName() for one in dialog.findChildren(QLabel) if one.accessibleName()]
    assert "New category: Ctrl+N" in told
    assert any(text.endswith(": C") for text in told)
    assert any(text.endswith(": Backspace") for text in told)
    dialog.close()


def test_no_key_of_the_menus_stands_for_two_things(window: MainWindow) -> None:
    keys = [key.toString() for action in window.findChildren(QAction) for key in action.shortcuts()]
    menus = [key for key in keys if "+" in key and not key.startswith("Shift+")]
    assert "Ctrl+Shift+Z" in menus
    assert sorted(menus) == sorted(set(menus))


def test_every_key_of_the_menus_is_listed_by_its_plain_name(qtbot, window: MainWindow) -> None:
    window.menus.show_steps("Category birds added", "")
    [(_, rows)] = of_menus(window.menuBar())
    assert ("Undo", "Ctrl+Z") in rows
    assert ("Sidebar", "F9") in rows
    assert not [text for text, keys in rows if "&" in text or not keys]
