# ruff: noqa: N802 - Qt's own names
"""The search bar: typing searches after a short pause, Enter at once, Escape clears; a picture may be dropped."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QLineEdit, QWidget

from clipsearch.ui.dragging import files
from clipsearch.ui.icons import icon
from clipsearch.ui.line import Line
from clipsearch.ui.widgets import mark

_PAUSE_MS = 300


class SearchBar(Line):
    """Emits `text_asked` with what to look for and `cleared` when it becomes empty."""

    text_asked = Signal(str)
    cleared = Signal()
    picture_dropped = Signal(object)  # Path
    left = Signal()  # the arrow down: on to the photos

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("searchBar")
        self.setPlaceholderText(self.tr("Describe a photo, such as “a dog on the grass”"))
        self.setAccessibleName(self.tr("Search"))
        self.setAccessibleDescription(self.tr("Type what is in the photo, or drop a picture here"))
        muted = QPalette.ColorRole.PlaceholderText
        self.addAction(icon("search", muted), QLineEdit.ActionPosition.LeadingPosition)
        self._clear_action = self.addAction(icon("close", muted), QLineEdit.ActionPosition.TrailingPosition)
        self._clear_action.setToolTip(self.tr("Clear"))
        self._clear_action.setVisible(False)
        self._clear_action.triggered.connect(self.clear_by_user)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self.textEdited.connect(self._on_text_edited)
        self.textChanged.connect(lambda text: self._clear_action.setVisible(bool(text)))
        self.returnPressed.connect(self._ask)
        self.setAcceptDrops(True)

    def clear_by_user(self) -> None:
        """Empty the bar and tell so."""
        self._pause.stop()
        self.clear()
        self.cleared.emit()

    def clear_quietly(self) -> None:
        """Empty the bar because something else was asked; what was typed is not to be undone after that."""
        self._pause.stop()
        if self.text():  # else the user has just emptied it, and may want to redo that
            self.setText("")

    def take(self, text: str) -> None:
        """Go on with what the user began to type elsewhere."""
        self.setFocus()
        self.setText(text)
        self._on_text_edited(text)

    def ask(self, text: str) -> None:
        """Ask as if the user had typed `text`."""
        self.setText(text)
        self._ask()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear_by_user()
        elif event.key() == Qt.Key.Key_Down:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if files.single_file(event.mimeData()) is not None:
            files.take(event)
            self._show_dropping(True)
        elif event.mimeData().hasUrls():
            event.ignore()  # folders are the window's business
        else:
            super().dragEnterEvent(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show_dropping(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_dropping(False)
        picture = files.single_file(event.mimeData())
        if picture is None:
            super().dropEvent(event)
            return
        files.take(event)
        self.picture_dropped.emit(picture)

    def _on_text_edited(self, text: str) -> None:
        if text.strip():
            self._pause.start()
        else:
            self._pause.stop()
            self.cleared.emit()

    def _ask(self) -> None:
        self._pause.stop()
        text = " ".join(self.text().split())
        if text:
            self.text_asked.emit(text)

    def _show_dropping(self, is_dropping: bool) -> None:
        mark(self, "dropping", is_dropping)
