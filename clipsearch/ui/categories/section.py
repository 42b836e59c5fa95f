# ruff: noqa: N802 - Qt's own names
"""The sidebar's section of categories: a heading with a button to invent one, a line to filter by, and the tree."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clipsearch.records import CategoryInfo
from clipsearch.ui.categories.tree import CategoryTree
from clipsearch.ui.line import Line
from clipsearch.ui.widgets import label, tool_button

_MANY = 15  # categories from which on a line to filter by is worth its room
_FOLDED_KEY = "folded_categories"


class CategorySection(QWidget):
    """Lists the categories, or says what they are good for while there are none."""

    invent_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = CategoryTree()
        self._store: QSettings | None = None
        self._add = tool_button("add", self.tr("Invent a category"), self.invent_wanted.emit, 16)
        self._filter = _FilterLine()
        self._filter.setObjectName("categoryFilter")
        self._filter.setPlaceholderText(self.tr("Filter"))
        self._filter.setAccessibleName(self.tr("Filter the categories by name"))
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self.tree.show_only)
        self._filter.returnPressed.connect(self.tree.setFocus)
        self._hint = label(self.tr("Sort photos by what is in them: type a name, and they gather."), "muted")
        self._hint.setWordWrap(True)
        self.tree.folded_changed.connect(self._keep_folded)
        self._lay_out()
        self.show_categories([], is_read_only=False)

    @property
    def tab_order(self) -> tuple[QWidget, ...]:
        """What Tab reaches, from top to bottom."""
        return self._add, self._filter, self.tree

    def show_categories(self, infos: Sequence[CategoryInfo], is_read_only: bool) -> None:
        """List these."""
        self.tree.show_categories(infos, are_editable=not is_read_only)
        self._add.setEnabled(not is_read_only)
        tip = self.tr("This library may not be written") if is_read_only else self.tr("Invent a category")
        self._add.setToolTip(tip)
        self.tree.setVisible(bool(infos))
        self._hint.setVisible(not infos)
        is_long = len(infos) >= _MANY
        self._filter.setVisible(is_long)
        if not is_long:
            self._filter.clear()

    def restore(self, store: QSettings) -> None:
        """Fold what was folded last time, and keep in `store` what is from now on."""
        stored = str(store.value(_FOLDED_KEY, ""))
        self.tree.fold({int(part) for part in stored.split(",") if part.isdecimal()})
        self._store = store

    def _keep_folded(self) -> None:
        if self._store is not None:
            self._store.setValue(_FOLDED_KEY, ",".join(str(id_) for id_ in sorted(self.tree.folded)))

    def _lay_out(self) -> None:
        caption = label(self.tr("Categories"), "caption")
        head = QHBoxLayout()
        head.setContentsMargins(12, 0, 4, 0)
        head.addWidget(caption, 1)
        head.addWidget(self._add)
        self._hint.setContentsMargins(12, 0, 8, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._filter)
        column.addWidget(self.tree)
        column.addWidget(self._hint)


class _FilterLine(Line):
    """Escape clears it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
        else:
            super().keyPressEvent(event)
