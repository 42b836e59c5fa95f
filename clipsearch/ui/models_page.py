"""The page of models: which one answers, which could, and how far a download is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from clipsearch.records import ModelInfo, ModelProgress
from clipsearch.ui import wording
from clipsearch.ui.widgets import label, push_button

_SCALE = 1000  # steps of a progress bar, whose range is too small for bytes


class ModelCard(QFrame):
    """One model: its name, what is worth knowing before choosing it, and what can be done with it."""

    install_wanted = Signal(object)  # ModelInfo
    use_wanted = Signal(object)  # ModelInfo
    remove_wanted = Signal(object)  # ModelInfo
    cancel_wanted = Signal(str)

    def __init__(self, model: ModelInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelCard")
        self.model = model
        self._step = label(role="muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of {name}").format(name=model.title))
        self.install = push_button("download", self.tr("Download…"), lambda: self.install_wanted.emit(self.model))
        self.use = push_button("model", self.tr("Use"), lambda: self.use_wanted.emit(self.model))
        self.remove = push_button("remove", self.tr("Remove…"), lambda: self.remove_wanted.emit(self.model))
        self.cancel = push_button("close", self.tr("Cancel"), lambda: self.cancel_wanted.emit(self.model.name))
        self._under_way: tuple[QWidget, ...] = (self._step, self._bar, self.cancel)
        self._lay_out()
        self.show_idle()

    def show_idle(self) -> None:
        """Nothing is under way: offer what can be done."""
        installed, chosen = self.model.installed, self.model.chosen
        self.install.setVisible(not installed)
        self.use.setVisible(installed and not chosen)
        self.remove.setVisible(installed and not chosen and not self.model.answering and self.model.source != "starter")
        for part in self._under_way:
            part.hide()

    def show_progress(self, step: ModelProgress | None) -> None:
        """Show a step of the work under way; None while it waits for its turn."""
        for button in (self.install, self.use, self.remove):
            button.hide()
        for part in self._under_way:
            part.show()
        self._step.setText(wording.model_progress(step))
        total = step.total_bytes if step else None
        self._bar.setRange(0, _SCALE if total else 0)
        if step and total:
            self._bar.setValue(min(_SCALE, _SCALE * step.done_bytes // total))

    def _lay_out(self) -> None:
        facts = label(wording.model_facts(self.model), "muted")
        facts.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addLayout(self._heading())
        column.addWidget(facts)
        column.addWidget(self._step)
        column.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 14, 12)
        row.setSpacing(8)
        row.addLayout(column, 1)
        for button in (self.remove, self.install, self.use, self.cancel):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)

    def _heading(self) -> QHBoxLayout:
        heading = QHBoxLayout()
        heading.setSpacing(8)
        heading.addWidget(label(self.model.title, "strong"))
        for text in _badges(self.model):
            heading.addWidget(label(text, "badge"))
        heading.addStretch()
        return heading


class ModelsPage(QWidget):
    """A card for each model, the installed ones first."""

    import_wanted = Signal()
    install_wanted = Signal(object)  # ModelInfo
    use_wanted = Signal(object)  # ModelInfo
    remove_wanted = Signal(object)  # ModelInfo
    cancel_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: dict[str, ModelCard] = {}
        self._models: list[ModelInfo] = []
        self._imported = ""  # the path of the import that is shown, "" for none
        self._import_step = label(role="muted")
        self.cancel_import = push_button("close", self.tr("Cancel"), lambda: self.cancel_wanted.emit(self._imported))
        self._import_step.hide()
        self.cancel_import.hide()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(10)
        self._lay_out()

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Show these models; the same ones again change nothing."""
        if list(models) == self._models:
            return
        self._models = list(models)
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.cards = {model.name: self._card(model) for model in sorted(models, key=lambda model: not model.installed)}

    def show_progress(self, name: str, step: ModelProgress | None) -> None:
        """Show how far the work on a model is; one that has no card yet is being imported from the path `name`."""
        card = self.cards.get(name)
        if card is not None:
            card.show_progress(step)
        elif step is not None or self._imported in {"", name}:  # one that waits does not hide the one under way
            self._show_import(name, step)

    def show_ended(self, name: str) -> None:
        """The work on a model is over."""
        if name == self._imported:
            self._imported = ""
            self._import_step.hide()
            self.cancel_import.hide()
        if name in self.cards:
            self.cards[name].show_idle()

    def _show_import(self, path: str, step: ModelProgress | None) -> None:
        self._imported = path
        name = wording.one_line(Path(path).name)
        self._import_step.setText(f"{name}: {wording.model_progress(step)}")
        self.cancel_import.setAccessibleName(self.tr("Cancel the import of {name}").format(name=name))
        self._import_step.show()
        self.cancel_import.show()

    def _card(self, model: ModelInfo) -> ModelCard:
        card = ModelCard(model)
        for signal in ("install_wanted", "use_wanted", "remove_wanted", "cancel_wanted"):
            getattr(card, signal).connect(getattr(self, signal))
        self._rows.addWidget(card)
        return card

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label(self.tr("Models"), "title"))
        row.addStretch()
        row.addWidget(self._import_step)
        row.addWidget(self.cancel_import)
        row.addWidget(push_button("folder-add", self.tr("Import…"), self.import_wanted.emit))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 4, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(row)
        layout.addWidget(self._remark())
        layout.addWidget(self._scroll_area(), 1)

    def _remark(self) -> QLabel:
        remark = label(
            self.tr(
                "A model recognises what is in your photos. Larger ones find more and take longer. When you change it, "
                "the old one answers until the new one has seen all photos. Nothing is downloaded before you ask."
            ),
            "muted",
        )
        remark.setWordWrap(True)
        return remark

    def _scroll_area(self) -> QScrollArea:
        body = QWidget()
        body.setObjectName("modelRows")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 6, 0)
        column.addLayout(self._rows)
        column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        return area


def _badges(model: ModelInfo) -> list[str]:
    names = {
        QCoreApplication.translate("models", "answers now"): model.answering,
        QCoreApplication.translate("models", "is catching up"): model.chosen and not model.answering,
        QCoreApplication.translate("models", "recommended"): model.recommended and not model.chosen,
    }
    return [name for name, holds in names.items() if holds]
