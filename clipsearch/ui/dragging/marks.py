# ruff: noqa: N802 - Qt's own names
"""What is painted over the tree of categories during a drag: the marks "not this", and what a drop would do."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QTreeView, QWidget

from clipsearch.ui.icons import icon

ZONE_PX = 34  # at the right end of a row

_OUT = QColor("#d64545")
_PLATE_PX = 24
_ICON_PX = 16


class DropMarks(QWidget):
    """Lies over the tree's viewport, and lets the mouse through."""

    def __init__(self, tree: QTreeView) -> None:
        super().__init__(tree)  # not of the viewport, with which it would scroll
        self._tree = tree
        self._has_zones = False
        self._row: QRect | None = None
        self._is_not_this = False
        self._words = ""
        self._is_refused = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @property
    def words(self) -> str:
        """What a drop would do, as it is shown now."""
        return self._words

    @property
    def has_zones(self) -> bool:
        """Whether each row has its mark "not this"."""
        return self._has_zones

    def show_zones(self, are_shown: bool) -> None:
        """Give each row its mark, or take them away."""
        self._has_zones = are_shown
        self._renew()

    def point(self, row: QRect | None, words: str, *, is_not_this: bool = False, is_refused: bool = False) -> None:
        """Tell beside a row (in the viewport's coordinates) what a drop would do; None: nothing is pointed at."""
        self._row, self._words, self._is_not_this, self._is_refused = row, words, is_not_this, is_refused
        self._renew()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._has_zones:
            for row in self._rows():
                self._paint_zone(painter, row, is_aimed=self._is_not_this and row == self._row)
        if self._row is not None and self._words:
            self._paint_words(painter, self._row)

    def _renew(self) -> None:
        self.setGeometry(self._tree.viewport().geometry())
        self.setVisible(self._has_zones or self._row is not None)
        self.raise_()
        self.update()

    def _rows(self) -> Iterator[QRect]:
        """The rows in sight, as wide as the tree."""
        index = self._tree.indexAt(QPoint(self._tree.viewport().width() // 2, 1))
        while index.isValid() and (row := row_of(self._tree, index)).top() < self.height():
            yield row
            index = self._tree.indexBelow(index)

    def _paint_zone(self, painter: QPainter, row: QRect, *, is_aimed: bool) -> None:
        zone = zone_of(row)
        plate = QRectF(0, 0, _PLATE_PX, _PLATE_PX)
        plate.moveCenter(QRectF(zone).center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Window))
        painter.drawRect(zone.adjusted(0, 3, -3, -3))
        painter.setBrush(_OUT if is_aimed else self.palette().color(QPalette.ColorRole.Base))
        painter.drawEllipse(plate)
        sign = QRect(0, 0, _ICON_PX, _ICON_PX)
        sign.moveCenter(zone.center())
        role = QPalette.ColorRole.Base if is_aimed else QPalette.ColorRole.PlaceholderText
        icon("not-this", role).paint(painter, sign)

    def _paint_words(self, painter: QPainter, row: QRect) -> None:
        font = QFont(self.font())
        font.setBold(True)
        metrics = QFontMetrics(font)
        text = metrics.elidedText(self._words, Qt.TextElideMode.ElideMiddle, self.width() - 24)
        plate = QRect(QPoint(0, 0), QSize(metrics.horizontalAdvance(text) + 18, metrics.height() + 8))
        has_room_below = row.bottom() + plate.height() < self.height()
        plate.moveTopRight(QPoint(self.width() - 3, row.bottom() + 2))
        if not has_room_below:
            plate.moveBottom(row.top() - 2)
        is_out = self._is_refused or self._is_not_this
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_OUT if is_out else self.palette().color(QPalette.ColorRole.Highlight))
        painter.drawRoundedRect(plate, 6, 6)
        painter.setPen(QColor("white") if is_out else self.palette().color(QPalette.ColorRole.HighlightedText))
        painter.setFont(font)
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def row_of(tree: QTreeView, index: QModelIndex) -> QRect:
    """The row of an index in the viewport, as wide as that."""
    row = tree.visualRect(index)
    return QRect(0, row.top(), tree.viewport().width(), row.height())


def zone_of(row: QRect) -> QRect:
    """Where the mark "not this" lies in a row."""
    return row.adjusted(row.width() - ZONE_PX, 0, 0, 0)
