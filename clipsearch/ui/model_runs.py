"""Installing, choosing and removing models behind the window, one after another."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from clipsearch.errors import ArchitectureUnknownError
from clipsearch.records import ModelInfo, ModelProgress
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.tasks import Task, Tasks

Steps = Generator[ModelProgress, None, ModelInfo]


class ModelRuns(QObject):
    """Work on models in a lane of one thread; what each piece of work is about is known by the model's name."""

    listed = Signal(object)  # list[ModelInfo]
    progressed = Signal(str, object)  # name, ModelProgress or None while it waits
    ended = Signal(str)
    described = Signal(object)  # ModelInfo, with what the hub says of it
    architecture_wanted = Signal(object, object)  # Path to import, names to choose from
    installed = Signal(object)  # ModelInfo
    chosen = Signal(str)

    def __init__(self, library: LibraryAccess, tasks: Tasks, background: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._background = background
        self._runs: dict[str, Task] = {}
        self._steps: dict[str, ModelProgress | None] = {}  # the latest of each

    def refresh(self) -> None:
        """List the models anew."""
        self._background.run(self._library.models).succeeded.connect(self._on_listed)

    def ask_for(self, name: str) -> None:
        """Ask the hub how large a model is, before the user decides."""
        self._background.run(lambda: self._library.ask_for_model(name)).succeeded.connect(self.described)

    def install(self, name: str) -> None:
        """Download a model and make it ready, unless that is under way."""
        self._run(name, lambda: self._library.install_model(name))

    def import_from(self, path: Path, architecture: str | None = None) -> None:
        """Make a model ready from a file or folder on this machine."""
        task = self._run(str(path), lambda: self._library.import_model(path, architecture))
        if task is not None:
            task.failed.connect(lambda error: self._on_import_failed(path, error))

    def use(self, name: str) -> None:
        """Choose the model that is to answer."""
        task = self._background.run(lambda: self._library.use_model(name))
        task.succeeded.connect(lambda _: self.chosen.emit(name))
        task.succeeded.connect(lambda _: self.refresh())

    def remove(self, name: str) -> None:
        """Delete a model from this machine."""
        self._background.run(lambda: self._library.remove_model(name)).finished.connect(self.refresh)

    def cancel(self, name: str) -> None:
        """Stop the work on a model; what is downloaded is kept for the next time."""
        if name in self._runs:
            self._runs[name].cancel()

    def _run(self, name: str, work: Callable[[], Steps]) -> Task | None:
        """Queue work on a model, unless there is some already."""
        if name in self._runs:
            return None
        task = self._tasks.run(work)
        self._runs[name] = task
        task.progressed.connect(lambda step: self._on_progressed(name, step))
        task.succeeded.connect(self.installed)
        task.finished.connect(lambda: self._on_finished(name))
        self._on_progressed(name, None)
        return task

    def _on_progressed(self, name: str, step: ModelProgress | None) -> None:
        self._steps[name] = step
        self.progressed.emit(name, step)

    def _on_import_failed(self, path: Path, error: Exception) -> None:
        if isinstance(error, ArchitectureUnknownError) and error.choices:
            self.architecture_wanted.emit(path, error.choices)
        else:
            self._tasks.failed.emit(error)

    def _on_finished(self, name: str) -> None:
        del self._runs[name], self._steps[name]
        self.ended.emit(name)
        self.refresh()

    def _on_listed(self, models: list[ModelInfo]) -> None:
        self.listed.emit(models)
        for name, step in self._steps.items():
            self.progressed.emit(name, step)
