"""Shift+F10 opens the menu of what has the keyboard, as the menu key does, which many keyboards lack."""

from __future__ import annotations

from PySide6.QtGui import QContextMenuEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QWidget

KEY = "Shift+F10"


def add_menu_key(window: QWidget) -> None:
    """Let the key act in a window."""
    QShortcut(QKeySequence(KEY), window, lambda: _open_menu(QApplication.focusWidget()))


def _open_menu(widget: QWidget | None) -> None:
    if widget is not None:
        middle = widget.rect().center()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, middle, widget.mapToGlobal(middle))
        QApplication.sendEvent(widget, event)
