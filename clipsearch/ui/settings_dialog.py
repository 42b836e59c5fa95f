"""The settings: what is taken into the library, and how it is kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from clipsearch.settings import Settings
from clipsearch.ui.widgets import label

_WIDTH_PX = 560
_PATTERN_LINES = 4
_LARGEST_MIN_KB = 1_000_000
_MOST_WORKERS = 64
_FIELD_PX = 32


class SettingsDialog(QDialog):
    """Shows `settings`; `chosen` tells what they are to be, once the user saves them."""

    chosen = Signal(object)  # Settings

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Settings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(_WIDTH_PX)
        self.patterns = _lines(settings.ignore, "*.tmp.jpg\nScreenshots/")
        self.hidden = _check(self.tr("Take in &hidden files and folders"), not settings.skip_hidden)
        self.links = _check(self.tr("Enter &links to folders"), settings.follow_links)
        self.smallest = _spin(settings.min_file_kb, _LARGEST_MIN_KB, self.tr("Any size"), self.tr(" KB"))
        self.watch = _check(self.tr("Take in &changes as they happen"), settings.watch)
        self.on_battery = _choice(self._speeds("slow", "pause", "full"), settings.on_battery)
        self.under_load = _choice(self._speeds("slow", "full"), settings.under_load)
        self.workers = _spin(settings.decode_workers, _MOST_WORKERS, self.tr("One for each processor core"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self.form = QFormLayout()
        self._lay_out()

    @property
    def settings(self) -> Settings:
        """What the dialog says now."""
        return replace(
            self._settings,
            ignore=tuple(line for line in self.patterns.toPlainText().split("\n") if line.strip()),
            skip_hidden=not self.hidden.isChecked(),
            follow_links=self.links.isChecked(),
            min_file_kb=self.smallest.value(),
            watch=self.watch.isChecked(),
            on_battery=self.on_battery.currentData(),
            under_load=self.under_load.currentData(),
            decode_workers=self.workers.value(),
        )

    def _on_accepted(self) -> None:
        self.chosen.emit(self.settings)
        self.accept()

    def _speeds(self, *keys: str) -> dict[str, str]:
        names = {"slow": self.tr("Index slowly"), "pause": self.tr("Pause"), "full": self.tr("Index at full speed")}
        return {key: names[key] for key in keys}

    def _lay_out(self) -> None:
        self.form.setSpacing(10)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._add_what()
        self._add_how()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.setSpacing(14)
        layout.addLayout(self.form)
        layout.addWidget(_remark(self.tr("Changes hold from the next time that your folders are looked through.")))
        layout.addWidget(self.buttons)

        for field in (self.smallest, self.on_battery, self.under_load, self.workers):
            self.form.labelForField(field).setMinimumHeight(_FIELD_PX)  # else the words stand above the field's

    def _add_what(self) -> None:
        syntax = self.tr("One pattern a line, as in .gitignore. A folder may hold a .clipsearchignore of its own.")
        self.form.addRow(label(self.tr("What is taken in"), "strong"))
        self.form.addRow(self.tr("Leave &out"), self.patterns)
        self.form.addRow("", _remark(syntax))
        self.form.addRow(self.tr("&Smallest file"), self.smallest)
        self.form.addRow("", self.hidden)
        self.form.addRow("", self.links)

    def _add_how(self) -> None:
        self.form.addRow(label(self.tr("How it is kept up to date"), "strong"))
        self.form.addRow("", self.watch)
        self.form.addRow(self.tr("On &battery"), self.on_battery)
        self.form.addRow(self.tr("Beside b&usy programs"), self.under_load)
        self.form.addRow(self.tr("Photos &read at once"), self.workers)


def _lines(lines: tuple[str, ...], example: str) -> QPlainTextEdit:
    edit = QPlainTextEdit("\n".join(lines))
    edit.setPlaceholderText(example)
    edit.setTabChangesFocus(True)
    edit.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    edit.setFixedHeight(_PATTERN_LINES * edit.fontMetrics().lineSpacing() + 22)
    return edit


def _check(text: str, is_on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(is_on)
    return box


def _spin(value: int, most: int, zero: str, suffix: str = "") -> QSpinBox:
    """A number; 0 reads as the words `zero`."""
    box = QSpinBox()
    box.setMinimumHeight(_FIELD_PX)
    box.setRange(0, max(most, value))
    box.setSuffix(suffix)
    box.setSpecialValueText(zero)
    box.setGroupSeparatorShown(True)
    box.setValue(value)
    return box


def _choice(texts: Mapping[str, str], value: str) -> QComboBox:
    box = QComboBox()
    box.setMinimumHeight(_FIELD_PX)
    for key, text in texts.items():
        box.addItem(text, key)
    box.setCurrentIndex(box.findData(value))
    return box


def _remark(text: str) -> QWidget:
    remark = label(text, "muted")
    remark.setWordWrap(True)
    return remark
