"""What a user can do with models, a thin function each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from clipsearch.records import ModelInfo
from clipsearch.ui import dialogs
from clipsearch.ui.session import Session


class ModelActions(QObject):
    """Dialogs open over `parent`."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._parent = parent
        session.models.described.connect(self._confirm_download)
        session.models.architecture_wanted.connect(self._choose_architecture)

    def install(self, model: ModelInfo) -> None:
        """Ask the hub for the model's size; then show it with the licence, and download it if the user agrees."""
        self._session.models.ask_for(model.name)

    def choose_import(self) -> None:
        """Let the user choose a model's file or folder, and import it."""
        dialogs.choose_model(self._parent, Path.home(), self._session.models.import_from)

    def use(self, model: ModelInfo) -> None:
        """Let a model answer from now on, or as soon as it has seen all photos."""
        self._session.models.use(model.name)

    def remove(self, model: ModelInfo) -> None:
        """Delete a model, after asking."""
        dialogs.confirm_model_removal(self._parent, model, lambda: self._session.models.remove(model.name))

    def _confirm_download(self, model: ModelInfo) -> None:
        dialogs.confirm_download(self._parent, model, lambda: self._session.models.install(model.name))

    def _choose_architecture(self, path: Path, names: Sequence[str]) -> None:
        runs = self._session.models
        dialogs.choose_architecture(self._parent, path, names, lambda name: runs.import_from(path, name))
