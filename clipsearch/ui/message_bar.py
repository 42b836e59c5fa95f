"""Failures, told inside the window until they are closed."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import label, push_button, tool_button


class MessageBar(QFrame):
    """One failure at a time, the latest; some come with a button to try again."""

    retry_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self._icon = QLabel()
        self._text = label()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._retry = push_button("refresh", self.tr("Try again"), self._on_retry)
        self._close = tool_button("close", self.tr("Close this message"), self.hide, 16)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._retry)
        layout.addWidget(self._close)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_failure(self, error: BaseException, can_retry: bool = False) -> None:
        """Tell what went wrong."""
        text = wording.failure(error)
        self._icon.setPixmap(icon("warning").pixmap(QSize(18, 18), self.devicePixelRatioF()))
        self._text.setText(text)
        self.setAccessibleName(text)
        self._retry.setVisible(can_retry)
        self.show()

    def _on_retry(self) -> None:
        self.hide()
        self.retry_wanted.emit()
