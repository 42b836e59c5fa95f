# ruff: noqa: N802 - Qt's own names
"""The grid during a drag: it scrolls, and the view of a category takes files for that category."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from clipsearch.ui.dragging import files, mime
from clipsearch.ui.dragging.arrivals import Arrivals
from clipsearch.ui.dragging.edge_scroll import EdgeScroll
from clipsearch.ui.dragging.intent import NOTHING, answer
from clipsearch.ui.widgets import mark


class GridDrops(QObject):
    """Watches the drags over the grid; `area` shows that it takes them. What it does not take is left to the window."""

    def __init__(
        self,
        grid: QAbstractScrollArea,
        area: QWidget,
        library: Path,
        category_id: Callable[[], int | None],
        arrivals: Arrivals,
    ) -> None:
        super().__init__(grid)
        self._area = area
        self._library = library
        self._category_id = category_id
        self._arrivals = arrivals
        self._scroll = EdgeScroll(grid)
        grid.viewport().setAcceptDrops(True)
        grid.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.DragEnter | QEvent.Type.DragMove if isinstance(event, QDragMoveEvent):
                self._on_moved(event, is_first=event.type() == QEvent.Type.DragEnter)
            case QEvent.Type.DragLeave:
                self._forget()
            case QEvent.Type.Drop if isinstance(event, QDropEvent):
                self._forget()
                self._on_dropped(event)
            case _:
                return False
        return True

    def _on_moved(self, event: QDragMoveEvent, *, is_first: bool) -> None:
        if mime.photos_in(event.mimeData(), self._library) is not None:
            self._scroll.follow(event.position().toPoint())
            answer(event, NOTHING)
            event.setAccepted(is_first)  # else no moves would come
        elif self._category_id() is not None and _come_from_outside(event):
            files.take(event)
            mark(self._area, "dropping", True)
        else:
            event.ignore()

    def _on_dropped(self, event: QDropEvent) -> None:
        category_id = self._category_id()
        if category_id is not None and _come_from_outside(event):
            files.take(event)
            self._arrivals.take(files.local_paths(event.mimeData()), category_id)
        else:
            event.ignore()

    def _forget(self) -> None:
        self._scroll.stop()
        mark(self._area, "dropping", False)


def _come_from_outside(event: QDropEvent) -> bool:
    return event.source() is None and bool(files.local_paths(event.mimeData()))
