# ruff: noqa: N802 - Qt's own names
"""The main window: puts the parts together and connects what they ask for with what there is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QBoxLayout, QMainWindow, QProgressBar, QSplitter, QVBoxLayout, QWidget

from clipsearch.records import CategoryInfo, Folder, IndexCounts, Photo
from clipsearch.ui import dialogs, icons, wording
from clipsearch.ui.categories.actions import CategoryActions
from clipsearch.ui.categories.views import CategoryViews
from clipsearch.ui.dragging.dragging import Dragging
from clipsearch.ui.dragging.drop_area import DropArea
from clipsearch.ui.folder_actions import FolderActions
from clipsearch.ui.library_access import Overview
from clipsearch.ui.menu_key import add_menu_key
from clipsearch.ui.menus import Menus
from clipsearch.ui.message_bar import MessageBar
from clipsearch.ui.model_actions import ModelActions
from clipsearch.ui.pages import Pages
from clipsearch.ui.photo_grid import USUAL_TILE
from clipsearch.ui.questions import BurstQuestion, PhotoQuestion, PictureQuestion, Question, TextQuestion
from clipsearch.ui.search_bar import SearchBar
from clipsearch.ui.session import Session
from clipsearch.ui.settings_actions import SettingsActions
from clipsearch.ui.shortcuts import show_shortcuts
from clipsearch.ui.sidebar import USUAL_WIDTH_PX, Place, Sidebar
from clipsearch.ui.status_bar import StatusBar
from clipsearch.ui.theme import Theme

_TILE_STEP_PX = 30
_USUAL_SIZE_PX = (1180, 780)


class MainWindow(QMainWindow):
    """Sidebar, search bar, pages and status bar. `store` keeps geometry and the like, apart from the settings."""

    def __init__(self, session: Session, theme: Theme, store: QSettings) -> None:
        super().__init__()
        self._session = session
        self._store = store
        self.setWindowTitle("clipsearch")
        self.setWindowIcon(icons.program_icon())
        self.drop_area = DropArea()
        self.sidebar = Sidebar()
        self.search_bar = SearchBar()
        self.messages = MessageBar()
        self.pages = Pages(session)
        self.status = StatusBar()
        self.menus = Menus(self.menuBar())
        self.folders = FolderActions(session, store, self)
        self.models = ModelActions(session, self)
        self.settings = SettingsActions(session, self)
        self.categories = CategoryViews(session, self.sidebar, self.pages, store, self)
        self.category_actions = CategoryActions(session, self.menus, self.sidebar, self.pages, self.status)
        self.dragging = Dragging(session, self.sidebar, self.pages, self.drop_area)
        self._columns = QSplitter()
        self._busy = QProgressBar()
        self._lay_out()
        self._connect_menus(theme)
        self._connect_folders()
        self._connect_pages()
        self._connect_search()
        self._connect_indexing()
        self._connect_models()
        self._restore()

    # What the user does

    def find_similar(self, photo: Photo) -> None:
        """Look for photos like one of the library's own."""
        self._ask_without_text(PhotoQuestion(photo))

    def show_burst(self, photo: Photo) -> None:
        """Fill the grid with the photos shot in one go with this one."""
        self._ask_without_text(BurstQuestion(photo))

    def find_by_picture(self, path: Path) -> None:
        """Look for photos like a picture from outside."""
        self._ask_without_text(PictureQuestion(path))

    def choose_picture(self) -> None:
        """Let the user choose a picture to search by."""
        dialogs.choose_picture(self, Path.home(), self.find_by_picture)

    def show_all(self) -> None:
        """Back to every photo."""
        self.search_bar.clear_quietly()
        self._session.searching.clear()
        self._session.show_folder(None)
        self.categories.leave()
        self.pages.photos.show_all()
        self.show_place(Place.PHOTOS)

    def show_folder(self, folder: Folder) -> None:
        """Show the photos of one folder; they are indexed before others."""
        self.show_all()
        self._session.show_folder(folder)
        self.sidebar.show_folder(folder)

    def show_category(self, info: CategoryInfo) -> None:
        """Show the photos of one category."""
        self.show_all()
        self.categories.show(info)

    def show_place(self, place: Place) -> None:
        """Open a page."""
        self.sidebar.show_place(place)
        self.pages.show_place(place)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._store.setValue("geometry", self.saveGeometry())
        self._store.setValue("tile_px", self.pages.photos.grid.tile_px)
        self._store.setValue("sidebar_px", self._columns.sizes()[0] or self._stored_px("sidebar_px", USUAL_WIDTH_PX))
        self._session.stop()
        super().closeEvent(event)

    # Composition

    def _lay_out(self) -> None:
        self._busy.setObjectName("busyLine")
        self._busy.setTextVisible(False)
        self._busy.setRange(0, 1)
        top = QVBoxLayout()
        top.setContentsMargins(18, 14, 18, 8)
        top.setSpacing(8)
        for widget in (self.search_bar, self._busy, self.messages):
            top.addWidget(widget)
        content = QWidget()
        content.setObjectName("content")
        column = _tight(QVBoxLayout(content))
        column.addLayout(top)
        column.addWidget(self.pages, 1)
        self._columns.setObjectName("columns")
        self._columns.setHandleWidth(1)  # Qt lets the mouse take it from a little beside it, too
        self._columns.setChildrenCollapsible(False)
        self._columns.addWidget(self.sidebar)
        self._columns.addWidget(content)
        self._columns.setStretchFactor(1, 1)
        outer = _tight(QVBoxLayout(self.drop_area))
        outer.addWidget(self._columns, 1)
        outer.addWidget(self.status)
        outer.setContentsMargins(2, 2, 2, 2)  # room for the edge that shows where to drop
        self.setCentralWidget(self.drop_area)

    def _connect_menus(self, theme: Theme) -> None:
        menus, photos = self.menus, self.pages.photos
        menus.add_folder.triggered.connect(self.folders.choose)
        menus.update_all.triggered.connect(self.folders.update_all)
        menus.settings.triggered.connect(self.settings.open)
        self.settings.changed.connect(lambda _: self._session.take_up_settings())
        menus.quit.triggered.connect(self.close)
        menus.find.triggered.connect(self._focus_search)
        menus.find_picture.triggered.connect(self.choose_picture)
        menus.photos.triggered.connect(self.show_all)
        menus.problems.triggered.connect(lambda: self.show_place(Place.PROBLEMS))
        menus.models.triggered.connect(lambda: self.show_place(Place.MODELS))
        menus.larger.triggered.connect(lambda: photos.set_tile_px(photos.grid.tile_px + _TILE_STEP_PX))
        menus.smaller.triggered.connect(lambda: photos.set_tile_px(photos.grid.tile_px - _TILE_STEP_PX))
        menus.sidebar.toggled.connect(self.sidebar.setVisible)
        menus.shortcuts.triggered.connect(lambda: show_shortcuts(self, self.menuBar()))
        menus.about.triggered.connect(lambda: dialogs.show_about(self))
        add_menu_key(self)
        menus.mark_appearance(theme.appearance)
        menus.appearance_chosen.connect(theme.choose)

    def _connect_folders(self) -> None:
        folders, sidebar, pages = self.folders, self.sidebar, self.pages
        self.dragging.arrivals.offered.connect(self.messages.offer)
        self.dragging.photos.told.connect(self.status.show_news)
        sidebar.add_wanted.connect(folders.choose)
        sidebar.update_wanted.connect(folders.update)
        sidebar.remove_wanted.connect(folders.remove)
        sidebar.reveal_wanted.connect(folders.reveal)
        pages.reveal_wanted.connect(folders.reveal)
        pages.photos.add_wanted.connect(folders.choose)
        pages.problems.retry_wanted.connect(folders.retry)
        pages.problems.update_wanted.connect(folders.update)
        pages.problems.forget_wanted.connect(folders.forget_missing)

    def _connect_pages(self) -> None:
        self.sidebar.place_chosen.connect(self._on_place_chosen)
        self.sidebar.folder_chosen.connect(self.show_folder)
        self.categories.chosen.connect(self.show_category)
        self.categories.gone.connect(self.show_all)
        self._session.elsewhere.follow(self)
        self.categories.editing.began.connect(self.category_actions.undo_bar.hide)  # it would lie over the panel
        self.category_actions.invent_wanted.connect(self.categories.invent)
        self.category_actions.edit_wanted.connect(self.categories.edit)
        self.category_actions.teach_wanted.connect(self.categories.teach)
        self.pages.similar_wanted.connect(self.find_similar)
        self.pages.burst_wanted.connect(self.show_burst)
        self.pages.photos.all_wanted.connect(self.show_all)
        self.pages.photo.row_shown.connect(self._show_title)
        self.pages.currentChanged.connect(self._show_title)
        grid = self.pages.photos.grid
        grid.unfolded_changed.connect(lambda is_open: self._store.setValue("unfolded", int(is_open)))
        grid.typed.connect(self.search_bar.take)
        grid.escaped.connect(self._on_escaped)

    def _connect_search(self) -> None:
        searching, bar = self._session.searching, self.search_bar
        bar.text_asked.connect(lambda text: searching.ask(TextQuestion(text)))
        bar.cleared.connect(self.show_all)
        bar.picture_dropped.connect(self.find_by_picture)
        bar.left.connect(self.pages.photos.grid.enter)
        searching.asked.connect(self._on_asked)
        searching.answered.connect(self.pages.photos.show_hits)
        searching.failed.connect(self._on_search_failed)
        searching.ended.connect(lambda: self._busy.setRange(0, 1))

    def _connect_indexing(self) -> None:
        session, runs, status = self._session, self._session.runs, self.status
        session.failed.connect(self.messages.show_failure)
        session.shelf.recovered.connect(self.messages.withdraw)
        session.open_failed.connect(self._on_open_failed)
        self.messages.retry_wanted.connect(self._open_again)
        self.messages.repair_wanted.connect(self._repair)
        session.repaired.connect(lambda sentences: self.messages.show_text(" ".join(sentences)))
        session.noticed.connect(status.show_news)
        session.feed.changed.connect(self._on_library_changed)
        runs.started.connect(status.show_started)
        runs.progressed.connect(status.show_progress)
        runs.paused_changed.connect(status.show_paused)
        runs.ended.connect(self._on_run_ended)
        session.watching.noticed.connect(status.show_news)
        status.pause_wanted.connect(runs.pause)
        status.resume_wanted.connect(runs.resume)
        status.cancel_wanted.connect(runs.cancel)
        status.show_text(self.tr("Opening the library…"))

    def _connect_models(self) -> None:
        runs, page = self._session.models, self.pages.models
        page.install_wanted.connect(self.models.install)
        page.import_wanted.connect(self.models.choose_import)
        page.use_wanted.connect(self.models.use)
        page.remove_wanted.connect(self.models.remove)
        page.cancel_wanted.connect(runs.cancel)
        runs.listed.connect(page.show_models)
        runs.listed.connect(self.status.show_models)
        runs.progressed.connect(page.show_progress)
        runs.ended.connect(page.show_ended)
        runs.installed.connect(lambda model: self.status.show_news(wording.model_installed(model)))

    def _restore(self) -> None:
        geometry = self._store.value("geometry")
        if not isinstance(geometry, QByteArray) or not self.restoreGeometry(geometry):
            self.resize(*_USUAL_SIZE_PX)
        self.pages.photos.set_tile_px(self._stored_px("tile_px", USUAL_TILE))
        sidebar_px = self._stored_px("sidebar_px", USUAL_WIDTH_PX)
        self._columns.setSizes([sidebar_px, self.width() - sidebar_px])
        self._session.model.set_unfolded(str(self._store.value("unfolded", 0)) == "1")
        self.search_bar.setFocus()

    def _stored_px(self, name: str, usual: int) -> int:
        try:
            return int(str(self._store.value(name, usual)))
        except ValueError:
            return usual

    def _show_title(self) -> None:
        """Name the window after the photo that is shown large."""
        photo = self.pages.photo.photo if self.pages.currentWidget() is self.pages.photo else None
        self.setWindowTitle(f"{wording.one_line(photo.path.name)} – clipsearch" if photo else "clipsearch")

    # What happens

    def _ask_without_text(self, question: Question) -> None:
        self.search_bar.clear_quietly()
        self._session.searching.ask(question)

    def _focus_search(self) -> None:
        self.search_bar.setFocus()
        self.search_bar.selectAll()

    def _on_escaped(self) -> None:
        self.show_all()
        self.search_bar.setFocus()

    def _on_open_failed(self, error: Exception) -> None:
        self.messages.show_failure(error, can_retry=True)
        self.status.show_text(self.tr("The library is not open"))

    def _open_again(self) -> None:
        self.status.show_text(self.tr("Opening the library…"))
        self._session.start()

    def _repair(self) -> None:
        self.status.show_text(self.tr("Repairing the library…"))
        self._session.repair()

    def _on_asked(self, question: Question) -> None:
        self._session.show_folder(None)
        self.categories.leave()
        self.show_place(Place.PHOTOS)
        self.pages.photos.show_question(question)
        self._busy.setRange(0, 0)

    def _on_search_failed(self, question: Question, error: Exception) -> None:
        self.messages.show_failure(error)
        self.pages.photos.show_hits(question, [])

    def _on_library_changed(self, overview: Overview) -> None:
        shown = self._session.folder
        if shown is not None and shown.id not in {folder.id for folder in overview.folders}:
            self.show_all()
        self.pages.photos.show_overview(overview, self._session.runs.is_running)
        self.pages.problems.show_problems(overview.problems, overview.held_back)
        self.sidebar.show_folders(overview.folders)
        self.sidebar.show_problem_count(len(overview.problems))
        self.status.show_status(overview.status, overview.engine)

    def _on_run_ended(self, counts: IndexCounts | None) -> None:
        self.status.show_ended()
        if counts is not None:
            self.status.show_news(wording.run_outcome(counts))

    def _on_place_chosen(self, place: Place) -> None:
        if place is Place.PHOTOS:
            self.show_all()
        else:
            self.show_place(place)


def _tight(layout: QBoxLayout) -> QBoxLayout:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
