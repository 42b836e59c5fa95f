"""Messages inside the window: news that goes away by itself, failures that stay until they are closed."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import label, tool_button

_NEWS_MS = 6_000


class MessageBar(QFrame):
    """One message at a time, the latest; a failure is not pushed away by news."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self._icon = QLabel()
        self._text = label()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = tool_button("close", self.tr("Close this message"), self.hide, 16)
        self._timer = QTimer(self, singleShot=True, interval=_NEWS_MS)
        self._timer.timeout.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._close)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_news(self, text: str) -> None:
        """Tell something for a few seconds."""
        if not self.isHidden() and self.property("kind") == "alarm":
            return
        self._show("news", "info", text)
        self._timer.start()

    def show_failure(self, error: BaseException) -> None:
        """Tell what went wrong, until the user closes it."""
        self._timer.stop()
        self._show("alarm", "warning", wording.failure(error))

    def _show(self, kind: str, icon_name: str, text: str) -> None:
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._icon.setPixmap(icon(icon_name).pixmap(QSize(18, 18), self.devicePixelRatioF()))
        self._text.setText(text)
        self.setAccessibleName(text)
        self.show()
