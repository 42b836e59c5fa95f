"""A dialog for what writes many files: it shows what would be done first, then does it, with progress and a way out."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from clipsearch.records import ExchangeProgress
from clipsearch.ui import wording
from clipsearch.ui.categories.exchange.reports import Summary
from clipsearch.ui.tasks import Task, Tasks
from clipsearch.ui.widgets import label

_WIDTH_PX, _DETAILS_PX = 540, 150

#: begins the work, dry or not
Work = Callable[[bool], Generator[ExchangeProgress, None, Any]]
#: a report, and whether it is of a dry run, in words
Describe = Callable[[Any, bool], Summary]


class DryRunDialog(QDialog):
    """`form` is for choices; each calls `plan` when it changes. The button `act` does what the summary says."""

    def __init__(self, title: str, act: str, tasks: Tasks, describe: Describe, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._tasks = tasks
        self._describe = describe
        self._work: Work | None = None
        self._task: Task | None = None
        self.form = QFormLayout()
        self.summary = label()
        self.details = QPlainTextEdit()
        self.progress = QProgressBar()
        self.buttons = QDialogButtonBox()
        self.act = QPushButton(act)
        self.cancel = QPushButton()
        self._lay_out()
        self.finished.connect(lambda _: self._stop())

    def plan(self, work: Work) -> None:
        """Find out what `work` would do; the one before is dropped."""
        self._work = work
        self._run(is_dry=True)

    def _act(self) -> None:
        self._choices.setEnabled(False)
        self._run(is_dry=False)

    def _run(self, *, is_dry: bool) -> None:
        self._stop()
        work = self._work
        if work is None:
            return
        self.act.setEnabled(False)
        self.cancel.setText(self.tr("Cancel"))
        self.summary.setText(self.tr("Looking at what there is to do…") if is_dry else self.tr("Under way…"))
        self.progress.setRange(0, 0)
        self.progress.show()
        task = self._tasks.run(lambda: work(is_dry))
        task.progressed.connect(self._show_progress)
        task.succeeded.connect(lambda report: self._on_done(self._describe(report, is_dry), is_dry))
        task.failed.connect(self._on_failed)
        self._task = task

    def _stop(self) -> None:
        if self._task is not None:
            for signal in (self._task.progressed, self._task.succeeded, self._task.failed):
                signal.disconnect()
            self._task.failed.connect(lambda _: None)  # nobody waits for it any more
            self._task.cancel()
            self._task = None

    def _show_progress(self, step: ExchangeProgress) -> None:
        self.progress.setRange(0, step.total)
        self.progress.setValue(step.done)

    def _on_done(self, summary: Summary, is_dry: bool) -> None:
        self._task = None
        self._show(summary.text, summary.lines)
        self.act.setEnabled(is_dry and summary.is_something)
        self.act.setVisible(is_dry)
        if not is_dry:
            self.cancel.setText(self.tr("Close"))
        (self.act if self.act.isEnabled() else self.cancel).setFocus()

    def _on_failed(self, error: Exception) -> None:
        self._task = None
        self._choices.setEnabled(True)
        self._show(wording.failure(error), ())

    def _show(self, text: str, lines: tuple[str, ...]) -> None:
        self.progress.hide()
        self.summary.setText(text)
        self.summary.setAccessibleName(text)
        self.details.setPlainText("\n".join(lines))
        self.details.setVisible(bool(lines))

    def _lay_out(self) -> None:
        self._choices = QWidget()
        self._choices.setLayout(self.form)
        self._choices.setMinimumWidth(_WIDTH_PX)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.summary.setWordWrap(True)
        self.details.setObjectName("details")
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setFixedHeight(_DETAILS_PX)
        self.details.setAccessibleName(self.tr("File by file"))
        self.details.hide()
        self.progress.setAccessibleName(self.tr("Progress"))
        self.act.setProperty("primary", "true")
        self.act.setEnabled(False)
        self.act.clicked.connect(lambda _: self._act())
        self.cancel.setText(self.tr("Cancel"))
        self.cancel.clicked.connect(lambda _: self.close())
        self.buttons.addButton(self.act, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.cancel, QDialogButtonBox.ButtonRole.RejectRole)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetMinimumSize)  # grows with what it tells
        for widget in (self._choices, self.summary, self.details, self.progress, self.buttons):
            column.addWidget(widget)


def note(text: str) -> QLabel:
    """A remark in a dialog."""
    result = label(text, "muted")
    result.setWordWrap(True)
    return result
