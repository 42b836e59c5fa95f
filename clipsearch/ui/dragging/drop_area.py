# ruff: noqa: N802 - Qt's own names
"""A widget on which files and folders can be dropped from the file manager."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from clipsearch.ui.dragging import files
from clipsearch.ui.widgets import mark


class DropArea(QWidget):
    """Takes files and folders, and shows with a dashed edge that it would."""

    dropped = Signal(list)  # of Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dropArea")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and files.local_paths(event.mimeData()):
            files.take(event)
            mark(self, "dropping", True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        mark(self, "dropping", False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        files.take(event)
        mark(self, "dropping", False)
        self.dropped.emit(files.local_paths(event.mimeData()))
