# ruff: noqa: N802 - Qt's own names
"""The main window: puts the parts together and connects what they ask for with what there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from clipsearch.records import Folder, IndexCounts, Photo
from clipsearch.ui import dialogs, drops, icons, wording
from clipsearch.ui.library_access import Overview
from clipsearch.ui.menus import Menus
from clipsearch.ui.message_bar import MessageBar
from clipsearch.ui.photo_grid import USUAL_TILE
from clipsearch.ui.photo_view import PhotoView
from clipsearch.ui.photos_page import PhotosPage
from clipsearch.ui.problems_view import ProblemsView
from clipsearch.ui.questions import PhotoQuestion, PictureQuestion, Question, TextQuestion
from clipsearch.ui.reveal import reveal
from clipsearch.ui.search_bar import SearchBar
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Place, Sidebar
from clipsearch.ui.status_bar import StatusBar
from clipsearch.ui.theme import Theme

_TILE_STEP_PX = 30


class MainWindow(QMainWindow):
    """Sidebar, search bar, pages and status bar. `store` keeps geometry and the like, apart from the settings."""

    def __init__(self, session: Session, theme: Theme, store: QSettings) -> None:
        super().__init__()
        self._session = session
        self._store = store
        self.setWindowTitle("clipsearch")
        self.setWindowIcon(icons.program_icon())
        self.setAcceptDrops(True)
        self.sidebar = Sidebar()
        self.search_bar = SearchBar()
        self.messages = MessageBar()
        self.photos = PhotosPage(session.model, session.thumbnails)
        self.photo = PhotoView(session.model, session.thumbnails, session.library, session.pictures)
        self.problems = ProblemsView()
        self.status = StatusBar()
        self.menus = Menus(self.menuBar())
        self._lay_out()
        self._connect_menus(theme)
        self._connect_pages()
        self._connect_search()
        self._connect_indexing()
        self._restore()

    # What the user does

    def add_folder(self) -> None:
        """Let the user choose a folder and index it."""
        start = Path(str(self._store.value("folder", Path.home())))
        dialogs.choose_folder(self, start, lambda path: self.index([path]))

    def index(self, folders: Sequence[Path] | None = None) -> None:
        """Index `folders` (None: all known ones)."""
        if folders:
            self._store.setValue("folder", str(folders[-1].parent))
        self._session.index(folders)

    def remove_folder(self, folder: Folder) -> None:
        """Let the library forget a folder, after asking."""
        dialogs.confirm_removal(self, folder, lambda: self._session.runs.remove_folder(folder.id))

    def find_similar(self, photo: Photo) -> None:
        """Look for photos like one of the library's own."""
        self._ask_without_text(PhotoQuestion(photo))

    def find_by_picture(self, path: Path) -> None:
        """Look for photos like a picture from outside."""
        self._ask_without_text(PictureQuestion(path))

    def choose_picture(self) -> None:
        """Let the user choose a picture to search by."""
        dialogs.choose_picture(self, Path.home(), self.find_by_picture)

    def reveal(self, path: Path) -> None:
        """Show a file in the file manager."""
        self._session.background.run(lambda: reveal(path))

    def show_all(self) -> None:
        """Back to every photo."""
        self.search_bar.clear_quietly()
        self._session.searching.clear()
        self.photos.show_all()
        self.show_place(Place.PHOTOS)

    def show_place(self, place: Place) -> None:
        """Open a page."""
        self.sidebar.show_place(place)
        self._pages.setCurrentWidget(self.photos if place is Place.PHOTOS else self.problems)

    # Events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and drops.folders(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.index(drops.folders(event.mimeData()))

    def closeEvent(self, event: QCloseEvent) -> None:
        self._store.setValue("geometry", self.saveGeometry())
        self._store.setValue("tile_px", self.photos.grid.tile_px)
        self._session.stop()
        super().closeEvent(event)

    # Composition

    def _lay_out(self) -> None:
        self._busy = QProgressBar()
        self._busy.setObjectName("busyLine")
        self._busy.setTextVisible(False)
        self._busy.setRange(0, 1)
        self._pages = QStackedWidget()
        for page in (self.photos, self.photo, self.problems):
            self._pages.addWidget(page)
        top = QVBoxLayout()
        top.setContentsMargins(18, 14, 18, 8)
        top.setSpacing(8)
        top.addWidget(self.search_bar)
        top.addWidget(self._busy)
        top.addWidget(self.messages)
        content = QWidget()
        content.setObjectName("content")
        content.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = _column(content)
        column.addLayout(top)
        column.addWidget(self._pages, 1)
        upper = QWidget()
        row = QHBoxLayout(upper)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(content, 1)
        whole = QWidget()
        outer = _column(whole)
        outer.addWidget(upper, 1)
        outer.addWidget(self.status)
        self.setCentralWidget(whole)
        self.status.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)

    def _connect_menus(self, theme: Theme) -> None:
        menus, grid = self.menus, self.photos.grid
        menus.add_folder.triggered.connect(self.add_folder)
        menus.update_all.triggered.connect(lambda _: self.index())
        menus.quit.triggered.connect(self.close)
        menus.find.triggered.connect(self._focus_search)
        menus.find_picture.triggered.connect(self.choose_picture)
        menus.photos.triggered.connect(self.show_all)
        menus.problems.triggered.connect(lambda: self.show_place(Place.PROBLEMS))
        menus.larger.triggered.connect(lambda: self.photos.set_tile_px(grid.tile_px + _TILE_STEP_PX))
        menus.smaller.triggered.connect(lambda: self.photos.set_tile_px(grid.tile_px - _TILE_STEP_PX))
        menus.sidebar.toggled.connect(self.sidebar.setVisible)
        menus.about.triggered.connect(lambda: dialogs.show_about(self))
        menus.mark_appearance(theme.appearance)
        menus.appearance_chosen.connect(theme.choose)

    def _connect_pages(self) -> None:
        self.sidebar.place_chosen.connect(self._on_place_chosen)
        self.sidebar.add_wanted.connect(self.add_folder)
        self.sidebar.update_wanted.connect(lambda folder: self.index([folder.path]))
        self.sidebar.remove_wanted.connect(self.remove_folder)
        self.photos.add_wanted.connect(self.add_folder)
        self.photos.all_wanted.connect(self.show_all)
        self.photos.grid.photo_opened.connect(self._open_photo)
        self.photos.grid.unfolded_changed.connect(lambda is_open: self._store.setValue("unfolded", int(is_open)))
        self.photo.closed.connect(self._close_photo)
        self.photo.row_shown.connect(self.photos.grid.show_row)
        self.problems.retry_wanted.connect(lambda: self._session.runs.request(retry_problems=True))
        for part in (self.photos.grid, self.photo):
            part.similar_wanted.connect(self.find_similar)
        for revealing in (self.photos.grid, self.photo, self.problems, self.sidebar):
            revealing.reveal_wanted.connect(self.reveal)

    def _connect_search(self) -> None:
        searching = self._session.searching
        self.search_bar.text_asked.connect(lambda text: searching.ask(TextQuestion(text)))
        self.search_bar.cleared.connect(self.show_all)
        self.search_bar.picture_dropped.connect(self.find_by_picture)
        self.search_bar.left.connect(self.photos.grid.setFocus)
        searching.asked.connect(self._on_asked)
        searching.answered.connect(self.photos.show_hits)
        searching.failed.connect(self._on_search_failed)
        searching.ended.connect(lambda: self._busy.setRange(0, 1))

    def _connect_indexing(self) -> None:
        session, runs, status = self._session, self._session.runs, self.status
        session.failed.connect(self.messages.show_failure)
        session.feed.changed.connect(self._on_library_changed)
        runs.started.connect(status.show_started)
        runs.progressed.connect(status.show_progress)
        runs.paused_changed.connect(status.show_paused)
        runs.ended.connect(self._on_run_ended)
        status.pause_wanted.connect(runs.pause)
        status.resume_wanted.connect(runs.resume)
        status.cancel_wanted.connect(runs.cancel)
        status.show_text(self.tr("Opening the library…"))

    def _restore(self) -> None:
        geometry = self._store.value("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(1180, 780)
        self.photos.set_tile_px(int(str(self._store.value("tile_px", USUAL_TILE))))
        self._session.model.set_unfolded(str(self._store.value("unfolded", 0)) == "1")
        self.search_bar.setFocus()

    # What happens

    def _ask_without_text(self, question: Question) -> None:
        self.search_bar.clear_quietly()
        self._session.searching.ask(question)

    def _focus_search(self) -> None:
        self.search_bar.setFocus()
        self.search_bar.selectAll()

    def _on_asked(self, question: Question) -> None:
        self.show_place(Place.PHOTOS)
        self.photos.show_question(question)
        self._busy.setRange(0, 0)

    def _on_search_failed(self, question: Question, error: Exception) -> None:
        self.messages.show_failure(error)
        self.photos.show_hits(question, [])

    def _on_library_changed(self, overview: Overview) -> None:
        self.photos.show_overview(overview, self._session.runs.is_running)
        self.sidebar.show_folders(overview.folders)
        self.sidebar.show_problem_count(len(overview.problems))
        self.problems.show_problems(overview.problems)
        self.status.show_status(overview.status)

    def _on_run_ended(self, counts: IndexCounts | None) -> None:
        self.status.show_ended()
        if counts is not None:
            self.status.show_news(wording.run_outcome(counts))

    def _on_place_chosen(self, place: Place) -> None:
        if place is Place.PHOTOS:
            self.show_all()
        else:
            self.show_place(place)

    def _open_photo(self, row: int) -> None:
        self.photo.show_row(row)
        self._pages.setCurrentWidget(self.photo)
        self.photo.setFocus()

    def _close_photo(self) -> None:
        self._pages.setCurrentWidget(self.photos)
        self.photos.grid.setFocus()


def _column(widget: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
