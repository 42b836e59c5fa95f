# ruff: noqa: N802 - Qt's own names
"""Stock widgets as this window uses them: named, with a tool tip and an accessible name."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QSizePolicy, QToolButton, QWidget

from clipsearch.ui.icons import icon

_LEAST_TEXT_PX = 90
_AROUND_TEXT_PX = 42  # padding, and the gap between icon and text


def tool_button(icon_name: str, text: str, action: Callable[[], object], icon_px: int = 18) -> QToolButton:
    """A button that is only an icon; `text` is its tool tip and its accessible name."""
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setIconSize(QSize(icon_px, icon_px))
    button.setToolTip(text)
    button.setAccessibleName(text)
    button.clicked.connect(lambda _: action())
    return button


def push_button(icon_name: str, text: str, action: Callable[[], object]) -> QPushButton:
    """A button with an icon and a text."""
    button = QPushButton(icon(icon_name), f" {text}")  # the style puts icon and text too close together
    button.setAccessibleName(text)
    button.setIconSize(QSize(18, 18))
    button.clicked.connect(lambda _: action())
    return button


def picture(icon_name: str, icon_px: int = 18) -> QToolButton:
    """An icon that does nothing; unlike a label's pixmap it follows the palette."""
    button = QToolButton()
    button.setObjectName("picture")
    button.setIcon(icon(icon_name, QPalette.ColorRole.PlaceholderText))
    button.setIconSize(QSize(icon_px, icon_px))
    button.setFixedSize(icon_px + 2, icon_px + 2)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return button


class ElidedLabel(QLabel):
    """One line of plain text that is cut where there is too little room for it, in the middle unless told."""

    def __init__(self, text: str = "", cut: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__(text)
        self._cut = cut

    def minimumSizeHint(self) -> QSize:
        whole = super().minimumSizeHint()
        return QSize(min(whole.width(), _LEAST_TEXT_PX), whole.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        room = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._cut, room.width())
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter = QPainter(self)
        self.style().drawItemText(painter, room, flags, self.palette(), self.isEnabled(), text, self.foregroundRole())


class ElidedButton(QPushButton):
    """A button with an icon, as wide as it is made; its text is cut in the middle where there is too little room."""

    def __init__(self, icon_name: str, text: str, action: Callable[[], object]) -> None:
        super().__init__(icon(icon_name), "")
        self._whole = text
        self.setAccessibleName(text)
        self.setIconSize(QSize(18, 18))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda _: action())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - self.iconSize().width() - _AROUND_TEXT_PX
        self.setText(f" {self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room)}")


def label(text: str = "", role: str = "") -> QLabel:
    """Plain text; `role` is one of the style sheet's: title, large, muted, caption."""
    return _dressed(QLabel(text), role)


def elided_label(text: str = "", role: str = "", cut: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> QLabel:
    """Plain text, such as a file's name, that may be longer than the window is wide."""
    return _dressed(ElidedLabel(text, cut), role)


def _dressed(result: QLabel, role: str) -> QLabel:
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setProperty("role", role)
    return result


def scroll_area(body: QWidget, name: str) -> QScrollArea:
    """What scrolls `body` up and down where there is too little room; `name` is for the style sheet."""
    area = QScrollArea()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(body)
    return area


def mark(widget: QWidget, name: str, value: bool) -> None:
    """Set a property that the style sheet asks about, and dress the widget anew."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
