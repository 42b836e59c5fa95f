# ruff: noqa: N802 - Qt's own names
"""What is shown over the tree of categories during a drag: the marks "not this", and what a drop would do."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QWidget

from clipsearch.ui.categories.tree import CategoryTree
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import mark

ZONE_PX = 38  # at the right end of a row

_OUT = QColor("#d64545")
_PLATE_PX = 24
_ICON_PX = 16
_LEAST_WORDS_PX = 160


class DropMarks(QWidget):
    """Lies over the tree's viewport, and lets the mouse through."""

    def __init__(self, tree: CategoryTree) -> None:
        super().__init__(tree)  # not of the viewport, with which it would scroll
        self._tree = tree
        self._has_zones = False
        self._aimed: QRect | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @property
    def has_zones(self) -> bool:
        """Whether each row has its mark "not this"."""
        return self._has_zones

    def show_zones(self, are_shown: bool) -> None:
        """Give each row its mark, or take them away."""
        self._has_zones = are_shown
        self._tree.keep_free(ZONE_PX if are_shown else 0)
        self.setGeometry(self._tree.viewport().geometry())
        self.setVisible(are_shown)
        self.raise_()

    def aim(self, row: QRect | None) -> None:
        """Show that a drop would be on the mark of this row (in the viewport's coordinates); None: on that of none."""
        self._aimed = row
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in self._rows():
            self._paint_zone(painter, row, is_aimed=row == self._aimed)

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
        painter.setBrush(_OUT if is_aimed else self.palette().color(QPalette.ColorRole.Base))
        painter.drawEllipse(plate)
        sign = QRect(0, 0, _ICON_PX, _ICON_PX)
        sign.moveCenter(zone.center())
        role = QPalette.ColorRole.Base if is_aimed else QPalette.ColorRole.PlaceholderText
        icon("not-this", role).paint(painter, sign)


class DropWords(QLabel):
    """A few words on what a drop would do, over the place that they are about; what is dragged hangs below it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setObjectName("dropWords")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def tell(self, words: str, place: QRect, *, is_against: bool = False) -> None:
        """Show words over a place of the widget; those against it (out of, or not possible) in another colour."""
        self.setParent(self._over.window())  # there is room for it beyond the widget
        mark(self, "against", is_against)
        room = max(_LEAST_WORDS_PX, place.width())
        self.setText(self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room))
        self.setAccessibleName(words)
        self.adjustSize()
        corner = self._over.mapTo(self.window(), place.topRight())
        self.move(max(2, corner.x() - self.width()), max(2, corner.y() - self.height() - 1))
        self.show()
        self.raise_()

    def hush(self) -> None:
        """Say nothing."""
        self.setText("")
        self.hide()


def row_of(tree: CategoryTree, index: QModelIndex) -> QRect:
    """The row of an index in the viewport, as wide as that."""
    row = tree.visualRect(index)
    return QRect(0, row.top(), tree.viewport().width(), row.height())


def zone_of(row: QRect) -> QRect:
    """Where the mark "not this" lies in a row."""
    return row.adjusted(row.width() - ZONE_PX, 0, 0, 0)
