"""The main page: a heading, the grid of photos, and what stands there when there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QStackedWidget, QVBoxLayout, QWidget

from clipsearch.records import Hit, Photo
from clipsearch.ui import wording
from clipsearch.ui.empty_state import EmptyState
from clipsearch.ui.library_access import Overview
from clipsearch.ui.photo_grid import LARGEST_TILE, SMALLEST_TILE, PhotoGrid
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.questions import BurstQuestion, PhotoQuestion, PictureQuestion, Question, TextQuestion
from clipsearch.ui.thumbnails import Thumbnails
from clipsearch.ui.widgets import elided_label, picture, tool_button


class PhotosPage(QWidget):
    """Shows every photo, or the hits of a question, or why there are none."""

    add_wanted = Signal()
    all_wanted = Signal()

    def __init__(self, model: PhotoModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.grid = PhotoGrid(model, thumbnails)
        self.empty = EmptyState()
        self._overview: Overview | None = None
        self._question: Question | None = None
        self._hits: Sequence[Hit] | None = None
        self._is_indexing = False
        self._heading = elided_label(role="title")
        self._remark = elided_label(role="muted")
        self._close = tool_button("close", self.tr("Back to all photos"), self.all_wanted.emit, 16)
        self._slider = self._size_slider()
        self._sizes = QWidget()
        self._header = QWidget()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self.empty)
        self.empty.button_clicked.connect(self._on_empty_button)
        self._lay_out()

    # What to show

    def show_overview(self, overview: Overview, is_indexing: bool) -> None:
        """The library holds this now; what is shown stays where it is."""
        keep_place = self._overview is not None and _folder_id(self._overview) == _folder_id(overview)
        changed = self._overview is None or self._overview.photo_ids != overview.photo_ids
        self._overview, self._is_indexing = overview, is_indexing
        if self._question is None and changed:
            self._show_photos(keep_place)
        self._render()

    def show_question(self, question: Question) -> None:
        """A question is under way; what was shown stays until the answer comes."""
        if isinstance(question, (PhotoQuestion, PictureQuestion)):
            self._heading.setText(self._heading_text(question))
            self._remark.setText("")

    def show_hits(self, question: Question, hits: Sequence[Hit]) -> None:
        """Show the answer to a question; the same question again keeps the place."""
        keep_place = question == self._question
        if not keep_place or _shown(hits) != _shown(self._hits or []):
            self._question, self._hits = question, hits
            self._replace(keep_place, lambda: self._fill(question, hits))
        self._hits = hits
        self._render()

    def show_all(self) -> None:
        """Show every photo of the library."""
        if self._question is None:
            self._render()
            return
        self._question, self._hits = None, None
        self._show_photos(keep_place=False)
        self._render()

    # Inside

    def _show_photos(self, keep_place: bool) -> None:
        ids = self._overview.photo_ids if self._overview else []
        self._replace(keep_place, lambda: self.model.show_photos(ids))

    def _fill(self, question: Question, hits: Sequence[Hit]) -> None:
        if isinstance(question, BurstQuestion):
            self.model.show_photos([hit.photo.id for hit in hits])
        else:
            self.model.show_hits(hits)

    def _replace(self, keep_place: bool, change: Callable[[], None]) -> None:
        if keep_place:
            with self.grid.place_kept():
                change()
        else:
            change()
            self.grid.scrollToTop()

    def _render(self) -> None:
        """Set the heading, and choose between the grid and the empty state."""
        self._close.setVisible(self._question is not None and not isinstance(self._question, TextQuestion))
        self._heading.setText(self._heading_text(self._question))
        self._remark.setText(self._remark_text())
        is_empty = self.model.rowCount() == 0 and self._overview is not None
        if is_empty and self._overview is not None:
            self._describe_emptiness(self._overview)
        self._stack.setCurrentWidget(self.empty if is_empty else self.grid)
        self._header.setVisible(not is_empty)
        self._sizes.setVisible(not is_empty)

    def _heading_text(self, question: Question | None) -> str:
        match question:
            case PhotoQuestion(photo):
                return self.tr("Similar to {name}").format(name=wording.one_line(photo.path.name))
            case BurstQuestion():
                return wording.burst_count(len(self._hits or []))
            case PictureQuestion(path):
                return self.tr("Similar to {name}").format(name=wording.one_line(path.name))
            case TextQuestion():
                sure = self.model.sure_count
                return wording.match_count(sure) if sure else self.tr("No sure match")
        folder = self._overview.folder if self._overview else None
        return wording.one_line(wording.folder_name(folder)) if folder else self.tr("All photos")

    def _remark_text(self) -> str:
        match self._question:
            case None:
                return wording.photo_count(self.model.rowCount())
            case TextQuestion(text):
                sure = self.model.sure_count
                remark = self.tr("for “{text}”") if sure else self.tr("The closest to “{text}”")
                return remark.format(text=text)
            case BurstQuestion(photo):
                return self.tr("around {name}").format(name=wording.one_line(photo.path.name))
        return wording.match_count(self.model.sure_count) if self._hits else ""

    def _describe_emptiness(self, overview: Overview) -> None:
        if not overview.photo_ids and not overview.folders and not self._is_indexing:
            self.empty.show_text(
                "folder-add",
                self.tr("Drop a folder of photos here"),
                self.tr("Then describe a photo in your own words to find it.\nYour photos stay on this computer."),
                self.tr("Add folder…"),
            )
        elif not overview.photo_ids and self._is_indexing:
            self.empty.show_text(
                "photos", self.tr("Looking at your photos…"), self.tr("The first ones appear in a moment.")
            )
        elif not overview.photo_ids and overview.folder is not None:
            text = self.tr("There are no pictures in it that can be read.")
            self.empty.show_text("photos", self.tr("No photos in this folder"), text)
        elif not overview.photo_ids:
            text = self.tr("The folders that you added hold no pictures that can be read.")
            self.empty.show_text("photos", self.tr("No photos yet"), text, self.tr("Add folder…"))
        else:
            text = self.tr("Try other words: what is in the photo, where it is, what happens.")
            self.empty.show_text("search", self.tr("Nothing found"), text, self.tr("Show all photos"))

    def _on_empty_button(self) -> None:
        is_search = self._overview is not None and bool(self._overview.photo_ids)
        (self.all_wanted if is_search else self.add_wanted).emit()

    def _size_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(SMALLEST_TILE, LARGEST_TILE)
        slider.setPageStep(30)
        slider.setSingleStep(15)
        slider.setValue(self.grid.tile_px)
        slider.setFixedWidth(110)
        slider.setToolTip(self.tr("Size of the photos"))
        slider.setAccessibleName(self.tr("Size of the photos"))
        slider.valueChanged.connect(self.grid.set_tile_px)
        return slider

    def set_tile_px(self, tile_px: int) -> None:
        """Set the size of the tiles and the slider with it."""
        self._slider.setValue(tile_px)

    def _lay_out(self) -> None:
        size_row = QHBoxLayout(self._sizes)
        size_row.setContentsMargins(0, 0, 0, 0)
        for part in (picture("small-tiles", 16), self._slider, picture("large-tiles", 16)):
            size_row.addWidget(part)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(20, 4, 18, 6)
        row.setSpacing(10)
        for widget in (self._heading, self._close, self._remark):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._sizes)
        self._header.setFixedHeight(44)
        self._header.hide()
        inset = QHBoxLayout()
        inset.setContentsMargins(16, 0, 4, 0)
        inset.addWidget(self._stack)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addLayout(inset, 1)


def _folder_id(overview: Overview) -> int | None:
    return overview.folder.id if overview.folder else None


def _shown(hits: Sequence[Hit]) -> list[tuple[Photo, str]]:
    return [(hit.photo, hit.relevance) for hit in hits]
