"""Failures and offers, told inside the window until they are closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from clipsearch.errors import DamagedCatalogError
from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import label, mark, push_button, tool_button


class MessageBar(QFrame):
    """One message at a time, the latest; some come with a button: to try again, to repair the library, or an offer."""

    retry_wanted = Signal()
    repair_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self._icon = QLabel()
        self._text = label()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._retry = push_button("refresh", self.tr("Try again"), self._on_retry)
        self._repair = push_button("refresh", self.tr("Repair"), self._on_repair)
        self._offer = QPushButton(self.tr("Answer"))
        self._offer.clicked.connect(lambda _: self._on_offer_taken())
        self._offered: Callable[[], object] | None = None
        self._failure: BaseException | None = None  # what is told, if that is one
        self._close = tool_button("close", self.tr("Close this message"), self.hide, 16)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        for button in (self._retry, self._repair, self._offer, self._close):
            layout.addWidget(button)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_failure(self, error: BaseException, can_retry: bool = False) -> None:
        """Tell what went wrong."""
        self._show("warning", wording.failure(error), is_failure=True)
        self._failure = error
        self._retry.setVisible(can_retry)
        self._repair.setVisible(isinstance(error, DamagedCatalogError))

    def withdraw(self, error: BaseException) -> None:
        """Tell no more of this failure, if it is the one that is told: what failed has worked since."""
        if error is self._failure:
            self.hide()

    def show_text(self, text: str) -> None:
        """Tell what has been done."""
        self._show("info", wording.one_line(text))

    def offer(self, text: str, button: str, action: Callable[[], object]) -> None:
        """Tell something that `button` is an answer to: it calls `action`."""
        self._show("info", wording.one_line(text))
        self._offered = action
        self._offer.setText(button)
        self._offer.setAccessibleName(button)
        self._offer.show()

    def _show(self, symbol: str, text: str, *, is_failure: bool = False) -> None:
        for button in (self._retry, self._repair, self._offer):
            button.hide()
        self._failure = None
        mark(self, "failure", is_failure)
        self._icon.setPixmap(icon(symbol).pixmap(QSize(18, 18), self.devicePixelRatioF()))
        self._text.setText(text)
        self.setAccessibleName(text)
        self.show()

    def _on_offer_taken(self) -> None:
        action, self._offered = self._offered, None
        self.hide()
        if action is not None:
            action()

    def _on_retry(self) -> None:
        self.hide()
        self.retry_wanted.emit()

    def _on_repair(self) -> None:
        self.hide()
        self.repair_wanted.emit()
