# ruff: noqa: N802 - Qt's own names
"""Places beside the tree that take what is dragged: out of the category that is shown, or up to the top level."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QLabel, QWidget

from clipsearch.ui import wording
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.dragging.intent import NOTHING, Deed, Intent, Place, answer
from clipsearch.ui.dragging.loads import Load, Loads
from clipsearch.ui.dragging.marks import DropWords
from clipsearch.ui.dragging.mime import DraggedPhotos
from clipsearch.ui.dragging.photo_drags import PhotoDrags
from clipsearch.ui.widgets import mark


class TakeOutZone(QLabel):
    """Lies over the button "All photos" while photos are dragged out of a category's view: a drop takes them out."""

    def __init__(self, button: QWidget, shelf: Shelf, drags: PhotoDrags) -> None:
        super().__init__(button.parentWidget())
        self._button = button
        self._shelf = shelf
        self._drags = drags
        self._dragged: DraggedPhotos | None = None
        self.setObjectName("takeOutZone")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAcceptDrops(True)
        drags.started.connect(self._on_started)
        drags.ended.connect(self.hide)
        self.hide()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drags.show_deed(Deed.TAKE_OUT)
        mark(self, "dropping", True)
        answer(event, Intent(Deed.TAKE_OUT))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drags.show_deed(Deed.NOTHING)
        mark(self, "dropping", False)

    def dropEvent(self, event: QDropEvent) -> None:
        mark(self, "dropping", False)
        answer(event, Intent(Deed.TAKE_OUT))
        if self._dragged is not None and self._dragged.source_id is not None:
            self._shelf.judge(self._dragged.source_id, self._dragged.photo_ids, False)

    def _on_started(self, dragged: DraggedPhotos) -> None:
        info = self._shelf.info(dragged.source_id) if dragged.source_id is not None else None
        self._dragged = dragged if info is not None else None
        if info is not None:
            whole = self.tr("Take out of {name}").format(name=wording.one_line(info.name))
            self.setGeometry(self._button.geometry())
            room = self.width() - 16
            self.setText(self.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideMiddle, room))
            self.setAccessibleName(whole)
            self.show()
            self.raise_()


class TopLevel(QObject):
    """Makes the part of the categories' section that is no category take one, out of those around it."""

    def __init__(self, section: QWidget, shelf: Shelf, loads: Loads) -> None:
        super().__init__(section)
        self._section = section
        self._shelf = shelf
        self._loads = loads
        self._load: Load | None = None
        self.words = DropWords(section)
        section.setObjectName("categorySection")
        section.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        section.setAcceptDrops(True)
        section.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.DragEnter if isinstance(event, QDropEvent):
                self._load = self._loads.of(event.mimeData())
                answer(event, self._intent())
                self._show(self._intent())
            case QEvent.Type.DragLeave:
                self._show(NOTHING)
            case QEvent.Type.Drop if isinstance(event, QDropEvent):
                self._show(NOTHING)
                answer(event, self._intent())
                if self._load is not None and event.isAccepted():
                    self._load.carry_out(self._intent())
            case _:
                return False
        return True

    def _show(self, wish: Intent) -> None:
        """Show what a drop would do."""
        mark(self._section, "dropping", wish.deed is not Deed.NOTHING)
        if wish.words:
            self.words.tell(wish.words, self._section.rect())
        else:
            self.words.hush()

    def _intent(self) -> Intent:
        return self._load.intent(Place(None), self._shelf.infos, False) if self._load is not None else NOTHING
