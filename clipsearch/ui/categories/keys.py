"""The keys that judge photos. They act only while some are chosen; else letters and digits begin a search."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from clipsearch.ui.categories.number_keys import DIGITS


class PhotoKeys(QObject):
    """1 to 9 put into a category, with Shift they say "not this"; C opens the palette, Delete takes out."""

    put_wanted = Signal(int)  # digit
    reject_wanted = Signal(int)  # digit
    palette_wanted = Signal()
    take_out_wanted = Signal()

    def __init__(self, widgets: Sequence[QWidget], parent: QObject) -> None:
        super().__init__(parent)
        self._widgets = widgets
        self._puts = [self._key([str(digit)], partial(self.put_wanted.emit, digit)) for digit in DIGITS]
        self._rejects = [self._key([f"Shift+{digit}"], partial(self.reject_wanted.emit, digit)) for digit in DIGITS]
        self._palette = self._key(["C"], self.palette_wanted.emit)
        self._take_out = self._key(["Del", "Backspace"], self.take_out_wanted.emit)
        self.offer(digits=(), palette=False, take_out=False)

    def offer(self, digits: Collection[int], palette: bool, take_out: bool) -> None:
        """Let these digits, the palette's key and those that take out act; the others do what they did before."""
        for action, digit in zip((*self._puts, *self._rejects), (*DIGITS, *DIGITS), strict=True):
            action.setEnabled(digit in digits)
        self._palette.setEnabled(palette)
        self._take_out.setEnabled(take_out)

    def _key(self, keys: Sequence[str], act: Callable[[], object]) -> QAction:
        action = QAction(self)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.setAutoRepeat(False)
        action.triggered.connect(lambda _: act())
        for widget in self._widgets:
            widget.addAction(action)
        return action
