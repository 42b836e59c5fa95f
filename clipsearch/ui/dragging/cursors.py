"""Pointers for what Qt has none: other programs may only copy photos, yet between categories they move."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

_SIDE = 48  # the tip lies in the middle, where Qt takes a picture to point
_ARROW = ((0, 0), (0, 16), (4, 12.4), (6.6, 18.2), (9.2, 17), (6.6, 11.4), (11.6, 11.4))


@lru_cache(maxsize=8)
def pointer(sign: str) -> QPixmap:
    """An arrow with a sign of one or two letters beside it, such as "→"."""
    picture = QPixmap(_SIDE, _SIDE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(_SIDE / 2, _SIDE / 2)
    painter.setPen(QPen(QColor("white"), 1.2))
    painter.setBrush(QColor("black"))
    painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in _ARROW]))
    plate = QRectF(9, 9, 14, 14)
    painter.setBrush(QColor("white"))
    painter.setPen(QPen(QColor("black"), 1))
    painter.drawRoundedRect(plate, 3, 3)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, sign)
    painter.end()
    return picture
