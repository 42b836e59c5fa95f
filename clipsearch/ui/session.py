"""What works behind the window: the lanes of threads, and the library as it opens, changes and closes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from clipsearch.records import CategoryInfo, Folder, Photo
from clipsearch.ui.categories.contents import ContentsFeed
from clipsearch.ui.categories.elsewhere import Elsewhere
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.drives import Drives
from clipsearch.ui.index_runs import IndexRuns
from clipsearch.ui.library_access import LibraryAccess, Overview
from clipsearch.ui.library_feed import LibraryFeed
from clipsearch.ui.model_runs import ModelRuns
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.searching import Searching
from clipsearch.ui.tasks import Tasks
from clipsearch.ui.thumbnails import Thumbnails
from clipsearch.ui.watching import Watching

_SEARCH_AGAIN_S = 2.0


class Session(QObject):
    """Owns the threads. Everything that the window shows comes from here."""

    opened = Signal()
    open_failed = Signal(object)  # when the library does not open, and whenever it is needed after that
    failed = Signal(object)
    repaired = Signal(object)  # sentences on what was done
    noticed = Signal(str)  # a sentence about the library's upkeep

    def __init__(self, library: LibraryAccess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.library = library
        self.background = Tasks(2, "background", self)
        self.pictures = Tasks(2, "pictures", self)
        self._questions = Tasks(1, "questions", self)
        self._indexing = Tasks(1, "indexing", self)
        self._installing = Tasks(1, "models", self)
        self._following = Tasks(1, "watching", self)
        changes, learning = Tasks(1, "categories", self), Tasks(1, "learning", self)
        lanes = (self.background, self.pictures, self._questions, self._indexing, self._installing, self._following)
        self.previews = Tasks(1, "previews", self)
        self.exchanging = Tasks(1, "exchange", self)
        self._lanes = (*lanes, changes, learning, self.previews, self.exchanging)
        self.thumbnails = Thumbnails(library, self.pictures, self)
        self.model = PhotoModel(self)
        self.feed = LibraryFeed(library, self.background, self)
        self.searching = Searching(library, self._questions, self)
        self.runs = IndexRuns(library, self._indexing, self)
        self.watching = Watching(library, self._following, self.runs, self)
        self.drives = Drives(library, self.background, self)
        self.models = ModelRuns(library, self._installing, self.background, self)
        self.shelf = Shelf(library.categories(), changes, learning, self)
        self.elsewhere = Elsewhere(self.shelf, self.background, self)
        self.contents = ContentsFeed(self.shelf, self.background, self)
        self.folder: Folder | None = None  # the one whose photos are shown
        self._searched_s = 0.0
        self._is_open = False
        self._connect()

    def start(self) -> None:
        """Open the library, then load the model, both behind the window; after `open_failed`, try again."""
        self.searching.wait()
        self.runs.wait()
        task = self.background.run(self.library.open)
        task.succeeded.connect(self._on_opened)
        task.failed.connect(self._on_open_failed)

    def repair(self) -> None:
        """Mend a damaged library and open it again; all other work stops for it."""
        self.stop()
        self._is_open = False
        self.searching.wait()
        self.runs.wait()
        task = self.background.run(self.library.repair)
        task.succeeded.connect(self._on_repaired)
        task.failed.connect(self._on_open_failed)

    def index(self, folders: Sequence[Path] | None = None) -> None:
        """Add `folders` (None: all known ones) and bring them up to date."""
        self.runs.request(folders)

    def show_folder(self, folder: Folder | None) -> None:
        """Show the photos of one folder, or all of them."""
        if folder != self.folder:
            self.folder = folder
            self.feed.look_at(folder)
        self.prefer()

    def show_category(self, info: CategoryInfo | None) -> None:
        """Show the photos of one category; None: of none."""
        self.contents.look_at(info.category.id if info else None)

    @property
    def category(self) -> CategoryInfo | None:
        """The category whose photos are shown, as it is now."""
        shown = self.contents.category_id
        return self.shelf.info(shown) if shown is not None else None

    def prefer(self, photo: Photo | None = None) -> None:
        """Have what the user looks at indexed first: the folder around a photo, else the one that is shown."""
        shown = self.folder.path if self.folder else None
        self.library.prefer(photo.path.parent if photo else shown)

    def take_up_settings(self) -> None:
        """The settings have changed."""
        if self._is_open and not self.library.is_read_only:
            self.watching.start()

    def stop(self) -> None:
        """Ask all work to stop soon; what is done is kept."""
        self.watching.stop()
        self.elsewhere.stop()
        for lane in self._lanes:
            lane.cancel_all()

    def close(self) -> None:
        """Wait until all work has stopped, and close the library."""
        self.stop()
        for lane in self._lanes:
            lane.close()
        self.library.close()

    def _connect(self) -> None:
        for lane in self._lanes:
            lane.failed.connect(self.failed)
        for needing in (self.searching, self.runs):
            needing.refused.connect(self.open_failed)
        self.shelf.failed.connect(self.failed)
        self.model.details_wanted.connect(self._fetch_details)
        self.runs.progressed.connect(self._on_progressed)
        self.runs.ended.connect(lambda _: self._on_library_changed())
        self.runs.folder_removed.connect(self._on_library_changed)
        self.drives.changed.connect(self._on_library_changed)
        self.drives.came_back.connect(self.runs.request)
        self.feed.changed.connect(lambda _: self.thumbnails.retry_absent())
        self.models.chosen.connect(lambda _: self._on_model_chosen())

    def _on_opened(self) -> None:
        self._is_open = True
        self.opened.emit()
        self.feed.refresh()
        self.feed.changed.connect(self._on_first_overview, Qt.ConnectionType.SingleShotConnection)
        self.models.refresh()
        self.shelf.refresh()
        self.elsewhere.start()
        self.searching.start()
        self.runs.start()
        self.drives.look()
        if self.library.is_read_only:
            self.noticed.emit(self.tr("This library may not be written: it is searched, and nothing is added."))
        else:
            self.watching.start()
        self.background.run(self.library.warm_up)
        self.background.run(self.library.back_up).succeeded.connect(self._on_backed_up)

    def _on_repaired(self, sentences: list[str]) -> None:
        """Open what was saved, and complete it."""
        self.repaired.emit(sentences)
        self.start()
        self.runs.request()

    def _on_backed_up(self, note: str) -> None:
        if note:
            self.noticed.emit(note)

    def _on_first_overview(self, overview: Overview) -> None:
        """Let a model that had not caught up when the last window closed, or was chosen elsewhere, go on."""
        if overview.status.model != overview.status.chosen:
            self.runs.request()

    def _on_open_failed(self, error: Exception) -> None:
        self.searching.refuse(error)
        self.runs.refuse(error)
        self.open_failed.emit(error)

    def _on_progressed(self) -> None:
        """New photos have come: look again, but not at every step."""
        self.feed.refresh_soon()
        if time.monotonic() - self._searched_s > _SEARCH_AGAIN_S:
            self._searched_s = time.monotonic()
            self.searching.refresh()
            self.shelf.look_again()

    def _on_model_chosen(self) -> None:
        """Let the new model see all photos; the index run that is under way fills the old one."""
        self.runs.cancel()
        self.runs.request()
        self.searching.refresh()

    def _on_library_changed(self) -> None:
        self.model.forget_details()
        self.models.refresh()
        self.shelf.refresh()
        self.feed.refresh()
        self.searching.refresh()

    def _fetch_details(self, ids: list[int]) -> None:
        task = self.background.run(lambda: self.library.photos(ids))
        task.succeeded.connect(self.model.add_details)
