# ruff: noqa: N802 - Qt's own names
"""The panel beside the grid in which a category is invented or changed; the grid shows what it would hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from clipsearch.records import Category, CategoryInfo, Preview
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.editor_fields import ColourField, GroupField, LinesField, ParentField, TemplatesField
from clipsearch.ui.categories.histogram import Histogram
from clipsearch.ui.widgets import label, scroll_area, tool_button

_WIDTH_PX = 312
_USUAL_THRESHOLD = 50
_LONGEST_NAME = 100  # as in the library


class CategoryEditor(QFrame):
    """Holds one category, `category`, as the fields say. Nothing is saved before `saved`; `cancelled` forgets it."""

    edited = Signal(object)  # Category: to be previewed
    named = Signal(str)  # the name of a new one, whose prompts nobody has written: some may be suggested
    saved = Signal(object)  # Category
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("categoryEditor")
        self.setFixedWidth(_WIDTH_PX)
        self._origin = Category(0, "")
        self._percent = _USUAL_THRESHOLD  # the threshold in the beginning, rounded
        self._is_filling = False
        self._title = label(role="title")
        self._name = QLineEdit()
        self._name.setObjectName("field")
        self._name.setMaxLength(_LONGEST_NAME)
        self._taken = label(self.tr("There is a category of this name already."), "alarm")
        self._names: Collection[str] = ()  # of the other categories, which cannot be taken
        self._examples = label(role="muted")
        self._prompts = LinesField(self.tr("One description a line; without any, its name counts"))
        self._negatives = LinesField(self.tr("Such as: drawings of it"))
        self._count = label(role="muted")
        self.histogram = Histogram()
        self._templates = TemplatesField()
        self._group = GroupField()
        self._parent = ParentField()
        self._colour = ColourField()
        self._more = QPushButton(self.tr("Colour, nesting, group…"))
        self._rest = QWidget()
        self._save = QPushButton(self.tr("Save"))
        self._save.setProperty("primary", True)
        self._cancel = QPushButton(self.tr("Cancel"))
        self._lay_out()
        self._connect()
        self.hide()

    @property
    def category(self) -> Category:
        """What the fields say."""
        percent = self.histogram.value()
        return replace(
            self._origin,
            name=self._name.text().strip(),
            prompts=self._prompts.lines,
            negatives=self._negatives.lines,
            templates=self._templates.chosen,
            exclusive_group=self._group.chosen,
            parent_id=self._parent.chosen,
            threshold=self._origin.threshold if percent == self._percent else percent / 100,
            colour=self._colour.chosen,
        )

    def open(
        self, category: Category, infos: Sequence[CategoryInfo], template_sets: Sequence[str], example_count: int = 0
    ) -> None:
        """Begin to change a category, or to invent one (the id 0) with so many first photos; `infos` are all."""
        self._is_filling = True
        self._origin = category
        self._names = {info.name.casefold() for info in infos if info.category.id != category.id}
        self._title.setText(self.tr("Edit category") if category.id else self.tr("New category"))
        self._save.setText(self.tr("Save") if category.id else self.tr("Create"))
        self._name.setText(category.name)
        self._prompts.show_lines(category.prompts)
        self._negatives.show_lines(category.negatives)
        self._templates.offer(template_sets, category.templates)
        self._group.offer([info.category.exclusive_group for info in infos], category.exclusive_group)
        self._parent.offer(infos, category)
        self._colour.offer(infos, category)
        threshold = _USUAL_THRESHOLD / 100 if category.threshold is None else category.threshold
        self.histogram.setValue(round(100 * threshold))
        self._percent = self.histogram.value()
        self.histogram.show_bars([])
        self._count.setText("")
        self._examples.setText(sentences.first_examples(example_count))
        self._examples.setVisible(example_count > 0)
        self._is_filling = False
        self.show()
        self._name.setFocus()
        self._name.selectAll()
        self._on_edited()
        self._go_to_top()
        QTimer.singleShot(0, self, self._go_to_top)  # again once it is laid out

    def show_preview(self, preview: Preview) -> None:
        """Show how likely all photos are."""
        self.histogram.show_bars(preview.histogram)

    def show_count(self, text: str) -> None:
        """Tell how many photos it would hold."""
        percent = wording.number(self.histogram.value())
        self._count.setText(self.tr("{photos} at {percent} % or more").format(percent=percent, photos=text))

    def suggest(self, name: str, prompts: Sequence[str]) -> None:
        """Fill in prompts for a name, unless the user has gone on or written some."""
        if self.isVisible() and name == self._name.text().strip() and not self._prompts.is_touched:
            self._prompts.show_lines(prompts)
            self._on_edited()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._save.isEnabled():
                self._on_save()
        else:
            super().keyPressEvent(event)

    # Inside

    def _connect(self) -> None:
        self._name.textEdited.connect(self._on_named)
        for field in (self._prompts, self._negatives, self._templates, self._group, self._parent, self._colour):
            field.edited.connect(self._on_edited)
        self.histogram.valueChanged.connect(self._on_edited)
        self._more.clicked.connect(lambda: self._show_rest(not self._rest.isVisibleTo(self)))
        self._save.clicked.connect(self._on_save)
        self._cancel.clicked.connect(self.cancelled)

    def _on_named(self) -> None:
        if not self._origin.id and not self._prompts.is_touched:
            self._prompts.show_lines([])
            self.named.emit(self._name.text().strip())
        self._on_edited()

    def _on_edited(self) -> None:
        if self._is_filling:
            return
        name = self._name.text().strip()
        is_taken = name.casefold() in self._names
        self._taken.setVisible(is_taken)
        self._save.setEnabled(bool(name) and not is_taken)
        if name or self._prompts.lines:
            self.edited.emit(self.category)

    def _on_save(self) -> None:
        self.saved.emit(self.category)

    def _go_to_top(self) -> None:
        self._area.verticalScrollBar().setValue(0)

    def _show_rest(self, is_open: bool) -> None:
        self._rest.setVisible(is_open)
        self._more.setText(self.tr("Less") if is_open else self.tr("Colour, nesting, group…"))
        if is_open:
            QTimer.singleShot(0, self, lambda: self._area.ensureWidgetVisible(self._rest, 0, 0))  # once it is laid out

    # Layout

    def _lay_out(self) -> None:
        body = QWidget()
        body.setObjectName("editorBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 0, 12, 8)
        column.setSpacing(6)
        for text, field in self._fields():
            caption = label(text, "caption")
            caption.setBuddy(field)
            field.setAccessibleName(text)
            column.addWidget(caption)
            column.addWidget(field)
            column.addSpacing(4)
        for remark in (self._examples, self._taken):
            remark.setWordWrap(True)
            column.insertWidget(2, remark)
        self._taken.hide()
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._rest)
        column.addStretch(1)
        self._lay_out_rest()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 4, 0, 8)
        outer.addLayout(self._head())
        self._area = scroll_area(body, "editorArea")
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer.addWidget(self._area, 1)
        outer.addLayout(self._scores())
        outer.addLayout(self._foot())

    def _fields(self) -> list[tuple[str, QWidget]]:
        return [
            (self.tr("Name"), self._name),
            (self.tr("Photos of"), self._prompts),
            (self.tr("But not"), self._negatives),
        ]

    def _lay_out_rest(self) -> None:
        form = QFormLayout(self._rest)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        rows: list[tuple[str, QWidget]] = [
            (self.tr("Colour"), self._colour),
            (self.tr("Inside of"), self._parent),
            (self.tr("Exclusive group"), self._group),
            (self.tr("Wording"), self._templates),
        ]
        for text, field in rows:
            field.setAccessibleName(text)
            form.addRow(label(text, "caption"), field)
        self._rest.hide()

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(16, 4, 12, 4)
        head.addWidget(self._title, 1)
        head.addWidget(tool_button("close", self.tr("Close without saving"), self.cancelled.emit, 16))
        return head

    def _scores(self) -> QVBoxLayout:
        """The histogram stays in sight whatever is scrolled."""
        self._count.setWordWrap(True)
        scores = QVBoxLayout()
        scores.setContentsMargins(16, 8, 12, 0)
        scores.setSpacing(4)
        scores.addWidget(self.histogram)
        scores.addWidget(self._count)
        return scores

    def _foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 4, 12, 4)
        foot.addStretch(1)
        foot.addWidget(self._cancel)
        foot.addWidget(self._save)
        return foot
