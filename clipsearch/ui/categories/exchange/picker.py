"""A list of names with a box to tick for each."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

_MOST_ROWS, _ROW_PX = 7, 26
_KEY = Qt.ItemDataRole.UserRole


class Picker(QListWidget):
    """Emits `changed` whenever others are ticked."""

    changed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picker")
        self.setAccessibleName(name)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.itemChanged.connect(lambda _: self.changed.emit())

    def show_rows(self, rows: Iterable[tuple[int, str]], are_ticked: bool = True) -> None:
        """List these: a key, and what it is called."""
        self.blockSignals(True)
        self.clear()
        for key, text in rows:
            item = QListWidgetItem(text)
            item.setData(_KEY, key)
            item.setSizeHint(QSize(0, _ROW_PX))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if are_ticked else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.blockSignals(False)
        self.setFixedHeight(_ROW_PX * max(2, min(_MOST_ROWS, self.count())) + 6)
        self.changed.emit()

    def tick_only(self, keys: Iterable[int]) -> None:
        """Tick these, and no other."""
        wanted = set(keys)
        self.blockSignals(True)
        for item in self._items():
            item.setCheckState(Qt.CheckState.Checked if item.data(_KEY) in wanted else Qt.CheckState.Unchecked)
        self.blockSignals(False)
        self.changed.emit()

    @property
    def ticked(self) -> list[int]:
        """The keys of those that are ticked, in order."""
        return [item.data(_KEY) for item in self._items() if item.checkState() is Qt.CheckState.Checked]

    def _items(self) -> list[QListWidgetItem]:
        return [self.item(row) for row in range(self.count())]
