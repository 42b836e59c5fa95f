# ruff: noqa: N802 - Qt's own names
"""How likely the library's photos belong, as bars, and a threshold that is dragged with the mouse or set by keys."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSlider, QWidget

Bar = tuple[float, float, int]  # from, to, photos

_MARGIN_PX = 7
_HANDLE_PX = 11
_HEIGHT_PX = 92


class Histogram(QSlider):
    """A slider over probabilities of 1 to 99 percent, so that keys and screen readers know how to handle it.

    Heights are logarithmic, since most photos of a library do not belong.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._bars: Sequence[Bar] = ()
        self.setObjectName("histogram")
        self.setRange(1, 99)
        self.setPageStep(10)
        self.setValue(50)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Threshold in percent"))
        self.setToolTip(self.tr("Photos by how likely they belong; those right of the line are in"))
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show how many photos there are from one probability to another; without bars only the line."""
        self._bars = bars
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, _HEIGHT_PX)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_bars(painter)
        self._paint_line(painter)

    # Inside

    def _follow(self, event: QMouseEvent) -> None:
        share = (event.position().x() - _MARGIN_PX) / max(1, self._room.width())
        self.setValue(round(100 * share))

    @property
    def _room(self) -> QRectF:
        return QRectF(self.rect().adjusted(_MARGIN_PX, 4, -_MARGIN_PX, -_HANDLE_PX - 2))

    def _paint_bars(self, painter: QPainter) -> None:
        room, threshold = self._room, self.value() / 100
        most = math.log1p(max((count for *_, count in self._bars), default=1))
        inside = self.palette().color(QPalette.ColorRole.Highlight)
        outside = QColor(self.palette().color(QPalette.ColorRole.PlaceholderText))
        outside.setAlphaF(0.4)
        painter.setPen(Qt.PenStyle.NoPen)
        for start, end, count in self._bars:
            if count:
                height = max(2.0, room.height() * math.log1p(count) / most)
                left, width = room.left() + start * room.width(), (end - start) * room.width()
                painter.setBrush(inside if (start + end) / 2 >= threshold else outside)
                painter.drawRect(QRectF(left + 0.5, room.bottom() - height, max(1.0, width - 1), height))
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.drawLine(room.bottomLeft(), room.bottomRight())

    def _paint_line(self, painter: QPainter) -> None:
        room = self._room
        middle = room.left() + room.width() * self.value() / 100
        role = QPalette.ColorRole.Highlight if self.hasFocus() else QPalette.ColorRole.Text
        colour = self.palette().color(role)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(int(middle), int(room.top()), int(middle), int(room.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QRectF(middle - _HANDLE_PX / 2, room.bottom() - 1, _HANDLE_PX, _HANDLE_PX))
