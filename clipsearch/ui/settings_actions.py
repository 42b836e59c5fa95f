"""Lets the user look at the settings and change them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from clipsearch.settings import Settings
from clipsearch.ui.session import Session
from clipsearch.ui.settings_dialog import SettingsDialog


class SettingsActions(QObject):
    """The dialog opens over `parent`. What is changed holds from the next indexing run on."""

    changed = Signal(object)  # Settings, once they are saved

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._parent = parent

    def open(self) -> None:
        """Show the settings."""
        task = self._session.background.run(self._session.library.settings)
        task.succeeded.connect(self._show)

    def _show(self, settings: Settings) -> None:
        dialog = SettingsDialog(settings, self._parent)
        dialog.chosen.connect(lambda chosen: self._save(chosen) if chosen != settings else None)
        dialog.open()

    def _save(self, chosen: Settings) -> None:
        task = self._session.background.run(lambda: self._session.library.change_settings(chosen))
        task.succeeded.connect(lambda _: self.changed.emit(chosen))
