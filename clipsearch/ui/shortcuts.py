"""The overview of all keys: those of the menus as they are, and those of the places where there is no menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QMenu,
    QMenuBar,
    QVBoxLayout,
    QWidget,
)

from clipsearch.ui.widgets import label, scroll_area

#: what a key does, and how it is called
Row = tuple[str, str]
Section = tuple[str, Sequence[Row]]

_SIZE_PX = (840, 660)


def show_shortcuts(parent: QWidget, bar: QMenuBar) -> QDialog:
    """Show every key, in two columns, over `parent`."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    dialog.setWindowTitle(QCoreApplication.translate("shortcuts", "Keyboard shortcuts"))
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(20, 18, 20, 16)
    body = _columns([_of_photos(), _of_large_photo(), _of_lessons()], [*of_menus(bar), _of_tree()])
    column.addWidget(scroll_area(body, "shortcutsArea"))
    column.addWidget(buttons)
    dialog.resize(*_SIZE_PX)
    buttons.button(QDialogButtonBox.StandardButton.Close).setFocus()
    dialog.open()
    return dialog


def of_menus(bar: QMenuBar) -> list[Section]:
    """The keys of a menu bar, a section for all of them."""
    actions = [
        action
        for opener in bar.actions()
        if (menu := QMenu.menuInAction(opener)) is not None
        for action in menu.actions()
    ]
    rows = [(_plain(action.text()), _keys(action.shortcuts())) for action in actions if action.shortcuts()]
    return [(QCoreApplication.translate("shortcuts", "Everywhere"), rows)]


def _of_photos() -> Section:
    rows = [
        (QCoreApplication.translate("shortcuts", "From the search line to the photos"), "↓"),
        (QCoreApplication.translate("shortcuts", "Go from photo to photo"), "← → ↑ ↓"),
        (QCoreApplication.translate("shortcuts", "Choose several"), "Shift+← → ↑ ↓"),
        (QCoreApplication.translate("shortcuts", "Show the photo large"), "Enter"),
        (QCoreApplication.translate("shortcuts", "Put the chosen photos into a category"), "1 – 9"),
        (QCoreApplication.translate("shortcuts", "Say that they do not belong in it"), "Shift+1 – 9"),
        (QCoreApplication.translate("shortcuts", "Choose a category by typing, or make one"), "C"),
        (QCoreApplication.translate("shortcuts", "Take them out of the category shown"), "Del"),
        (QCoreApplication.translate("shortcuts", "What can be done with them"), "Shift+F10"),
        (QCoreApplication.translate("shortcuts", "Back to all photos"), "Esc"),
    ]
    return QCoreApplication.translate("shortcuts", "Photos"), rows


def _of_large_photo() -> Section:
    rows = [
        (QCoreApplication.translate("shortcuts", "Previous or next photo"), "← →"),
        (QCoreApplication.translate("shortcuts", "Put it into a category, or say “not this”"), "1 – 9, Shift+1 – 9, C"),
        (QCoreApplication.translate("shortcuts", "Back to the photos"), "Esc"),
    ]
    return QCoreApplication.translate("shortcuts", "A large photo"), rows


def _of_lessons() -> Section:
    rows = [
        (QCoreApplication.translate("shortcuts", "Yes, it belongs"), "Y"),
        (QCoreApplication.translate("shortcuts", "No, it does not"), "N"),
        (QCoreApplication.translate("shortcuts", "Skip it"), "S"),
        (QCoreApplication.translate("shortcuts", "Judge the photo before once more"), "Backspace"),
        (QCoreApplication.translate("shortcuts", "End the lesson"), "Esc"),
    ]
    return QCoreApplication.translate("shortcuts", "Teaching a category"), rows


def _of_tree() -> Section:
    rows = [
        (QCoreApplication.translate("shortcuts", "Show its photos"), "Enter"),
        (QCoreApplication.translate("shortcuts", "Fold, unfold what is in it"), "← →"),
        (QCoreApplication.translate("shortcuts", "Rename it"), "F2"),
        (QCoreApplication.translate("shortcuts", "Remove it"), "Del"),
        (QCoreApplication.translate("shortcuts", "What can be done with it"), "Shift+F10"),
    ]
    return QCoreApplication.translate("shortcuts", "The list of categories"), rows


# Layout


def _columns(*columns: Sequence[Section]) -> QWidget:
    body = QWidget()
    row = QHBoxLayout(body)
    row.setContentsMargins(0, 0, 8, 0)
    row.setSpacing(36)
    for sections in columns:
        row.addLayout(_column(sections), 1)
    return body


def _column(sections: Sequence[Section]) -> QLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(5)
    for title, rows in sections:
        grid.addWidget(label(title, "strong"), grid.rowCount(), 0, 1, 2)
        for text, keys in rows:
            _add_row(grid, text, keys)
        grid.setRowMinimumHeight(grid.rowCount(), 10)
    grid.setRowStretch(grid.rowCount(), 1)
    grid.setColumnStretch(0, 1)
    return grid


def _add_row(grid: QGridLayout, text: str, keys: str) -> None:
    number = grid.rowCount()
    words, cap = label(text), label(keys, "key")
    words.setWordWrap(True)
    words.setAccessibleName(f"{text}: {keys}")
    grid.addWidget(words, number, 0)
    grid.addWidget(cap, number, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


# Words


def _plain(text: str) -> str:
    """A menu's text without its mnemonic; that of undoing and redoing without the step."""
    return text.partition(":")[0].replace("&", "").removesuffix("…")


def _keys(keys: Sequence[QKeySequence]) -> str:
    return keys[0].toString(QKeySequence.SequenceFormat.NativeText)
