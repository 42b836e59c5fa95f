# ruff: noqa: N802 - Qt's own names
"""The fields of the panel in which a category is changed; each tells by `edited` that the user has changed it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QPlainTextEdit

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories.colours import COLOURS, colours_of

_LINES = 3


class LinesField(QPlainTextEdit):
    """Short texts, one a line; Tab goes on to the next field."""

    edited = Signal()

    def __init__(self, hint: str) -> None:
        super().__init__()
        self.setObjectName("field")
        self.setPlaceholderText(hint)
        self.setTabChangesFocus(True)
        self.is_touched = False
        self._is_filling = False
        self.textChanged.connect(self._on_changed)
        margins = self.contentsMargins()
        frame = 2 * (self.frameWidth() + int(self.document().documentMargin())) + margins.top() + margins.bottom()
        self.setFixedHeight(_LINES * self.fontMetrics().lineSpacing() + frame)

    @property
    def lines(self) -> tuple[str, ...]:
        """The texts, each but once."""
        texts = (" ".join(line.split()) for line in self.toPlainText().splitlines())
        return tuple(dict.fromkeys(text for text in texts if text))

    def show_lines(self, lines: Iterable[str]) -> None:
        """Let these be the texts; the user has not touched them."""
        self._is_filling = True
        self.setPlainText("\n".join(lines))
        self._is_filling = False
        self.is_touched = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()  # it is the panel's
        else:
            super().keyPressEvent(event)

    def _on_changed(self) -> None:
        if not self._is_filling:
            self.is_touched = bool(self.lines)
            self.edited.emit()


class _Choice(QComboBox):
    """One of several; without the wheel, which is meant for the panel."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(lambda _: self.edited.emit())

    def choose(self, value: object) -> None:
        self.setCurrentIndex(max(0, self.findData(value)))


class TemplatesField(_Choice):
    """Which set of templates the prompts are put into."""

    def offer(self, names: Sequence[str], chosen: str) -> None:
        self.clear()
        self.addItem(self.tr("As suits the model"), "")
        for name in dict.fromkeys([*names, *([chosen] if chosen else [])]):
            self.addItem(name, name)
        self.choose(chosen)

    @property
    def chosen(self) -> str:
        return str(self.currentData() or "")


class GroupField(_Choice):
    """The group of which a photo is in one category only; a new name makes a new group."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setToolTip(self.tr("Categories of one group exclude each other, such as seasons"))
        self.editTextChanged.connect(lambda _: self.edited.emit())

    def offer(self, names: Iterable[str], chosen: str) -> None:
        self.clear()
        self.addItem("")
        self.addItems(sorted({name for name in names if name}))
        self.setEditText(chosen)
        line = self.lineEdit()
        if line is not None:
            line.setPlaceholderText(self.tr("No group"))

    @property
    def chosen(self) -> str:
        return self.currentText().strip()


class ParentField(_Choice):
    """The category around this one; those inside it cannot be."""

    def offer(self, infos: Sequence[CategoryInfo], category: Category) -> None:
        self.clear()
        self.addItem(self.tr("No other category"), None)
        colours = colours_of(info.category for info in infos)
        inside = _inside(infos, category.id) if category.id else set()
        for info in sorted(infos, key=lambda info: info.name.casefold()):
            if info.category.id not in inside:
                colour = dot_icon(colours[info.category.id])
                self.addItem(colour, wording.one_line(info.name), info.category.id)
        self.choose(category.parent_id)

    @property
    def chosen(self) -> int | None:
        value = self.currentData()
        return int(value) if value is not None else None


class ColourField(_Choice):
    """The colour of the dot; the names are for those who do not see it."""

    def offer(self, infos: Sequence[CategoryInfo], category: Category) -> None:
        self.clear()
        names = (
            self.tr("Red"),
            self.tr("Orange"),
            self.tr("Yellow"),
            self.tr("Light green"),
            self.tr("Green"),
            self.tr("Teal"),
            self.tr("Blue"),
            self.tr("Indigo"),
            self.tr("Violet"),
            self.tr("Purple"),
            self.tr("Pink"),
            self.tr("Brown"),
        )
        others = [info.category for info in infos if info.category.id != category.id]
        usual = colours_of([*others, replace(category, colour="")])[category.id]
        self.addItem(dot_icon(usual) if category.id else QIcon(), self.tr("Automatic"), "")
        for name, value in zip(names, COLOURS, strict=True):
            self.addItem(dot_icon(QColor(value)), name, value)
        if category.colour and category.colour not in COLOURS:
            self.addItem(dot_icon(QColor(category.colour)), category.colour, category.colour)
        self.choose(category.colour)

    @property
    def chosen(self) -> str:
        return str(self.currentData() or "")


def dot_icon(colour: QColor) -> QIcon:
    """A dot, as it stands before a category's name."""
    pixmap = QPixmap(QSize(16, 16))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(3, 3, 10, 10)
    painter.end()
    return QIcon(pixmap)


def _inside(infos: Sequence[CategoryInfo], category_id: int) -> set[int]:
    """Return the ids of a category and all in it."""
    inside = {category_id}
    while more := {one.category.id for one in infos if one.category.parent_id in inside} - inside:
        inside |= more
    return inside
