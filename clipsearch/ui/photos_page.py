"""The main page: a heading, the grid of photos, and what stands there when there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QStackedWidget, QVBoxLayout, QWidget

from clipsearch.records import Hit, Photo
from clipsearch.ui import headings
from clipsearch.ui.categories.category_bar import CategoryBar
from clipsearch.ui.categories.contents import Contents
from clipsearch.ui.categories.editor import CategoryEditor
from clipsearch.ui.empty_state import EmptyState
from clipsearch.ui.library_access import Overview
from clipsearch.ui.photo_grid import LARGEST_TILE, SMALLEST_TILE, PhotoGrid
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.questions import BurstQuestion, PhotoQuestion, PictureQuestion, Question, TextQuestion
from clipsearch.ui.thumbnails import Thumbnails
from clipsearch.ui.widgets import elided_label, picture, push_button, tool_button


class _Members(NamedTuple):
    """What is said of a category that is shown, and its photos once they are known."""

    heading: str
    remark: str
    contents: Contents | None
    is_preview: bool


class PhotosPage(QWidget):
    """Shows every photo, or the hits of a question, or why there are none."""

    add_wanted = Signal()
    all_wanted = Signal()
    category_wanted = Signal(str)  # of what was searched for

    def __init__(self, model: PhotoModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.grid = PhotoGrid(model, thumbnails)
        self.empty = EmptyState()
        self.category_bar = CategoryBar(self.grid)
        self.editor = CategoryEditor()
        self._overview: Overview | None = None
        self._question: Question | None = None
        self._hits: Sequence[Hit] | None = None
        self._members: _Members | None = None
        self._is_indexing = False
        self._heading = elided_label(role="title")
        self._remark = elided_label(role="muted")
        self._close = tool_button("close", self.tr("Back to all photos"), self.all_wanted.emit, 16)
        self._make = push_button("category", self.tr("Make a category of this"), self._on_make)
        self._may_make = True
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
            self._refill(keep_place)
        self._render()

    def show_question(self, question: Question) -> None:
        """A question is under way; what was shown stays until the answer comes."""
        if isinstance(question, (PhotoQuestion, PictureQuestion)):
            self._heading.setText(headings.heading(question, None, 0, self._overview))
            self._remark.setText("")

    def show_hits(self, question: Question, hits: Sequence[Hit]) -> None:
        """Show the answer to a question; the same question again keeps the place."""
        keep_place = question == self._question
        if not keep_place or _shown(hits) != _shown(self._hits or []):
            self._question, self._hits = question, hits
            self._refill(keep_place)
        self._hits = hits
        self._render()

    def show_all(self) -> None:
        """Show every photo of the library."""
        if self._question is None:
            self._render()
            return
        self._question, self._hits = None, None
        self._refill(keep_place=False)
        self._render()

    def show_members(self, heading: str, remark: str, contents: Contents | None, *, is_preview: bool = False) -> None:
        """Show a category's photos (None: they are still to come) over what was shown, which waits."""
        before = self._members.contents if self._members else None
        self._members = _Members(heading, remark, contents, is_preview)
        if contents is not None and contents != before:
            keep_place = before is not None and before.category_id == contents.category_id
            self._replace(keep_place, self._fill)
        self._render()

    def hide_members(self) -> None:
        """Go back to what was shown before a category."""
        if self._members is not None:
            self._members = None
            self._refill(keep_place=False)
            self._render()

    def take_focus(self) -> None:
        """Take the keyboard: to the photos, or what can be done where there are none."""
        if self._stack.currentWidget() is self.grid:
            self.grid.setFocus()
        else:
            self.empty.enter()

    # Inside

    def _refill(self, keep_place: bool) -> None:
        """Show anew what is shown, unless a category lies over it."""
        if self._members is None:
            self._replace(keep_place, self._fill)

    def _fill(self) -> None:
        contents = self._members.contents if self._members else None
        if contents is not None:
            self.model.show_members(contents.ids, contents.maybe, contents.judged)
        elif self._question is None:
            self.model.show_photos(self._overview.photo_ids if self._overview else [])
        elif isinstance(self._question, BurstQuestion):
            self.model.show_photos([hit.photo.id for hit in self._hits or []])
        else:
            self.model.show_hits(self._hits or [])

    def _replace(self, keep_place: bool, change: Callable[[], None]) -> None:
        if keep_place:
            with self.grid.place_kept():
                change()
        else:
            change()
            self.grid.scrollToTop()

    def _render(self) -> None:
        """Set the heading, and choose between the grid and the empty state."""
        is_empty = self.model.rowCount() == 0 and self._overview is not None
        if is_empty and self._overview is not None:
            self._describe_emptiness(self._overview)
        self._show_heading()
        self._stack.setCurrentWidget(self.empty if is_empty else self.grid)
        self._header.setVisible(not is_empty or self._members is not None)
        self._sizes.setVisible(not is_empty)

    def _show_heading(self) -> None:
        if self._members is not None:
            heading, remark = self._members.heading, self._members.remark
        else:
            sure, rows = self.model.sure_count, self.model.rowCount()
            heading = headings.heading(self._question, self._hits, sure, self._overview)
            remark = headings.remark(self._question, self._hits, sure, rows)
        self._heading.setText(heading)
        self._remark.setText(remark)
        is_aside = self._question is not None and not isinstance(self._question, TextQuestion)
        is_preview = self._members is not None and self._members.is_preview
        self._close.setVisible((is_aside or self._members is not None) and not is_preview)
        self.category_bar.setVisible(self._members is not None and not is_preview)
        is_text = self._members is None and isinstance(self._question, TextQuestion)
        self._make.setVisible(is_text and self._may_make)

    def _describe_emptiness(self, overview: Overview) -> None:
        is_category = self._members is not None and overview.photo_ids
        told = headings.no_members() if is_category else headings.emptiness(overview, self._is_indexing)
        self.empty.show_text(*told)

    def allow_categories(self, may_make: bool) -> None:
        """Offer to make a category of a search, or not, where the library may not be written."""
        self._may_make = may_make
        self._render()

    def _on_make(self) -> None:
        if isinstance(self._question, TextQuestion):
            self.category_wanted.emit(self._question.text)

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
        row.addWidget(self._make)
        row.addWidget(self._sizes)
        self._header.setFixedHeight(44)
        self._header.hide()
        inset = QHBoxLayout()
        inset.setContentsMargins(16, 0, 0, 0)
        inset.setSpacing(0)
        self._stack.setContentsMargins(0, 0, 4, 0)
        inset.addWidget(self._stack, 1)
        inset.addWidget(self.editor)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self.category_bar)
        layout.addLayout(inset, 1)


def _folder_id(overview: Overview) -> int | None:
    return overview.folder.id if overview.folder else None


def _shown(hits: Sequence[Hit]) -> list[tuple[Photo, str]]:
    return [(hit.photo, hit.relevance) for hit in hits]
