"""Undo and redo in the window: the menu names the step, and a bar offers it after each change."""

from __future__ import annotations

from PySide6.QtCore import QObject

from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.categories.undo_bar import UndoBar
from clipsearch.ui.menus import Menus


class Undoing(QObject):
    """Connects the shelf's history with the menus and the bar."""

    def __init__(self, shelf: Shelf, menus: Menus, bar: UndoBar) -> None:
        super().__init__(bar)
        self._shelf = shelf
        self._menus = menus
        menus.undo.triggered.connect(shelf.undo)
        menus.redo.triggered.connect(shelf.redo)
        bar.undo_wanted.connect(shelf.undo)
        bar.redo_wanted.connect(shelf.redo)
        shelf.told.connect(bar.show_done)
        shelf.undone.connect(bar.show_undone)
        shelf.failed.connect(lambda _: bar.hide())
        for signal in (shelf.history_changed, shelf.changed):
            signal.connect(self._show_steps)
        self._show_steps()

    def _show_steps(self) -> None:
        steps = (None, None) if self._shelf.is_read_only else (self._shelf.undoable, self._shelf.redoable)
        undoable, redoable = ("" if step is None else sentences.done(step) for step in steps)
        self._menus.show_steps(undoable, redoable)
