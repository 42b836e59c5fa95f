# ruff: noqa: N802 - Qt's own names
"""What stands in the middle of the window when there are no photos to show."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import label

_PICTURE_PX = 72


class EmptyState(QWidget):
    """A picture, a title, a sentence and perhaps one button."""

    button_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = "photos"
        self._picture = label()
        self._title = label(role="large")
        self._text = label(role="muted")
        self._button = QPushButton()
        self._button.setProperty("primary", True)
        self._button.clicked.connect(self.button_clicked)
        self._button.hide()
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(48, 24, 48, 96)
        layout.setSpacing(10)
        layout.addStretch()
        for part in (self._picture, self._title, self._text):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            part.setWordWrap(True)
            layout.addWidget(part)
        layout.addSpacing(10)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()

    def show_text(self, icon_name: str, title: str, text: str, button: str = "") -> None:
        """Set what it says; without `button` there is none."""
        self._icon_name = icon_name
        self._title.setText(title)
        self._text.setText(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._paint_icon()

    def enter(self) -> None:
        """Take the keyboard."""
        (self if self._button.isHidden() else self._button).setFocus()

    @property
    def title(self) -> str:
        return self._title.text()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_icon()

    def _paint_icon(self) -> None:
        picture = icon(self._icon_name, QPalette.ColorRole.Dark)
        self._picture.setPixmap(picture.pixmap(QSize(_PICTURE_PX, _PICTURE_PX), self.devicePixelRatioF()))
