# ruff: noqa: N802 - Qt's own names
"""Paints a category's row, a dot, a name and a count, and lets the name be changed in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QAbstractItemModel, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories.key_caps import paint_key
from clipsearch.ui.photo_model import Index

INFO = Qt.ItemDataRole.UserRole  # CategoryInfo

_ROW_PX = 30
_DOT_PX = 10
_TEXT_PX = 24  # from the row's left edge
_RADIUS = 6


class CategoryDelegate(QStyledItemDelegate):
    """`open_id` is the category whose photos are shown, `target_id` that into which what is dragged would drop."""

    renamed = Signal(object, str)  # CategoryInfo, its new name
    ended = Signal()  # no name is being typed any more

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.open_id: int | None = None
        self.target_id: int | None = None
        self.colours: Mapping[int, QColor] = {}  # of the dots, by category
        self.digits: Mapping[int, int] = {}  # the number keys, by category
        self.kept_free_px = 0  # of the right end, instead of key and count
        self._count_px = 0  # of the widest count, so that the keys stand below each other

    @property
    def row_px(self) -> int:
        return _ROW_PX

    def measure_counts(self, infos: Iterable[CategoryInfo], metrics: QFontMetrics) -> None:
        """Keep as much room for each count as the widest needs."""
        self._count_px = max((metrics.horizontalAdvance(wording.number(info.members)) for info in infos), default=0)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(_TEXT_PX, max(_ROW_PX, option.fontMetrics.height() + 8))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        info: CategoryInfo = index.data(INFO)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_back(painter, option, info)
        _paint_dot(painter, option.rect, self.colours.get(info.category.id, QColor()))
        room = option.rect.adjusted(_TEXT_PX, 0, -8, 0)
        taken_px = self.kept_free_px
        if not taken_px:
            _paint_count(painter, option, room, info)
            taken_px = self._count_px + 8
            digit = self.digits.get(info.category.id)
            taken_px += paint_key(painter, option, room.adjusted(0, 0, -taken_px, 0), digit) if digit else 0
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        name = wording.one_line(info.name)
        text = option.fontMetrics.elidedText(name, Qt.TextElideMode.ElideRight, room.width() - taken_px)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.restore()

    def _paint_back(self, painter: QPainter, option: QStyleOptionViewItem, info: CategoryInfo) -> None:
        """Tell where the mouse is, which category is open, where a drop would go and where the keyboard is."""
        is_target = info.category.id == self.target_id
        accent = option.palette.color(QPalette.ColorRole.Highlight)
        fill = QColor(0, 0, 0, 0)
        if is_target or info.category.id == self.open_id:
            fill = QColor(accent)
            fill.setAlphaF(0.3 if is_target else 0.16)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            fill = option.palette.color(QPalette.ColorRole.Midlight)
        has_edge = is_target or bool(option.state & QStyle.StateFlag.State_HasFocus)
        painter.setPen(QPen(accent, 2 if is_target else 1) if has_edge else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(option.rect.adjusted(1, 1, -1, -1), _RADIUS, _RADIUS)

    # Renaming

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Begin with the name as it is; what the user has typed meanwhile stays, though the row may be told anew."""
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(index.data(INFO).name)
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Ask for the new name; the row changes when the category has it."""
        info: CategoryInfo = index.data(INFO)
        if isinstance(editor, QLineEdit) and (name := editor.text().strip()) not in ("", info.name):
            self.renamed.emit(info, name)

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        super().destroyEditor(editor, index)
        self.ended.emit()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(option.rect.adjusted(_TEXT_PX - 4, 1, -2, -1))


def _paint_dot(painter: QPainter, row: QRect, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(row.left() + 8, row.center().y() - _DOT_PX // 2 + 1, _DOT_PX, _DOT_PX)


def _paint_count(painter: QPainter, option: QStyleOptionViewItem, room: QRect, info: CategoryInfo) -> None:
    """Paint how many photos there are."""
    text = wording.number(info.members)
    painter.setFont(option.font)
    painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
