"""What the menus offer for taking categories in and out, a thin function each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from clipsearch.records import CategoryInfo, FoundKeyword
from clipsearch.ui import dialogs, wording
from clipsearch.ui.categories.exchange import reports
from clipsearch.ui.categories.exchange.access import ExchangeAccess
from clipsearch.ui.categories.exchange.exporting import Exporting
from clipsearch.ui.categories.exchange.keywords import KeywordsDialog
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.tasks import Task, Tasks


class ExchangeActions(QObject):
    """Dialogs open over `parent`; long work runs in `tasks`."""

    told = Signal(str)  # what was written, in a sentence
    changed = Signal(str)  # what came into the library, in a sentence; it can be undone
    failed = Signal(object)

    def __init__(self, access: ExchangeAccess, shelf: Shelf, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(parent)
        self._access = access
        self._shelf = shelf
        self._tasks = tasks
        self._parent = parent
        self.exporting = Exporting(access, tasks, parent)

    def export(self, info: CategoryInfo | None = None) -> None:
        """Put the photos of a category, or of any, into a folder that the user chooses."""
        title = self.tr("Export to a folder")
        infos, ids = self._shelf.infos, self._ids(info)
        dialogs.choose_target(self._parent, title, lambda folder: self.exporting.to_folder(infos, ids, folder))

    def write_sidecars(self) -> None:
        """Write the categories beside the photos, as keywords."""
        self.exporting.to_sidecars(self._shelf.infos, self._ids(None))

    def write_table(self) -> None:
        """Save what is in the categories as a table."""
        kinds = {"csv": self.tr("Table for spreadsheets (*.csv)"), "json": self.tr("JSON, a line for each (*.json)")}
        title = self.tr("Save as a table")
        dialogs.choose_new_file(self._parent, title, "categories", kinds, self._write_table)

    def share(self, info: CategoryInfo) -> None:
        """Save a category, with what is nested in it, for somebody else."""
        kinds = {"json": self.tr("Shared category (*.json)")}
        ids = self._ids(info)
        title = self.tr("Share {name}").format(name=wording.one_line(info.name))
        dialogs.choose_new_file(self._parent, title, info.name, kinds, lambda file: self._share(ids, file))

    def receive(self) -> None:
        """Add the categories of a file that somebody shared."""
        kinds = [self.tr("Shared categories (*.json)"), self.tr("All files (*)")]
        dialogs.choose_file(self._parent, self.tr("Open a shared category"), kinds, self._receive)

    def import_keywords(self) -> KeywordsDialog:
        """Let the user choose which keywords become categories."""
        dialog = KeywordsDialog(self._access, self._tasks, self._parent)
        dialog.chosen.connect(self._import)
        dialog.open()
        return dialog

    def _write_table(self, file: Path) -> None:
        task = self._run(lambda: self._access.write_table(file, None))
        task.succeeded.connect(lambda count: self.told.emit(self._written(count, file)))

    def _written(self, count: int, file: Path) -> str:
        return self.tr("%Ln lines written to {name}", "", count).format(name=wording.one_line(file.name))

    def _share(self, ids: Sequence[int], file: Path) -> None:
        text = self.tr("Shared as {name}; whoever opens it needs none of your photos")
        task = self._run(lambda: self._access.share(ids, file))
        task.succeeded.connect(lambda _: self.told.emit(text.format(name=wording.one_line(file.name))))

    def _receive(self, file: Path) -> None:
        task = self._run(lambda: self._access.receive(file))
        task.succeeded.connect(lambda report: self._on_changed(reports.of_receiving(report)))

    def _import(self, keywords: Sequence[FoundKeyword]) -> None:
        task = self._run(lambda: self._access.import_keywords(keywords))
        task.succeeded.connect(lambda report: self._on_changed(reports.of_import(report)))

    def _on_changed(self, text: str) -> None:
        self._shelf.recover()
        self._shelf.refresh()
        self.changed.emit(text)

    def _run(self, work: Callable[[], Any]) -> Task:
        task = self._tasks.run(work)
        task.failed.connect(self.failed)
        return task

    def _ids(self, info: CategoryInfo | None) -> list[int]:
        """The category, or all of them."""
        return [one.category.id for one in ([info] if info else self._shelf.infos)]
