# ruff: noqa: N802 - Qt's own names
"""What was just done, over the foot of the photos, with a button that undoes it; nothing moves when it comes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QWidget

from clipsearch.ui.widgets import elided_label, push_button, tool_button

_SHOWN_MS = 12_000
_ABOVE_FOOT_PX = 18
_LONGEST_PX = 560


class UndoBar(QFrame):
    """Floats over `over`; goes by itself after a while, unless the mouse or the keyboard is on it.

    While it is `keep_away`, nothing is told of what was done: the user is at something that it would lie over.
    """

    undo_wanted = Signal()
    redo_wanted = Signal()
    left = Signal()  # it had the keyboard and goes: somebody else is to have it

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._is_away = False
        self.setObjectName("undoBar")
        self._text = elided_label(cut=Qt.TextElideMode.ElideRight)
        self._undo = push_button("undo", self.tr("Undo"), lambda: self._answer(self.undo_wanted.emit))
        self._redo = push_button("redo", self.tr("Redo"), lambda: self._answer(self.redo_wanted.emit))
        self._close = tool_button("close", self.tr("Close this message"), self._go, 16)
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._timer.timeout.connect(self._on_time_over)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        for widget in (self._text, self._undo, self._redo, self._close):
            row.addWidget(widget)
        over.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_done(self, text: str) -> None:
        """Tell what was done; it can be undone."""
        if not self._is_away:
            self._show(text, is_undone=False)

    def show_undone(self, text: str) -> None:
        """Tell what was undone; it can be done again."""
        self._show(text, is_undone=True)

    def keep_away(self, is_away: bool) -> None:
        """Let what was done go without saying, or tell it again."""
        self._is_away = is_away
        if is_away:
            self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._take_place()
        return super().eventFilter(watched, event)

    def _show(self, text: str, *, is_undone: bool) -> None:
        self._text.setText(text)
        self._undo.setVisible(not is_undone)
        self._redo.setVisible(is_undone)
        self.setAccessibleName(text)
        self.show()
        self._take_place()
        self._timer.start()

    def _take_place(self) -> None:
        over = self._over
        self.setFixedWidth(min(self.sizeHint().width(), _LONGEST_PX, over.width() - 20))
        self.adjustSize()
        self.move(QPoint((over.width() - self.width()) // 2, over.height() - self.height() - _ABOVE_FOOT_PX))
        self.raise_()

    def _on_time_over(self) -> None:
        if self.underMouse() or self._has_keyboard:
            self._timer.start()
        else:
            self.hide()

    def _answer(self, ask: Callable[[], object]) -> None:
        self._go()
        ask()

    def _go(self) -> None:
        had_keyboard = self._has_keyboard
        self.hide()
        if had_keyboard:
            self.left.emit()

    @property
    def _has_keyboard(self) -> bool:
        widget = QApplication.focusWidget()
        return widget is not None and self.isAncestorOf(widget)
