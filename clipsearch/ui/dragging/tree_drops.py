# ruff: noqa: N802 - Qt's own names
"""Drops on the tree of categories: what is dragged, where it is, and what is shown of that meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QTimer
from PySide6.QtGui import QDragMoveEvent, QDropEvent

from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.categories.tree import CategoryTree
from clipsearch.ui.dragging.edge_scroll import EdgeScroll
from clipsearch.ui.dragging.intent import NOTHING, Deed, Intent, Place, answer, copies
from clipsearch.ui.dragging.loads import Load, Loads
from clipsearch.ui.dragging.marks import DropMarks, DropWords, row_of, zone_of
from clipsearch.ui.dragging.photo_drags import PhotoDrags

_SPRING_MS = 700


class TreeDrops(QObject):
    """Watches the drags over a tree. A folded category opens when the mouse rests on it."""

    def __init__(self, tree: CategoryTree, shelf: Shelf, loads: Loads, drags: PhotoDrags) -> None:
        super().__init__(tree)
        self._tree = tree
        self._shelf = shelf
        self._loads = loads
        self._drags = drags
        self._load: Load | None = None
        self._place = QPoint()
        self._is_copy = False
        self.marks = DropMarks(tree)
        self.words = DropWords(tree.viewport())
        self._scroll = EdgeScroll(tree)
        self._scroll.scrolled.connect(self._aim)
        self._spring = QTimer(self, singleShot=True, interval=_SPRING_MS)
        self._spring.timeout.connect(self._unfold)
        drags.started.connect(lambda _: self.marks.show_zones(True))
        drags.ended.connect(self._on_drag_ended)
        tree.viewport().setAcceptDrops(True)
        tree.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.DragEnter if isinstance(event, QDragMoveEvent):
                self._on_entered(event)
            case QEvent.Type.DragMove if isinstance(event, QDragMoveEvent):
                self._on_moved(event)
            case QEvent.Type.DragLeave:
                self._forget()
            case QEvent.Type.Drop if isinstance(event, QDropEvent):
                self._on_dropped(event)
            case _:
                return False
        return True

    # What happens

    def _on_entered(self, event: QDragMoveEvent) -> None:
        """Let moves come, whatever a drop here would do; what is of no use here is left to the window."""
        self._load = self._loads.of(event.mimeData())
        event.setAccepted(self._load is not None)
        if self._load is not None:
            self._on_moved(event)
            event.accept()

    def _on_moved(self, event: QDragMoveEvent) -> None:
        place = event.position().toPoint()
        if self._tree.indexAt(place) != self._tree.indexAt(self._place) or not self._spring.isActive():
            self._spring.start()
        self._place, self._is_copy = place, copies(event.modifiers())
        self._scroll.follow(place)
        answer(event, self._aim())

    def _on_dropped(self, event: QDropEvent) -> None:
        self._place, self._is_copy = event.position().toPoint(), copies(event.modifiers())
        wish, load = self._intent(), self._load
        answer(event, wish)
        self._forget()
        if load is not None and wish.deed is not Deed.NOTHING:
            load.carry_out(wish)

    def _on_drag_ended(self) -> None:
        self.marks.show_zones(False)
        self._forget()

    # What is shown

    def _aim(self) -> Intent:
        """Show what a drop would do now, and return it."""
        wish, place = self._intent(), self._aimed()
        is_refused = wish.deed is Deed.NOTHING
        index = self._tree.indexAt(self._place)
        row = row_of(self._tree, index) if index.isValid() else self._tree.viewport().rect()
        self._tree.highlight(None if is_refused or place.is_not_this else wish.category_id)
        self.marks.aim(row if place.is_not_this and not is_refused else None)
        if wish.words:
            self.words.tell(wish.words, row, is_against=is_refused or place.is_not_this)
        else:
            self.words.hush()
        self._drags.show_deed(wish.deed)
        return wish

    def _forget(self) -> None:
        """The drag is elsewhere, or over."""
        self._load = None
        self._spring.stop()
        self._scroll.stop()
        self._tree.highlight(None)
        self.marks.aim(None)
        self.words.hush()
        self._drags.show_deed(Deed.NOTHING)

    def _unfold(self) -> None:
        index = self._tree.indexAt(self._place)
        if index.isValid() and not self._tree.isExpanded(index):
            self._tree.expand(index)

    # What it means

    def _intent(self) -> Intent:
        if self._load is None:
            return NOTHING
        return self._load.intent(self._aimed(), self._shelf.infos, self._is_copy)

    def _aimed(self) -> Place:
        info, index = self._tree.category_at(self._place), self._tree.indexAt(self._place)
        if info is None:
            return Place(None)
        in_zone = zone_of(row_of(self._tree, index)).contains(self._place)
        return Place(info.category, is_not_this=self.marks.has_zones and in_zone)
