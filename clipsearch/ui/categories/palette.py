# ruff: noqa: N802 - Qt's own names
"""The palette: type a few letters of a category, and Enter puts the chosen photos into it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories import places
from clipsearch.ui.categories.colours import colours_of
from clipsearch.ui.categories.key_caps import paint_key
from clipsearch.ui.icons import icon
from clipsearch.ui.photo_model import Index
from clipsearch.ui.widgets import label

_WIDTH_PX, _ROW_PX, _ROWS = 420, 32, 9
_ICON_PX = QSize(14, 14)
_BESIDE_NAME_PX = 80  # dot, number key and what lies between
_ID = Qt.ItemDataRole.UserRole  # of the category; None: a new one is to be made
_DIGIT = Qt.ItemDataRole.UserRole + 1  # the number key of the category; None: it has none


class _Rows(QStyledItemDelegate):
    """A category's row has its number key at the right end."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        room_px = option.rect.width() - _BESIDE_NAME_PX
        option.text = option.fontMetrics.elidedText(option.text, Qt.TextElideMode.ElideMiddle, room_px)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        if digit := index.data(_DIGIT):
            paint_key(painter, option, option.rect.adjusted(0, 0, -10, 0), digit)


class Palette(QDialog):
    """Lists the categories that fit what is typed, the best first; a name that none has makes a new one."""

    put_wanted = Signal(int)  # category id
    take_out_wanted = Signal(int)  # category id
    new_wanted = Signal(str)  # name

    def __init__(
        self,
        infos: Sequence[CategoryInfo],
        digits: Mapping[int, int],
        photo_count: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self._infos = infos
        self._names = places.full_names(infos)
        self._colours = colours_of(info.category for info in infos)
        self._digits = digits
        self.line = QLineEdit()
        self.rows = QListWidget()
        self._set_up(photo_count)
        self._fill("")

    def open_over(self, widget: QWidget) -> None:
        """Show over the upper middle of a widget, and take the keyboard."""
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        middle = widget.mapToGlobal(QPoint((widget.width() - _WIDTH_PX) // 2, widget.height() // 8))
        self.move(middle)
        self.show()
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the keys that are about the list reach it, while the line has the keyboard."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.rows.currentItem(), out=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
                return True
            if key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
                QApplication.sendEvent(self.rows, event)
                return True
        return super().eventFilter(watched, event)

    def _set_up(self, photo_count: int) -> None:
        text = self.tr("Put %Ln photos into…", "", photo_count)
        self.setAccessibleName(text)
        self.line.setObjectName("paletteLine")
        self.line.setPlaceholderText(text)
        self.line.setAccessibleName(text)
        self.line.textChanged.connect(self._fill)
        self.line.installEventFilter(self)
        self.rows.setObjectName("paletteRows")
        self.rows.setItemDelegate(_Rows(self.rows))
        self.rows.setAccessibleName(self.tr("Categories"))
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setIconSize(_ICON_PX)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.rows.itemClicked.connect(lambda item: self._take(item, out=False))
        hint = label(self.tr("Enter puts in · Shift+Enter: not this · Esc closes"), "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        for widget in (self.line, self.rows, hint):
            column.addWidget(widget)
        self.setFixedWidth(_WIDTH_PX)

    def _fill(self, words: str) -> None:
        self.rows.clear()
        for info in fitting(self._infos, words):
            self.rows.addItem(self._row(info))
        name = words.strip()
        if name and _letters(name) not in {_letters(info.name) for info in self._infos}:
            row = QListWidgetItem(
                _untinted(icon("add").pixmap(_ICON_PX, self.devicePixelRatioF())),
                self.tr("New category “{name}”").format(name=wording.one_line(name)),
            )
            row.setSizeHint(QSize(0, _ROW_PX))
            self.rows.addItem(row)
        self.rows.setCurrentRow(0)
        self.rows.setFixedHeight(_ROW_PX * max(1, min(_ROWS, self.rows.count())) + 4)
        self.adjustSize()

    def _row(self, info: CategoryInfo) -> QListWidgetItem:
        category_id = info.category.id
        name, digit = self._names[category_id], self._digits.get(category_id)
        row = QListWidgetItem(_dot(self._colours[category_id]), name)
        row.setData(_ID, category_id)
        row.setData(_DIGIT, digit)
        row.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}, {digit}" if digit else name)
        row.setSizeHint(QSize(0, _ROW_PX))
        return row

    def _take(self, row: QListWidgetItem | None, *, out: bool) -> None:
        if row is None:
            return
        category_id = row.data(_ID)
        if category_id is not None:
            (self.take_out_wanted if out else self.put_wanted).emit(category_id)
        elif not out:
            self.new_wanted.emit(self.line.text().strip())
        else:
            return  # nothing can be taken out of a category that is not there
        self.close()


def fitting(infos: Sequence[CategoryInfo], words: str) -> list[CategoryInfo]:
    """Return the categories whose name holds `words`: those that begin with them, with a word of it, then the rest."""
    wanted = _letters(words)
    ranked = [(_rank(_letters(info.name), wanted), info) for info in infos]
    return [info for rank, info in sorted(ranked, key=lambda pair: pair[0]) if rank < 3]


def _rank(name: str, wanted: str) -> int:
    if name.startswith(wanted):
        return 0
    if any(word.startswith(wanted) for word in name.split()):
        return 1
    return 2 if wanted in name else 3


def _letters(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()


def _dot(colour: QColor) -> QIcon:
    pixmap = QPixmap(28, 28)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(4, 4, 20, 20)
    painter.end()
    return _untinted(pixmap)


def _untinted(pixmap: QPixmap) -> QIcon:
    """An icon that stays as it is where its row is chosen."""
    result = QIcon(pixmap)
    result.addPixmap(pixmap, QIcon.Mode.Selected)
    return result
