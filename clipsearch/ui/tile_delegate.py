# ruff: noqa: N802 - Qt's own names
"""Paints one tile of the grid: the photo cut to the tile, how sure the hit is, its name under the mouse.

A photo that cannot be reached now is pale, with a sign in the corner.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPalette,
    QPen,
    QPixmap,
    QTransform,
)
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from clipsearch.records import Hit, Photo, Relevance
from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.photo_model import Index, Role
from clipsearch.ui.thumbnails import Thumbnails

_GAP = 4  # free pixels on each side of a tile
_RADIUS = 7
_PALE_OPACITY = 0.45
_HAIRLINE = QColor(128, 128, 128, 60)
_UPWARD = 0.4  # a tall picture is cut so that more of its lower part goes: heads are above the middle


class TileDelegate(QStyledItemDelegate):
    """Tiles of one size, in the palette's colours."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return option.rect.size()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        tile = QRectF(option.rect.adjusted(_GAP, _GAP, -_GAP, -_GAP))
        if index.data(Role.FOLDED) is None:
            self._paint_photo(painter, option, tile, index)
        else:
            self._paint_fold(painter, option, tile, index)
        self._paint_frame(painter, option, tile)
        painter.restore()

    def _paint_photo(self, painter: QPainter, option: QStyleOptionViewItem, tile: QRectF, index: Index) -> None:
        photo: Photo | None = index.data(Role.PHOTO)
        hit: Hit | None = index.data(Role.HIT)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        pixmap = self._thumbnails.pixmap(photo) if photo else None
        if pixmap is None:
            _fill(painter, tile, QBrush(option.palette.color(QPalette.ColorRole.AlternateBase)))
        else:
            is_offline = photo is not None and photo.offline
            is_pale = is_offline or (index.data(Role.PALE) and not is_hovered)
            painter.setOpacity(_PALE_OPACITY if is_pale else 1.0)
            _fill(painter, tile, _cut(pixmap, tile))
            painter.setOpacity(1.0)
            _outline(painter, tile)
        if hit is not None:
            _paint_relevance(painter, option, tile, hit.relevance)
        if photo is not None and photo.offline:
            _paint_offline(painter, option, tile)
        if index.data(Role.JUDGED) is not None:
            _paint_judgement(painter, option, tile, is_member=index.data(Role.JUDGED))
        if photo is not None and (is_hovered or option.state & QStyle.StateFlag.State_HasFocus):
            _paint_name(painter, option, tile, photo.path)

    def _paint_fold(self, painter: QPainter, option: QStyleOptionViewItem, tile: QRectF, index: Index) -> None:
        _fill(painter, tile, QBrush(option.palette.color(QPalette.ColorRole.AlternateBase)))
        font = QFont(option.font)
        font.setPointSizeF(font.pointSizeF() * 1.6)
        font.setWeight(QFont.Weight.DemiBold)
        middle = tile.center().y()
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        painter.setFont(font)
        upper = QRectF(tile.left(), tile.top(), tile.width(), middle - tile.top() + 2)
        painter.drawText(
            upper, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, wording.number(index.data(Role.FOLDED))
        )
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        painter.setFont(option.font)
        lower = QRectF(tile.left() + 8, middle + 6, tile.width() - 16, tile.bottom() - middle - 6)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(lower, flags, self.tr("less sure"))
        painter.setPen(option.palette.color(QPalette.ColorRole.Link))
        lower.translate(0, 1.5 * option.fontMetrics.lineSpacing())
        painter.drawText(lower, flags, self.tr("Hide") if index.data(Role.UNFOLDED) else self.tr("Show"))

    def _paint_frame(self, painter: QPainter, option: QStyleOptionViewItem, tile: QRectF) -> None:
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        has_focus = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if not is_selected and not has_focus:
            return
        role = QPalette.ColorRole.Highlight if is_selected else QPalette.ColorRole.PlaceholderText
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(option.palette.color(role), 3 if is_selected else 1.5))
        painter.drawRoundedRect(tile, _RADIUS, _RADIUS)


def _fill(painter: QPainter, tile: QRectF, brush: QBrush) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    painter.drawRoundedRect(tile, _RADIUS, _RADIUS)


def _outline(painter: QPainter, tile: QRectF) -> None:
    """A hairline, so that a picture on white has an edge."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_HAIRLINE, 1))
    painter.drawRoundedRect(tile.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)


def _cut(pixmap: QPixmap, tile: QRectF) -> QBrush:
    """A brush that covers the tile with the picture, cutting what is beyond it."""
    scale = max(tile.width() / pixmap.width(), tile.height() / pixmap.height())
    spare = QPointF(tile.width() - pixmap.width() * scale, tile.height() - pixmap.height() * scale)
    brush = QBrush(pixmap)
    left, top = tile.left() + spare.x() / 2, tile.top() + spare.y() * _UPWARD
    brush.setTransform(QTransform(scale, 0, 0, scale, left, top))
    return brush


def _paint_relevance(painter: QPainter, option: QStyleOptionViewItem, tile: QRectF, relevance: Relevance) -> None:
    """A dot in the corner of a strong hit; the others have none."""
    if relevance is not Relevance.STRONG:
        return
    dot = QRectF(tile.right() - 19, tile.top() + 9, 10, 10)
    painter.setPen(QPen(QColor("white"), 2))
    painter.setBrush(option.palette.color(QPalette.ColorRole.Highlight))
    painter.drawEllipse(dot)


def _paint_offline(painter: QPainter, option: QStyleOptionViewItem, tile: QRectF) -> None:
    """A sign in the other corner of a photo whose drive or share is away."""
    badge = QRectF(tile.left() + 8, tile.top() + 8, 26, 26)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(option.palette.color(QPalette.ColorRole.Base))
    painter.drawEllipse(badge)
    icon("folder-offline", QPalette.ColorRole.PlaceholderText).paint(painter, badge.adjusted(5, 5, -5, -5).toRect())


def _paint_judgement(painter: QPainter, option: QStyleOptionViewItem, tile: QRectF, *, is_member: bool) -> None:
    """A sign in the corner of a photo that the user put into the category shown, or took out of it."""
    role = QPalette.ColorRole
    fill, sign, name = (
        (role.Highlight, role.HighlightedText, "belongs")
        if is_member
        else (role.Base, role.PlaceholderText, "not-this")
    )
    badge = QRectF(tile.right() - 30, tile.top() + 8, 22, 22)
    painter.setPen(QPen(option.palette.color(role.Base), 1.5))
    painter.setBrush(option.palette.color(fill))
    painter.drawEllipse(badge)
    icon(name, sign).paint(painter, badge.adjusted(3, 3, -3, -3).toRect())


def _paint_name(painter: QPainter, option: QStyleOptionViewItem, tile: QRectF, path: Path) -> None:
    """The file's name over a shade at the foot of the tile."""
    shade = QLinearGradient(tile.bottomLeft() - QPointF(0, 44), tile.bottomLeft())
    shade.setColorAt(0, QColor(0, 0, 0, 0))
    shade.setColorAt(1, QColor(0, 0, 0, 190))
    outline = QPainterPath()
    outline.addRoundedRect(tile, _RADIUS, _RADIUS)
    foot = QPainterPath()
    foot.addRect(QRectF(tile.left(), tile.bottom() - 44, tile.width(), 44))
    painter.fillPath(outline.intersected(foot), shade)
    painter.setPen(QColor("white"))
    painter.setFont(option.font)
    line = tile.adjusted(10, 0, -10, -8).toRect()
    name = option.fontMetrics.elidedText(wording.one_line(path.name), Qt.TextElideMode.ElideMiddle, line.width())
    painter.drawText(QRect(line), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, name)
