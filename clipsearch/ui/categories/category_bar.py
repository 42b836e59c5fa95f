"""The row of buttons over a category's photos: judge the chosen ones, teach, change."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from clipsearch.ui.photo_grid import PhotoGrid
from clipsearch.ui.widgets import push_button


class CategoryBar(QWidget):
    """`judged` carries the ids of the photos chosen in the grid and what the user says of them."""

    judged = Signal(list, bool)  # photo ids, whether they belong
    teach_wanted = Signal()
    edit_wanted = Signal()

    def __init__(self, grid: PhotoGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = grid
        self._is_editable = True
        self._reject = push_button("not-this", self.tr("Not this"), lambda: self._judge(is_member=False))
        self._accept = push_button("belongs", self.tr("Belongs here"), lambda: self._judge(is_member=True))
        self._teach = push_button("teach", self.tr("Teach…"), self.teach_wanted.emit)
        self._edit = push_button("edit", self.tr("Edit…"), self.edit_wanted.emit)
        self._reject.setToolTip(self.tr("The chosen photos do not belong here, and never come back by themselves"))
        self._accept.setToolTip(self.tr("The chosen photos belong here, whatever the model thinks"))
        self._teach.setToolTip(self.tr("Judge the ten photos that would teach most"))
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 18, 8)
        row.setSpacing(8)
        for button in self._buttons:
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the photos
            row.addWidget(button)
        row.addStretch(1)
        grid.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        grid.model().modelReset.connect(self._offer)
        self.hide()
        self.set_editable(True)

    def set_editable(self, is_editable: bool, why: str = "") -> None:
        """Let the buttons work, or say why they do not."""
        self._is_editable = is_editable
        self._teach.setEnabled(is_editable)
        self._edit.setEnabled(is_editable)
        self.setToolTip(why)
        self._offer()

    def chosen_ids(self) -> list[int]:
        """Return the ids of the photos chosen in the grid."""
        return self._grid.selected_ids()

    @property
    def _buttons(self) -> tuple[QPushButton, ...]:
        return self._reject, self._accept, self._teach, self._edit

    def _offer(self) -> None:
        is_any = self._is_editable and self._grid.selectionModel().hasSelection()
        self._reject.setEnabled(is_any)
        self._accept.setEnabled(is_any)

    def _judge(self, *, is_member: bool) -> None:
        self.judged.emit(self.chosen_ids(), is_member)
