"""Asks what became of the photos that are missing from a folder: are they deleted, or is a drive not connected?"""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from clipsearch.records import Folder
from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import elided_label, label, push_button


class MissingNotice(QFrame):
    """One folder, why the user is asked, and the two answers."""

    forget_wanted = Signal(object)  # Folder
    update_wanted = Signal(object)  # Folder

    def __init__(self, folder: Folder, reason: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setToolTip(wording.elided_path(folder.path))
        name = wording.one_line(wording.folder_name(folder))
        self.setAccessibleName(f"{name}: {reason}")
        self._sign = QLabel()
        self._sign.setPixmap(icon("warning").pixmap(QSize(20, 20), self.devicePixelRatioF()))
        self._name = elided_label(name, "strong")
        self._reason = label(reason)
        self._reason.setWordWrap(True)
        forget = self.tr("They were deleted: forget them")
        self.forget = push_button("remove", forget, lambda: self.forget_wanted.emit(folder))
        self.retry = push_button("refresh", self.tr("Try again"), lambda: self.update_wanted.emit(folder))
        self._lay_out()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._name)
        words.addWidget(self._reason)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 12, 10)
        row.setSpacing(10)
        row.addWidget(self._sign)
        row.addLayout(words, 1)
        row.addWidget(self.forget)
        row.addWidget(self.retry)
