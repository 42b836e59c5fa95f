"""What a user can do with folders, a thin function each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from clipsearch.errors import ClipsearchError
from clipsearch.records import Folder
from clipsearch.ui import dialogs
from clipsearch.ui.reveal import open_folder, select_in_folder
from clipsearch.ui.session import Session


class FolderActions(QObject):
    """Dialogs open over `parent`; `store` remembers where the user last looked for a folder."""

    def __init__(self, session: Session, store: QSettings, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._store = store
        self._parent = parent

    def choose(self) -> None:
        """Let the user choose a folder, and index it."""
        start = Path(str(self._store.value("folder", Path.home())))
        dialogs.choose_folder(self._parent, start, lambda path: self.index([path]))

    def index(self, folders: Sequence[Path]) -> None:
        """Add folders and bring them up to date."""
        self._store.setValue("folder", str(folders[-1].parent))
        self._session.index(folders)

    def update(self, folder: Folder) -> None:
        """Bring one folder up to date."""
        self._session.index([folder.path])

    def update_all(self) -> None:
        """Bring all folders up to date."""
        self._session.index()

    def retry(self) -> None:
        """Bring all folders up to date, and read again what had a problem."""
        self._session.runs.request(retry_problems=True)

    def remove(self, folder: Folder) -> None:
        """Let the library forget a folder, after asking."""
        dialogs.confirm_removal(self._parent, folder, lambda: self._session.runs.remove_folder(folder))

    def forget_missing(self, folder: Folder) -> None:
        """Let the library forget what is missing from a folder, after asking."""
        dialogs.confirm_forgetting(self._parent, folder, lambda: self._session.runs.confirm_removals(folder))

    def reveal(self, path: Path) -> None:
        """Show a file in the file manager."""
        task = self._session.background.run(lambda: select_in_folder(path))
        task.succeeded.connect(lambda is_selected: None if is_selected else self._open_folder(path))

    def _open_folder(self, path: Path) -> None:
        try:
            open_folder(path)
        except ClipsearchError as error:
            self._session.failed.emit(error)
