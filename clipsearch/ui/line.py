"""A line to type in that keeps the keys of undo and redo only while it has something of its own to undo or redo."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit


class Line(QLineEdit):
    """Leaves these keys to the window's menu otherwise, where Qt's own line takes them and does nothing."""

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._is_idle(event):
            event.ignore()
            return False
        return super().event(event)

    def _is_idle(self, event: QKeyEvent) -> bool:
        """Whether the key would undo or redo in here, and there is nothing to."""
        if event.matches(QKeySequence.StandardKey.Undo):
            return not self.isUndoAvailable()
        return event.matches(QKeySequence.StandardKey.Redo) and not self.isRedoAvailable()
