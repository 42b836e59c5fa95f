"""The pages of the window: the grid of photos, the large view of one, the problems, the models, a lesson."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from clipsearch.ui.bursts import Bursts
from clipsearch.ui.categories.of_photo import CategoriesOfPhoto
from clipsearch.ui.categories.teaching_page import TeachingPage
from clipsearch.ui.models_page import ModelsPage
from clipsearch.ui.photo_view import PhotoView
from clipsearch.ui.photos_page import PhotosPage
from clipsearch.ui.problems_view import ProblemsView
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Place


class Pages(QStackedWidget):
    """Shows one page at a time. From the grid a photo opens large; closing that leads back to its place."""

    similar_wanted = Signal(object)  # Photo
    burst_wanted = Signal(object)  # Photo
    reveal_wanted = Signal(object)  # Path

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.photos = PhotosPage(session.model, session.thumbnails)
        self.photo = PhotoView(session.model, session.thumbnails, session.library, session.pictures)
        self.bursts = Bursts(session.library, session.background, self)
        self.labels = CategoriesOfPhoto(session.shelf, session.background, self)
        self.problems = ProblemsView()
        self.models = ModelsPage()
        self.teaching = TeachingPage(session.thumbnails, session.library, session.pictures)
        self._places: dict[Place, QWidget] = {
            Place.PHOTOS: self.photos,
            Place.PROBLEMS: self.problems,
            Place.MODELS: self.models,
        }
        for page in (self.photos, self.photo, self.problems, self.models, self.teaching):
            self.addWidget(page)
        self.photos.grid.photo_opened.connect(self.open_photo)
        self.photo.closed.connect(self.close_photo)
        self.photo.row_shown.connect(self.photos.grid.show_row)
        self.photo.row_shown.connect(self._on_photo_shown)
        self.bursts.found.connect(self.photo.details.show_burst)
        self.labels.found.connect(self.photo.details.show_categories)
        self.photo.details.burst_wanted.connect(self.burst_wanted)
        for asking in (self.photos.grid, self.photo):
            asking.similar_wanted.connect(self.similar_wanted)
        for pointing in (self.photos.grid, self.photo, self.problems):
            pointing.reveal_wanted.connect(self.reveal_wanted)

    def show_place(self, place: Place) -> None:
        """Show the page that the sidebar calls `place`."""
        self._session.prefer()
        self.setCurrentWidget(self._places[place])

    def open_photo(self, row: int) -> None:
        """Show the photo of a row large."""
        self.photo.show_row(row)
        self.setCurrentWidget(self.photo)
        self.photo.setFocus()

    def take_focus(self) -> None:
        """Let the page that is shown have the keyboard."""
        shown = self.currentWidget()
        if shown is self.photos:
            self.photos.take_focus()
        elif shown is not None:
            shown.setFocus()

    def close_photo(self) -> None:
        """Go back to the grid."""
        self._session.prefer()
        self.labels.look_up(None)
        self.setCurrentWidget(self.photos)
        self.photos.take_focus()

    def _on_photo_shown(self) -> None:
        if self.photo.photo is not None:
            self._session.prefer(self.photo.photo)
            self.bursts.look_up(self.photo.photo)
            self.labels.look_up(self.photo.photo)
