"""The dialog that makes categories of the keywords that other programs gave to the photos."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from clipsearch.records import ExchangeProgress, FoundKeyword, KeywordSurvey
from clipsearch.ui import wording
from clipsearch.ui.categories.exchange.access import ExchangeAccess
from clipsearch.ui.categories.exchange.picker import Picker
from clipsearch.ui.tasks import Task, Tasks
from clipsearch.ui.widgets import label

_WIDTH_PX = 480
_MOST_AT_LEAST = 1_000_000


class KeywordsDialog(QDialog):
    """Reads the keywords, lists them with their counts, and tells as `chosen` which the user wants."""

    chosen = Signal(object)  # Sequence[FoundKeyword]

    def __init__(self, access: ExchangeAccess, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Import the photos' keywords"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(_WIDTH_PX)
        self._found: Sequence[FoundKeyword] = ()
        self.summary = label(self.tr("Reading the keywords of your photos…"))
        self.progress = QProgressBar()
        self.picker = Picker(self.tr("Keywords"))
        self.least = QSpinBox()
        self.act = QPushButton(self.tr("Import"))
        self.cancel = QPushButton(self.tr("Cancel"))
        self._lay_out()
        self._task: Task | None = tasks.run(access.survey)
        self._task.progressed.connect(self._show_progress)
        self._task.succeeded.connect(self._on_surveyed)
        self._task.failed.connect(self._on_failed)
        self.finished.connect(lambda _: self._stop())

    @property
    def keywords(self) -> list[FoundKeyword]:
        """Those that are ticked."""
        return [self._found[number] for number in self.picker.ticked]

    @property
    def _own(self) -> int:
        """How many the program itself wrote; what a model had found may be among them."""
        return sum(keyword.own for keyword in self._found)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _show_progress(self, step: ExchangeProgress) -> None:
        self.progress.setRange(0, step.total)
        self.progress.setValue(step.done)

    def _on_surveyed(self, survey: KeywordSurvey) -> None:
        self._task = None
        self._found = survey.keywords
        self.progress.hide()
        self.act.setVisible(bool(survey.keywords))
        if not survey.keywords:
            self.cancel.setText(self.tr("Close"))
        found = self.tr("%Ln keywords found. Tick those that are to become categories.", "", len(survey.keywords))
        nothing = self.tr("Your photos carry no keywords of other programs.")
        unread = self.tr("%Ln files could not be read.", "", len(survey.problems)) if survey.problems else ""
        own = self.tr("%Ln were written by clipsearch itself: ticked, they count as your own word.", "", self._own)
        parts = (found if survey.keywords else nothing, own if self._own else "", unread)
        self.summary.setText(" ".join(part for part in parts if part))
        rows = ((number, self._text(keyword)) for number, keyword in enumerate(survey.keywords))
        self.picker.show_rows(rows)
        self._on_least_changed(self.least.value())
        for widget in (self.picker, self._least_row):
            widget.setVisible(bool(survey.keywords))

    def _on_failed(self, error: Exception) -> None:
        self._task = None
        self.progress.hide()
        self.summary.setText(wording.failure(error))

    def _text(self, keyword: FoundKeyword) -> str:
        name = wording.one_line(" › ".join(keyword.path))
        note = self.tr("    by clipsearch") if keyword.own else ""
        return f"{name}    {wording.number(keyword.photos)}{note}"

    def _on_least_changed(self, least: int) -> None:
        found = enumerate(self._found)
        self.picker.tick_only(number for number, one in found if one.photos >= least and not one.own)

    def _on_act(self) -> None:
        self.chosen.emit(self.keywords)
        self.accept()

    def _lay_out(self) -> None:
        self.summary.setWordWrap(True)
        self.progress.setRange(0, 0)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.picker.changed.connect(lambda: self.act.setEnabled(bool(self.picker.ticked)))
        self.least.setRange(1, _MOST_AT_LEAST)
        self.least.setAccessibleName(self.tr("Fewest photos of a keyword"))
        self.least.valueChanged.connect(self._on_least_changed)
        self._least_row = QWidget()
        row = QHBoxLayout(self._least_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label(self.tr("Tick those of at least")))
        row.addWidget(self.least)
        row.addWidget(label(self.tr("photos")))
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        for widget in (self.summary, self.progress, self._least_row, self.picker, self._buttons()):
            column.addWidget(widget)
        self.picker.hide()
        self._least_row.hide()

    def _buttons(self) -> QDialogButtonBox:
        self.act.setProperty("primary", "true")
        self.act.setEnabled(False)
        self.act.clicked.connect(lambda _: self._on_act())
        buttons = QDialogButtonBox()
        buttons.addButton(self.act, QDialogButtonBox.ButtonRole.AcceptRole)
        self.cancel.clicked.connect(lambda _: self.close())
        buttons.addButton(self.cancel, QDialogButtonBox.ButtonRole.RejectRole)
        return buttons
