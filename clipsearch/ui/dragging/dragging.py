"""Drag and drop of a whole window: what can be dragged, where it can be dropped, and what then happens."""

from __future__ import annotations

from PySide6.QtCore import QObject

from clipsearch.ui.dragging.arrivals import Arrivals
from clipsearch.ui.dragging.category_drags import CategoryDrags
from clipsearch.ui.dragging.drop_area import DropArea
from clipsearch.ui.dragging.grid_drops import GridDrops
from clipsearch.ui.dragging.loads import Loads
from clipsearch.ui.dragging.photo_drags import PhotoDrags
from clipsearch.ui.dragging.tree_drops import TreeDrops
from clipsearch.ui.dragging.zones import TakeOutZone, TopLevel
from clipsearch.ui.pages import Pages
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Sidebar


class Dragging(QObject):
    """Connects the parts of a window for dragging. `area` is the whole of the window."""

    def __init__(self, session: Session, sidebar: Sidebar, pages: Pages, area: DropArea) -> None:
        super().__init__(area)
        library, shelf, tree, grid = session.library.folder, session.shelf, sidebar.categories.tree, pages.photos.grid
        self._session = session
        self._pages = pages
        self.arrivals = Arrivals(session, self)
        self.photos = PhotoDrags(library, session.model, session.thumbnails, self._category_id, self)
        loads = Loads(library, shelf, self.arrivals)
        self.tree = TreeDrops(tree, shelf, loads, self.photos)
        self.categories = CategoryDrags(tree, shelf, library, self._category_id)
        self.take_out = TakeOutZone(sidebar.photos_button, shelf, self.photos)
        self.top_level = TopLevel(sidebar.categories, shelf, loads)
        self.grid = GridDrops(grid, area, library, self._category_id, self.arrivals)
        area.dropped.connect(self.arrivals.take)
        grid.dragged.connect(lambda ids: self.photos.start(grid, ids))
        grid.removal_wanted.connect(self._take_out)
        pages.photo.dragged.connect(lambda ids: self.photos.start(pages.photo, ids))

    def _category_id(self) -> int | None:
        return self._session.category.category.id if self._session.category else None

    def _take_out(self) -> None:
        """Take what is selected out of the category that is shown."""
        category_id = self._category_id()
        if category_id is not None:
            self._session.shelf.judge(category_id, self._pages.photos.grid.selected_ids(), False)
