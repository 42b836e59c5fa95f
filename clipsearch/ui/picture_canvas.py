# ruff: noqa: N802 - Qt's own names
"""A widget that shows one picture as large as fits, a sentence instead of it, or both."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

_MARGIN = 20
_TEXT_MARGIN = 48
_TEXT_FLAGS = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap


class PictureCanvas(QWidget):
    """Keeps the picture's shape; small pictures are not blown up beyond their own size unless they stand in."""

    dragged = Signal()  # the user drags the picture

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self._scaled = QPixmap()
        self._is_stand_in = False
        self._text = ""
        self._pressed_at: QPoint | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 200)

    def show_picture(self, picture: QPixmap, is_stand_in: bool = False, text: str = "") -> None:
        """Show a picture with a sentence below it; one that stands in for a larger one fills the place of that."""
        self._picture, self._is_stand_in, self._text = picture, is_stand_in, text
        self._scaled = QPixmap()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._picture.isNull():
            painter.drawPixmap(self._place(), self._fitted())
        if self._text:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self._text_room(), _TEXT_FLAGS, self._text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        is_left = event.button() == Qt.MouseButton.LeftButton and not self._picture.isNull()
        self._pressed_at = event.position().toPoint() if is_left else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        start, here = self._pressed_at, event.position().toPoint()
        if start is not None and (here - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            self.dragged.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scaled = QPixmap()
        super().resizeEvent(event)

    def _place(self) -> QRect:
        place = QRect(0, 0, 0, 0)
        place.setSize(self._shown_size())
        place.moveCenter(self._picture_room().center())
        return place

    def _text_room(self) -> QRect:
        """Where the sentence stands: in the middle, or at the foot if there is a picture."""
        room = self.rect().adjusted(_TEXT_MARGIN, _MARGIN, -_TEXT_MARGIN, -_MARGIN)
        if not self._picture.isNull():
            room.setTop(room.bottom() - self.fontMetrics().boundingRect(room, _TEXT_FLAGS, self._text).height())
        return room

    def _picture_room(self) -> QRect:
        room = self.rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        if self._text:
            room.setBottom(self._text_room().top() - _MARGIN)
        return room

    def _shown_size(self) -> QSize:
        room = self._picture_room().size()
        own = self._picture.size() / self.devicePixelRatioF()
        if not self._is_stand_in and own.width() <= room.width() and own.height() <= room.height():
            return own
        return own.scaled(room, Qt.AspectRatioMode.KeepAspectRatio)

    def _fitted(self) -> QPixmap:
        if self._scaled.isNull():
            size = self._shown_size() * self.devicePixelRatioF()
            smooth = Qt.TransformationMode.SmoothTransformation
            self._scaled = self._picture.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
        return self._scaled
