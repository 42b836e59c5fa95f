"""The foot of the window: what the library holds, and how an indexing run gets on, with pause and cancel."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from clipsearch.records import ModelInfo, Progress, Stage, Status
from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import elided_label, tool_button

_HEIGHT_PX = 40
_NEWS_MS = 8_000


class StatusBar(QWidget):
    """Shows `Status` on the left and `Progress` on the right."""

    pause_wanted = Signal()
    resume_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT_PX)
        self._counts = elided_label(role="muted", cut=Qt.TextElideMode.ElideRight)
        self._step = elided_label(role="muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(200)
        self._bar.setAccessibleName(self.tr("Indexing progress"))
        self._pause = tool_button("pause", self.tr("Pause indexing"), self._on_pause_clicked)
        self._cancel = tool_button("close", self.tr("Stop indexing; what is done is kept"), self.cancel_wanted.emit)
        self._text = self._answering = self._note = self._news = self._selection = ""
        self._forget = QTimer(self, singleShot=True, interval=_NEWS_MS)
        self._forget.timeout.connect(self._on_forget)
        self._is_paused = False
        self._last: Progress | None = None
        self._lay_out()
        self.show_ended()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 10, 0)
        layout.setSpacing(8)
        self._counts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(self._counts, 1)
        for widget in (self._step, self._bar, self._pause, self._cancel):
            layout.addWidget(widget)

    def show_text(self, text: str) -> None:
        """Show a sentence where the counts stand."""
        self._text = text
        self._show_counts()

    def show_news(self, text: str) -> None:
        """Show what has happened, beside the counts, for a few seconds."""
        self._news = text
        self._show_counts()
        self._forget.start()

    def show_selection(self, count: int) -> None:
        """Show how many photos are chosen, where they are more than the one at hand."""
        self._selection = wording.selected_count(count) if count > 1 else ""
        self._show_counts()

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Show which model answers."""
        self._answering = wording.answering(models)
        self._show_counts()

    def show_status(self, status: Status, engine: str = "") -> None:
        """Show what the library holds; as a tooltip, the model that answers and the `engine` that encodes photos."""
        parts = [wording.photo_count(status.photos)]
        if status.pending and status.model == status.chosen:  # else another model finds them meanwhile
            parts.append(self.tr("{count} not searchable yet").format(count=wording.number(status.pending)))
        if status.problems:
            parts.append(wording.problem_count(status.problems))
        self._note = status.note
        self.show_text(" · ".join(parts))
        self._counts.setToolTip(wording.model_and_engine(status.model, engine))

    def show_started(self) -> None:
        """An indexing run has begun."""
        self._bar.setRange(0, 0)
        self._step.setText(self.tr("Looking for photos…"))
        self._set_running(True)

    def show_progress(self, step: Progress) -> None:
        """Show a step of the run."""
        self._last = step
        is_counting = step.stage is Stage.SCANNING or step.total == 0
        self._bar.setRange(0, 0 if is_counting else step.total)
        self._bar.setValue(step.done)
        self._show_step()

    def show_paused(self, is_paused: bool) -> None:
        """Show that the run holds, or goes on."""
        self._is_paused = is_paused
        text = self.tr("Resume indexing") if is_paused else self.tr("Pause indexing")
        self._pause.setIcon(icon("play" if is_paused else "pause"))
        self._pause.setToolTip(text)
        self._pause.setAccessibleName(text)
        self._show_step()

    def show_ended(self) -> None:
        """No run is under way."""
        self._last = None
        self._set_running(False)

    def _show_counts(self) -> None:
        lasting = " · ".join(text for text in (self._selection, self._text, self._note or self._answering) if text)
        self._counts.setText(f"{lasting}    {self._news}" if self._news else lasting)

    def _on_forget(self) -> None:
        self._news = ""
        self._show_counts()

    def _show_step(self) -> None:
        if self._last is None:
            return
        paused = self.tr("Paused · {photos}").format(photos=wording.photos_to_go(self._last))
        self._step.setText(paused if self._is_paused else wording.progress(self._last))
        self._step.setToolTip(wording.progress_details(self._last))

    def _set_running(self, is_running: bool) -> None:
        for widget in (self._step, self._bar, self._pause, self._cancel):
            widget.setVisible(is_running)

    def _on_pause_clicked(self) -> None:
        (self.resume_wanted if self._is_paused else self.pause_wanted).emit()
