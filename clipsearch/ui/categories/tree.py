# ruff: noqa: N802 - Qt's own names
"""The tree of categories in the sidebar: a stock tree whose rows are a coloured dot, a name and a count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QWidget,
)

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.colours import colours_of
from clipsearch.ui.categories.tree_delegate import INFO, CategoryDelegate

_INDENT_PX = 16


class CategoryTree(QTreeWidget):
    """Shows categories nested as they are. A click or Enter chooses one, F2 renames it, Delete removes it.

    The one that is `mark`ed as open stays so while the keyboard or a menu is at another.
    Dragging is done from outside: `category_at` tells what is under the mouse, `highlight` shows where a drop would
    go, and `drag_started` is called when the user drags a category.
    """

    chosen = Signal(object)  # CategoryInfo
    renamed = Signal(object, str)  # CategoryInfo, its new name
    remove_wanted = Signal(object)  # CategoryInfo
    menu_wanted = Signal(object, QPoint)  # CategoryInfo and where, in global coordinates
    folded_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drag_started: Callable[[int], None] | None = None
        self._items: dict[int, QTreeWidgetItem] = {}
        self._folded: set[int] = set()
        self._waiting: tuple[Sequence[CategoryInfo], bool] | None = None  # what to show once a name is typed
        self._filter = ""
        self._delegate = CategoryDelegate(self)
        self._delegate.renamed.connect(self.renamed)
        self._delegate.ended.connect(self._on_name_typed, Qt.ConnectionType.QueuedConnection)
        self.setItemDelegate(self._delegate)
        self._set_up()

    def _set_up(self) -> None:
        self.setObjectName("categoryTree")
        self.setAccessibleName(self.tr("Categories"))
        self.setHeaderHidden(True)
        self.setIndentation(_INDENT_PX)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setExpandsOnDoubleClick(False)
        self.setDragEnabled(True)
        self.itemClicked.connect(lambda item, _: self.chosen.emit(_info(item)))
        self.itemExpanded.connect(lambda item: self._on_folded(item, is_folded=False))
        self.itemCollapsed.connect(lambda item: self._on_folded(item, is_folded=True))

    # What to show

    def show_categories(self, infos: Sequence[CategoryInfo], are_editable: bool) -> None:
        """Show these categories; where only numbers are new, nothing moves.

        While a name is being typed, rows come and go only after it.
        """
        self._waiting = None
        self._delegate.colours = colours_of(info.category for info in infos)
        self._delegate.measure_counts(infos, self.fontMetrics())
        if self._shape(self._infos()) == self._shape(infos):
            for info in infos:
                _dress(self._items[info.category.id], info, are_editable)
            return
        if self._is_editing:
            self._waiting = (infos, are_editable)
            return
        current, place = self.current_id, self.verticalScrollBar().value()
        self.blockSignals(True)
        self._fill(infos, are_editable)
        self.blockSignals(False)
        self.show_only(self._filter)
        self._go_to(current)
        self.verticalScrollBar().setValue(place)

    def show_keys(self, digits: Mapping[int, int]) -> None:
        """Show beside the categories the number keys that put photos into them."""
        self._delegate.digits = digits
        self.viewport().update()

    def mark(self, category_id: int | None) -> None:
        """Show which category is open, and let the keyboard be at it; None: none is."""
        self._show_open(category_id)
        self._go_to(category_id)

    def rename(self, category_id: int) -> None:
        """Let the user change the name of a category in its place."""
        if category_id in self._items:
            self.editItem(self._items[category_id])

    def show_only(self, words: str) -> None:
        """Show only the categories whose name contains `words`, and those around them."""
        self._filter = words.strip().casefold()
        for item in _inner(self.invisibleRootItem()):
            self._hide_others(item)

    def keep_free(self, room_px: int) -> None:
        """Leave the rows' right ends to something else, while something is dragged; 0: to their counts again."""
        self._delegate.kept_free_px = room_px
        self.viewport().update()

    def highlight(self, category_id: int | None) -> None:
        """Show that what is dragged would drop into this category."""
        self._delegate.target_id = category_id
        self.viewport().update()

    # What is shown

    def category_at(self, place: QPoint) -> CategoryInfo | None:
        """Return the category at a place of the viewport."""
        item = self.itemAt(place)
        return _info(item) if item is not None else None

    @property
    def current(self) -> CategoryInfo | None:
        item = self.currentItem()
        return _info(item) if item is not None else None

    @property
    def current_id(self) -> int | None:
        return self.current.category.id if self.current else None

    @property
    def folded(self) -> Collection[int]:
        """The ids of the categories whose inner ones are hidden."""
        return frozenset(self._folded)

    def fold(self, category_ids: Collection[int]) -> None:
        """Hide what is nested in these categories."""
        self._folded = set(category_ids)
        for category_id, item in self._items.items():
            item.setExpanded(category_id not in self._folded)

    # Events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        info, is_plain = self.current, not event.modifiers() or event.modifiers() == Qt.KeyboardModifier.KeypadModifier
        if info is None or not is_plain or self._is_editing:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(info)
        elif event.key() == Qt.Key.Key_Delete:
            self.remove_wanted.emit(info)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        item = self.currentItem() if by_key else self.itemAt(event.pos())
        if item is not None:
            place = self.visualItemRect(item).center() if by_key else event.pos()
            self.menu_wanted.emit(_info(item), self.viewport().mapToGlobal(place))

    def startDrag(self, actions: Qt.DropAction) -> None:
        if self.drag_started is not None and self.current_id is not None:
            self.drag_started(self.current_id)

    def sizeHint(self) -> QSize:
        rows = sum(1 for _ in self._all_items())
        return QSize(super().sizeHint().width(), rows * self._delegate.row_px + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 2 * self._delegate.row_px)

    # Inside

    @property
    def _is_editing(self) -> bool:
        return self.state() == QAbstractItemView.State.EditingState

    def _on_name_typed(self) -> None:
        if self._waiting is not None:
            self.show_categories(*self._waiting)

    def _go_to(self, category_id: int | None) -> None:
        item = self._items.get(category_id) if category_id is not None else None
        if item is not None:
            self.setCurrentItem(item)
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())

    def _show_open(self, category_id: int | None) -> None:
        self._delegate.open_id = category_id
        self.viewport().update()

    def _fill(self, infos: Sequence[CategoryInfo], are_editable: bool) -> None:
        self.clear()
        self._items = {info.category.id: QTreeWidgetItem() for info in infos}
        for info in _by_name(infos):
            _dress(self._items[info.category.id], info, are_editable)
            outer = self._items.get(info.category.parent_id or 0)
            if outer is not None:
                outer.addChild(self._items[info.category.id])
            else:
                self.addTopLevelItem(self._items[info.category.id])
        self.fold(self._folded)
        self.updateGeometry()

    def _hide_others(self, item: QTreeWidgetItem) -> bool:
        """Hide an item unless it, or one in it, is looked for; return whether it is shown."""
        inner = [self._hide_others(one) for one in _inner(item)]
        is_shown = any(inner) or self._filter in _info(item).name.casefold()
        item.setHidden(not is_shown)
        if self._filter and any(inner):
            self._unfold_quietly(item)
        elif not self._filter:
            item.setExpanded(_info(item).category.id not in self._folded)
        return is_shown

    def _unfold_quietly(self, item: QTreeWidgetItem) -> None:
        """Show what is found in a folded category, and remember that it is folded."""
        self.blockSignals(True)
        item.setExpanded(True)
        self.blockSignals(False)

    def _on_folded(self, item: QTreeWidgetItem, *, is_folded: bool) -> None:
        if not self._filter:
            (self._folded.add if is_folded else self._folded.discard)(_info(item).category.id)
            self.folded_changed.emit()

    def _infos(self) -> list[CategoryInfo]:
        return [_info(item) for item in self._items.values()]

    def _all_items(self) -> Iterator[QTreeWidgetItem]:
        walk = QTreeWidgetItemIterator(self)
        while (item := walk.value()) is not None:
            yield item
            walk += 1

    @staticmethod
    def _shape(infos: Sequence[CategoryInfo]) -> list[tuple[int, str, int | None]]:
        """What the order and nesting of the rows depends on."""
        return [(info.category.id, info.name, info.category.parent_id) for info in infos]


def _inner(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    children = (item.child(number) for number in range(item.childCount()))
    return [child for child in children if child is not None]


def _info(item: QTreeWidgetItem) -> CategoryInfo:
    info: CategoryInfo = item.data(0, INFO)
    return info


def _dress(item: QTreeWidgetItem, info: CategoryInfo, is_editable: bool) -> None:
    text = ", ".join([wording.one_line(info.name), sentences.counts(info)])
    item.setData(0, INFO, info)
    item.setText(0, info.name)
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, text)
    parts = [wording.one_line(info.name), sentences.counts(info), sentences.precision(info)]
    item.setToolTip(0, "\n".join(part for part in parts if part))
    flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
    item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if is_editable else flags)


def _by_name(infos: Sequence[CategoryInfo]) -> list[CategoryInfo]:
    return sorted(infos, key=lambda info: _sort_key(info.name))


def _sort_key(name: str) -> list[str | int]:
    """Sort as people do: "9" before "10", "ä" beside "a"."""
    letters = "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one))
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", letters)]
