"""The photos that an action is about: those selected in the grid, or the one that is shown large."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from clipsearch.ui.photo_grid import PhotoGrid
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.photo_view import PhotoView


class ChosenPhotos(QObject):
    """Emits `changed` whenever they may be others."""

    changed = Signal()

    def __init__(self, pages: QStackedWidget, grid: PhotoGrid, view: PhotoView, model: PhotoModel) -> None:
        super().__init__(pages)
        self._pages = pages
        self._grid = grid
        self._view = view
        self._model = model
        grid.selectionModel().selectionChanged.connect(lambda *_: self.changed.emit())
        model.modelReset.connect(self.changed)
        view.row_shown.connect(lambda _: self.changed.emit())
        pages.currentChanged.connect(lambda _: self.changed.emit())

    @property
    def ids(self) -> list[int]:
        """Their ids, in the order shown."""
        if self._is_large:
            return [self._view.photo.id] if self._view.photo else []
        return self._grid.selected_ids() if self._is_grid else []

    @property
    def count(self) -> int:
        """How many they are; cheap, however many."""
        if self._is_large:
            return int(self._view.photo is not None)
        return self._selected_count() if self._is_grid else 0

    def _selected_count(self) -> int:
        selection = self._grid.selectionModel().selection()
        parts = [selection.at(number) for number in range(selection.count())]
        fold = self._model.fold_row
        return sum(part.height() - (fold in range(part.top(), part.bottom() + 1)) for part in parts)

    @property
    def _is_large(self) -> bool:
        return self._pages.currentWidget() is self._view

    @property
    def _is_grid(self) -> bool:
        shown = self._pages.currentWidget()
        return shown is not None and shown.isAncestorOf(self._grid)
