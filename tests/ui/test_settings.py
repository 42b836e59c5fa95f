"""The settings dialog: every setting comes and goes unharmed, by mouse or keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialogButtonBox, QPlainTextEdit, QSpinBox, QWidget

from clipsearch import paths, settings
from clipsearch.settings import Settings
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from clipsearch.ui.settings_dialog import SettingsDialog
from tests.ui.fake_library import FakeLibrary

OTHERS = Settings(
    ignore=("*.tmp.jpg", "/Scans/", '!a "b" ü '), skip_hidden=False, min_file_kb=20, follow_links=True, watch=False,
    on_battery="pause", under_load="full", decode_workers=3, hub_mirror="https://hub.example.org",
)  # fmt: skip


@pytest.mark.parametrize("shown", [Settings(), OTHERS])
def test_what_is_shown_is_what_was_set(qtbot, shown: Settings) -> None:
    dialog = SettingsDialog(shown)
    qtbot.addWidget(dialog)
    assert dialog.settings == shown


def test_each_field_changes_its_own_setting(qtbot) -> None:
    dialog = SettingsDialog(Settings(hub_mirror=OTHERS.hub_mirror))
    qtbot.addWidget(dialog)
    dialog.patterns.setPlainText("\n".join(["*.tmp.jpg", "", "/Scans/", "  ", '!a "b" ü ']))
    for box in (dialog.hidden, dialog.links, dialog.watch):
        box.click()
    dialog.smallest.setValue(20)
    dialog.workers.setValue(3)
    dialog.on_battery.setCurrentIndex(dialog.on_battery.findData("pause"))
    dialog.under_load.setCurrentIndex(dialog.under_load.findData("full"))
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.buttons.button(QDialogButtonBox.StandardButton.Save).click()
    assert chosen.args == [OTHERS]


def test_every_field_has_a_name_and_a_key(qtbot) -> None:
    dialog = SettingsDialog(Settings())
    qtbot.addWidget(dialog)
    for field in dialog.findChildren(QWidget):
        if isinstance(field, QCheckBox):
            assert "&" in field.text()
        elif isinstance(field, (QComboBox, QPlainTextEdit, QSpinBox)):
            assert "&" in dialog.form.labelForField(field).text()
    keys = [text[text.index("&") + 1].lower() for text in _texts(dialog)]
    assert len(keys) == len(set(keys)) == 8


def _texts(dialog: SettingsDialog) -> list[str]:
    boxes = [box.text() for box in dialog.findChildren(QCheckBox)]
    fields = (dialog.patterns, dialog.smallest, dialog.on_battery, dialog.under_load, dialog.workers)
    return boxes + [dialog.form.labelForField(field).text() for field in fields]


def test_settings_are_opened_from_the_menu_changed_and_kept(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    session.start()
    window.menus.settings.trigger()
    qtbot.waitUntil(lambda: window.findChild(SettingsDialog) is not None)
    dialog = window.findChild(SettingsDialog)
    dialog.watch.setFocus()
    qtbot.keyClick(dialog.watch, Qt.Key.Key_Space)
    with qtbot.waitSignal(window.settings.changed) as changed:
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert changed.args == [Settings(watch=False)]
    assert library.chosen_settings == Settings(watch=False)


def test_escape_changes_nothing(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    session.start()
    window.menus.settings.trigger()
    qtbot.waitUntil(lambda: window.findChild(SettingsDialog) is not None)
    dialog = window.findChild(SettingsDialog)
    dialog.watch.click()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.wait(20)
    assert library.chosen_settings == Settings()


def test_what_is_chosen_holds_for_the_open_library_and_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")
    access = LibraryAccess(tmp_path / "library")
    access.open()
    try:
        access.change_settings(OTHERS)
        assert access.opened.settings == access.settings() == settings.load(tmp_path / "settings.toml") == OTHERS
    finally:
        access.close()
