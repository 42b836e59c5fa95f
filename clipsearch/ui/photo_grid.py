# ruff: noqa: N802 - Qt's own names
"""The grid of photos: a stock list view laid out in rows that fill the width, fast with any number of photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QWidget

from clipsearch.records import Photo
from clipsearch.ui.icons import icon
from clipsearch.ui.photo_model import Index, PhotoModel, Role
from clipsearch.ui.selection import select_again, selected_ids
from clipsearch.ui.thumbnails import Thumbnails
from clipsearch.ui.tile_delegate import TileDelegate

SMALLEST_TILE, LARGEST_TILE, USUAL_TILE = 110, 320, 190


class PhotoGrid(QListView):
    """Shows a `PhotoModel`. Enter or a double click opens a photo, or folds the less sure hits in and out."""

    photo_opened = Signal(int)  # row
    similar_wanted = Signal(object)  # Photo
    reveal_wanted = Signal(object)  # Path
    unfolded_changed = Signal(bool)
    typed = Signal(str)  # letters, which belong to the search bar
    escaped = Signal()
    menu_opened = Signal(object)  # QMenu, about the selected photos: others may add to it
    dragged = Signal(object)  # list of photo ids, that under the mouse first
    removal_wanted = Signal()  # the Delete key: what is selected does not belong here

    def __init__(self, model: PhotoModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photos = model
        self._tile_px = USUAL_TILE
        self.setObjectName("photoGrid")
        self.setAccessibleName(self.tr("Photos"))
        self._lay_out_as_grid()
        self.setModel(model)
        self.setItemDelegate(TileDelegate(thumbnails, self))
        self.doubleClicked.connect(self._on_double_clicked)
        self.clicked.connect(self._on_clicked)
        thumbnails.loaded.connect(model.picture_changed)
        thumbnails.retried.connect(self.viewport().update)

    def _lay_out_as_grid(self) -> None:
        # Wrapped list mode looks like icon mode and lays out a million uniform rows in half the time.
        self.setViewMode(QListView.ViewMode.ListMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # The bar keeps its room, lest tiles change size when it comes; it is invisible until there is more to see.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(lambda lowest, highest: bar.setEnabled(highest > lowest))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setFrameShape(QListView.Shape.NoFrame)

    @property
    def tile_px(self) -> int:
        """The tile size wished for; tiles grow a little so that rows fill the width."""
        return self._tile_px

    def set_tile_px(self, tile_px: int) -> None:
        """Make tiles about this wide, and keep the place."""
        self._tile_px = max(SMALLEST_TILE, min(LARGEST_TILE, tile_px))
        with self.place_kept():
            self._fit_tiles()

    @contextmanager
    def place_kept(self) -> Iterator[None]:
        """Keep what is on the screen where it is, and what is selected selected, while rows change.

        Where all that was selected goes, as when it is taken out of a category, the keyboard goes on from there.
        """
        anchor = self._top_anchor()
        current = self.currentIndex().data(Role.ID)
        selected = self.selected_ids()
        row = self._photos.row_of(selected[0]) if selected else None
        yield
        self.executeDelayedItemsLayout()
        self._select_again(current, selected)
        if row is not None and self.hasFocus() and not self._photos.rows_of(selected):
            self._choose_near(row)
        if anchor is not None:
            self._scroll_back(*anchor)

    def enter(self) -> None:
        """Take the keyboard, at the first photo unless one is chosen already."""
        self.setFocus()
        if not self.currentIndex().isValid() and self.model().rowCount():
            self.setCurrentIndex(self.model().index(0, 0))

    def selected_ids(self) -> list[int]:
        """The photos that are selected, in the order shown."""
        return selected_ids(self.selectionModel().selection(), self._photos)

    def show_row(self, row: int) -> None:
        """Make a row current and bring it into sight."""
        index = self._photos.index(row)
        self.setCurrentIndex(index)
        self.scrollTo(index)

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_tiles()
        super().resizeEvent(event)

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Paint anew. The stock view would lay out every row again, though tiles never change their size."""
        if first == last:
            self.update(first)
        else:
            self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Select the photo at which the keyboard arrives, so that keys act on what is seen to have it."""
        super().focusInEvent(event)
        by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if by_key and not self.selectionModel().hasSelection() and self.currentIndex().isValid():
            self.setCurrentIndex(self.currentIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.modifiers():
            self._on_activated(self.currentIndex())
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit()
        else:
            super().keyPressEvent(event)

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Tell what is dragged. The stock view would look at each row of the selection."""
        ids, held = self.selected_ids(), self.currentIndex().data(Role.ID)
        if held in ids:
            ids.remove(held)
            ids.insert(0, held)
        self.dragged.emit(ids)

    def keyboardSearch(self, search: str) -> None:
        self.typed.emit(search)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        photo = index.data(Role.PHOTO) if index.isValid() else None
        if photo is not None:
            place = self.viewport().mapToGlobal(self.visualRect(index).center()) if by_key else event.globalPos()
            menu = self._menu(index.row(), photo)
            self.menu_opened.emit(menu)
            menu.popup(place)

    def _menu(self, row: int, photo: Photo) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icon("large-tiles"), self.tr("Open"), lambda: self.photo_opened.emit(row))
        menu.addAction(icon("similar"), self.tr("Find similar"), lambda: self.similar_wanted.emit(photo))
        menu.addAction(icon("reveal"), self.tr("Show in folder"), lambda: self.reveal_wanted.emit(photo.path))
        return menu

    def _on_activated(self, index: Index) -> None:
        if index.isValid() and index.data(Role.FOLDED) is None:
            self.photo_opened.emit(index.row())
        elif index.isValid():
            self._turn_fold()

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.data(Role.FOLDED) is None:
            self.photo_opened.emit(index.row())

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.data(Role.FOLDED) is not None:
            self._turn_fold()

    def _turn_fold(self) -> None:
        self._photos.set_unfolded(not self._photos.is_unfolded)
        self.unfolded_changed.emit(self._photos.is_unfolded)

    # Layout and place

    def _fit_tiles(self) -> None:
        width = self.viewport().width() - 1
        columns = max(1, round(width / self._tile_px))
        side = max(SMALLEST_TILE // 2, width // columns)
        if self.gridSize() != QSize(side, side):
            self.setGridSize(QSize(side, side))

    def _top_anchor(self) -> tuple[int, int] | None:
        """The photo at the top left and its place above the edge; None when the grid is not scrolled."""
        if self.verticalScrollBar().value() == 0:
            return None
        half = self.gridSize().width() // 2
        index = self.indexAt(QPoint(half, min(half, self.viewport().height() - 1)))
        return (index.data(Role.ID), self.visualRect(index).top()) if index.isValid() else None

    def _choose_near(self, row: int) -> None:
        """Select the photo that has come to a row, or the last one."""
        row = min(row, self._photos.rowCount() - 1)
        row -= row == self._photos.fold_row
        if row >= 0:
            self.setCurrentIndex(self._photos.index(row))

    def _scroll_back(self, photo_id: int, top: int) -> None:
        row = self._photos.row_of(photo_id)
        if row is not None:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + self.visualRect(self._photos.index(row)).top() - top)

    def _select_again(self, current: int | None, selected: list[int]) -> None:
        selection = self.selectionModel()
        select_again(selection, self._photos, selected)
        row = self._photos.row_of(current) if current is not None else None
        if row is not None:
            selection.setCurrentIndex(self._photos.index(row), selection.SelectionFlag.NoUpdate)
