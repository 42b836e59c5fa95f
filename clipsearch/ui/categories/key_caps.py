"""Paints the number key that a category answers to, looking like a key."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QPainter, QPalette
from PySide6.QtWidgets import QStyleOptionViewItem

_SIDE_PX = 15
_GAP_PX = 8


def paint_key(painter: QPainter, option: QStyleOptionViewItem, room: QRect, digit: int) -> int:
    """Paint a key at the right end of `room`; return the room that it takes, in pixels."""
    painter.save()
    cap = QRect(room.right() - _SIDE_PX, room.center().y() - _SIDE_PX // 2 + 1, _SIDE_PX, _SIDE_PX)
    font = QFont(option.font)
    font.setPointSizeF(font.pointSizeF() * 0.8)
    painter.setFont(font)
    painter.setPen(option.palette.color(QPalette.ColorRole.Dark))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(cap, 3, 3)
    painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
    painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, str(digit))
    painter.restore()
    return _SIDE_PX + _GAP_PX
