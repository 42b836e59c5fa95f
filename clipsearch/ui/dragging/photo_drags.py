"""Photos leave a view: to a category, or as files to another program, which may copy but never move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QWidget

from clipsearch.records import Photo
from clipsearch.ui import wording
from clipsearch.ui.dragging import mime
from clipsearch.ui.dragging.cursors import pointer
from clipsearch.ui.dragging.intent import Deed
from clipsearch.ui.dragging.mime import DraggedPhotos
from clipsearch.ui.dragging.picture import HOT_SPOT, MOST_PHOTOS, drag_picture
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.thumbnails import Thumbnails

MOST_FILES = 1_000  # photos whose files other programs get

_SIGNS = {Deed.MOVE: "→", Deed.TAKE_OUT: "−"}


class PhotoDrags(QObject):
    """Starts drags of photos of the library in `library`; `source_id` tells the category that is shown."""

    started = Signal(object)  # DraggedPhotos
    ended = Signal()
    told = Signal(str)

    def __init__(
        self,
        library: Path,
        model: PhotoModel,
        thumbnails: Thumbnails,
        source_id: Callable[[], int | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._model = model
        self._thumbnails = thumbnails
        self._source_id = source_id
        self._drag: QDrag | None = None
        self._data = QMimeData()
        self._awaited: Sequence[int] = ()  # the photos whose files are not all known yet
        model.dataChanged.connect(lambda *_: self._complete())

    def start(self, widget: QWidget, photo_ids: Sequence[int]) -> None:
        """Let the user drag photos out of `widget`, the first on top of the picture; returns when they are dropped."""
        if not photo_ids or self._drag is not None:
            return
        dragged = DraggedPhotos(photo_ids, self._source_id())
        drag = self._prepare(widget, dragged)
        self.started.emit(dragged)
        try:
            action = drag.exec(Qt.DropAction.CopyAction)
        finally:
            self._drag, self._awaited = None, ()
            self.ended.emit()
        if drag.target() is None and action != Qt.DropAction.IgnoreAction and len(photo_ids) > MOST_FILES:
            self._tell_of_cut(len(photo_ids))

    def show_deed(self, deed: Deed) -> None:
        """Let the pointer tell what a drop in this window would do."""
        if self._drag is not None:
            sign = _SIGNS.get(deed)
            self._drag.setDragCursor(pointer(sign) if sign else QPixmap(), Qt.DropAction.CopyAction)

    def _prepare(self, widget: QWidget, dragged: DraggedPhotos) -> QDrag:
        drag, ratio = QDrag(widget), widget.devicePixelRatioF()
        self._drag, self._data = drag, mime.photos_data(self._library, dragged)
        self._awaited = dragged.photo_ids[:MOST_FILES]
        self._complete()
        self._model.fetch(self._awaited)
        drag.setMimeData(self._data)
        drag.setPixmap(drag_picture(self._pictures(dragged.photo_ids), len(dragged.photo_ids), ratio))
        drag.setHotSpot(HOT_SPOT)
        return drag

    def _complete(self) -> None:
        """Add the files of photos that are known by now: those far from the screen come while the user drags."""
        if not self._awaited:
            return
        known = [photo for photo in map(self._model.known, self._awaited) if photo is not None]
        mime.set_files(self._data, [path for photo in known for path in files_of(photo)])
        if len(known) == len(self._awaited):
            self._awaited = ()

    def _pictures(self, photo_ids: Sequence[int]) -> list[QPixmap]:
        photos = [self._model.known(photo_id) for photo_id in photo_ids[:MOST_PHOTOS]]
        return [(photo and self._thumbnails.pixmap(photo)) or QPixmap() for photo in photos]

    def _tell_of_cut(self, count: int) -> None:
        text = self.tr("Of {count} photos, the first {most} were handed over.")
        self.told.emit(text.format(count=wording.number(count), most=wording.number(MOST_FILES)))


def files_of(photo: Photo) -> list[Path]:
    """Return the photo's file and what belongs to it beside it, such as its RAW; none while they are out of reach."""
    if photo.offline:
        return []
    return [photo.path, *(path for path in photo.companions if path.parent == photo.path.parent)]
