"""The picture that follows the mouse during a drag: up to three photos on a pile, and how many they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QApplication

from clipsearch.ui import wording

MOST_PHOTOS = 3
HOT_SPOT = QPoint(-14, -14)  # the pile hangs below the pointer, lest it hide what is pointed at

_PHOTO_PX = 76
_STEP_PX = 7
_MARGIN_PX = 12  # room for the count, which sticks out
_RADIUS = 6
_EDGE = QColor("white")
_SHADE = QColor(0, 0, 0, 70)


def drag_picture(photos: Sequence[QPixmap], count: int, ratio: float) -> QPixmap:
    """Pile up the first photos, the first on top, with `count` in the corner unless it is one.

    `ratio` is the screen's pixels for one of the window's.
    """
    pile = list(photos[:MOST_PHOTOS]) or [QPixmap()]
    side = _PHOTO_PX + _STEP_PX * (MOST_PHOTOS - 1) + 2 * _MARGIN_PX
    result = QPixmap(QSize(side, side) * ratio)
    result.setDevicePixelRatio(ratio)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for depth in reversed(range(len(pile))):
        corner = QPointF(_MARGIN_PX + depth * _STEP_PX, _MARGIN_PX + depth * _STEP_PX)
        _paint_photo(painter, QRectF(corner, QSize(_PHOTO_PX, _PHOTO_PX)), pile[depth])
    if count > 1:
        _paint_count(painter, wording.number(count))
    painter.end()
    return result


def label_picture(text: str, colour: QColor, ratio: float) -> QPixmap:
    """A dot in a category's colour and its name, on a plate."""
    palette, font = QApplication.palette(), QApplication.font()
    metrics = QFontMetricsF(font)
    short = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, 180)
    size = QSize(round(metrics.horizontalAdvance(short)) + 40, 30)
    result = QPixmap(size * ratio)
    result.setDevicePixelRatio(ratio)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.setBrush(palette.color(QPalette.ColorRole.Base))
    painter.drawRoundedRect(QRectF(QPointF(0.5, 0.5), size - QSize(1, 1)), _RADIUS, _RADIUS)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(15, 15), 5, 5)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    painter.setFont(font)
    painter.drawText(QRectF(28, 0, size.width() - 28, 30), Qt.AlignmentFlag.AlignVCenter, short)
    painter.end()
    return result


def _paint_photo(painter: QPainter, place: QRectF, photo: QPixmap) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_SHADE)
    painter.drawRoundedRect(place.translated(1, 2), _RADIUS, _RADIUS)
    painter.setPen(QPen(_EDGE, 2))
    painter.setBrush(_covering(photo, place) if not photo.isNull() else QColor("#8a929c"))
    painter.drawRoundedRect(place, _RADIUS, _RADIUS)


def _covering(photo: QPixmap, place: QRectF) -> QBrush:
    """A brush that fills the place with the middle of the photo."""
    scale = max(place.width() / photo.width(), place.height() / photo.height())
    left = place.left() + (place.width() - photo.width() * scale) / 2
    top = place.top() + (place.height() - photo.height() * scale) / 2
    brush = QBrush(photo)
    brush.setTransform(QTransform(scale, 0, 0, scale, left, top))
    return brush


def _paint_count(painter: QPainter, text: str) -> None:
    palette, font = QApplication.palette(), QFont(QApplication.font())
    font.setBold(True)
    width = max(24.0, QFontMetricsF(font).horizontalAdvance(text) + 14)
    right = _MARGIN_PX + _PHOTO_PX + _MARGIN_PX
    plate = QRectF(max(0.0, right - width), 1, width, 24)
    painter.setPen(QPen(_EDGE, 2))
    painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
    painter.drawRoundedRect(plate, 12, 12)
    painter.setPen(palette.color(QPalette.ColorRole.HighlightedText))
    painter.setFont(font)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
