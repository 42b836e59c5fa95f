# ruff: noqa: N802 - Qt's own names
"""The large view of one photo, with its neighbours in the grid one key away."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from clipsearch.records import Photo
from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.photo_details import PhotoDetails
from clipsearch.ui.photo_model import PhotoModel, Role
from clipsearch.ui.picture_canvas import PictureCanvas
from clipsearch.ui.recent import Recent
from clipsearch.ui.tasks import Task, Tasks
from clipsearch.ui.thumbnails import Thumbnails
from clipsearch.ui.widgets import elided_label, push_button, tool_button

_LONG_SIDE_PX = 2560
_PICTURES_KEPT = 4


class PhotoView(QWidget):
    """Shows the photo of a row. Left and right go to its neighbours, Escape goes back."""

    closed = Signal()
    row_shown = Signal(int)
    similar_wanted = Signal(object)  # Photo
    reveal_wanted = Signal(object)  # Path
    menu_opened = Signal(object)  # QMenu, about the photo: others may add to it
    dragged = Signal(object)  # list of the photo's id

    def __init__(
        self,
        model: PhotoModel,
        thumbnails: Thumbnails,
        library: LibraryAccess,
        tasks: Tasks,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._thumbnails = thumbnails
        self._library = library
        self._tasks = tasks
        self._task: Task | None = None
        self._photo: Photo | None = None
        self._awaited_row: int | None = None
        self._pictures: Recent[int, QPixmap] = Recent(_PICTURES_KEPT)
        self.canvas = PictureCanvas()
        self.details = PhotoDetails()
        self._name = elided_label(role="title")
        self._previous = tool_button("previous", self.tr("Previous photo (Left)"), lambda: self._go(-1), 20)
        self._next = tool_button("next", self.tr("Next photo (Right)"), lambda: self._go(+1), 20)
        self.canvas.dragged.connect(self._on_dragged)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        model.dataChanged.connect(self._on_data_changed)
        thumbnails.loaded.connect(self._on_thumbnail_loaded)
        self._lay_out()

    @property
    def photo(self) -> Photo | None:
        return self._photo

    def show_row(self, row: int) -> None:
        """Show the photo of a row, as soon as it is known."""
        photo = self._model.photo(row)
        self._awaited_row = row if photo is None else None
        if photo is None:
            return
        self._photo = photo
        self._name.setText(wording.one_line(photo.path.name))
        self.setAccessibleName(self._name.text())
        hit = self._model.index(row).data(Role.HIT)
        self.details.show_photo(photo, wording.relevance(hit.relevance) if hit else "")
        self._previous.setEnabled(self._neighbour(-1) is not None)
        self._next.setEnabled(self._neighbour(+1) is not None)
        self._show_picture(photo)
        self.row_shown.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Escape | Qt.Key.Key_Backspace:
                self.closed.emit()
            case Qt.Key.Key_Left | Qt.Key.Key_Up | Qt.Key.Key_PageUp:
                self._go(-1)
            case Qt.Key.Key_Right | Qt.Key.Key_Down | Qt.Key.Key_PageDown | Qt.Key.Key_Space:
                self._go(+1)
            case _:
                super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._photo is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icon("similar"), self.tr("Find similar"), self._on_similar)
        menu.addAction(icon("reveal"), self.tr("Show in folder"), self._on_reveal)
        self.menu_opened.emit(menu)
        menu.popup(event.globalPos())

    # Neighbours

    def _go(self, step: int) -> None:
        row = self._neighbour(step)
        if row is not None:
            self.show_row(row)

    def _neighbour(self, step: int) -> int | None:
        """The row beside the photo shown, the fold row left out; None at the ends."""
        row = self._model.row_of(self._photo.id) if self._photo else None
        if row is None:
            return None
        row += step
        if row == self._model.fold_row:
            row += step
        return row if 0 <= row < self._model.rowCount() else None

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        awaited = self._awaited_row
        if awaited is not None and first.row() <= awaited <= last.row():
            self.show_row(awaited)

    # Picture

    def _show_picture(self, photo: Photo) -> None:
        if self._task is not None:
            self._task.cancel()
        kept = self._pictures.get(photo.id)
        if kept is not None:
            self.canvas.show_picture(kept)
            return
        self._show_stand_in(photo, wording.out_of_reach() if photo.offline else "")
        if photo.offline:  # looking for it on a share that hangs might take minutes
            return
        task = self._tasks.run(lambda: self._load(photo))
        task.succeeded.connect(lambda image: self._on_loaded(photo, image))
        task.failed.connect(lambda error: self._on_failed(photo, error))
        self._task = task

    def _show_stand_in(self, photo: Photo, text: str = "") -> None:
        self.canvas.show_picture(self._thumbnails.pixmap(photo) or QPixmap(), is_stand_in=True, text=text)

    def _on_thumbnail_loaded(self, photo_id: int) -> None:
        if self._photo is not None and self._photo.id == photo_id and self._photo.offline:
            self._show_stand_in(self._photo, wording.out_of_reach())

    def _load(self, photo: Photo) -> QImage:
        """Runs in a worker thread; a photo has several files, and one that can be read is enough."""
        present = [path for path in photo.paths if path.exists()]
        return self._library.picture(present[0] if present else photo.path, _LONG_SIDE_PX)

    def _on_loaded(self, photo: Photo, image: QImage) -> None:
        pixmap = QPixmap.fromImage(image)
        self._pictures.put(photo.id, pixmap)
        if self._photo is not None and self._photo.id == photo.id:
            self.canvas.show_picture(pixmap)

    def _on_failed(self, photo: Photo, error: Exception) -> None:
        if self._photo is not None and self._photo.id == photo.id:
            self._show_stand_in(photo, wording.failure(error))

    # Layout

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(14, 4, 18, 8)
        bar.setSpacing(8)
        similar = push_button("similar", self.tr("Find similar"), self._on_similar)
        reveal = push_button("reveal", self.tr("Show in folder"), self._on_reveal)
        bar.addWidget(tool_button("back", self.tr("Back to the photos (Esc)"), self.closed.emit, 20))
        bar.addWidget(self._name, 1)
        for widget in (self._previous, self._next, similar, reveal):
            bar.addWidget(widget)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.canvas, 1)
        body.addWidget(self.details)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addLayout(body, 1)

    def _on_similar(self) -> None:
        if self._photo is not None:
            self.similar_wanted.emit(self._photo)

    def _on_dragged(self) -> None:
        if self._photo is not None:
            self.dragged.emit([self._photo.id])

    def _on_reveal(self) -> None:
        if self._photo is not None:
            self.reveal_wanted.emit(self._photo.path)
