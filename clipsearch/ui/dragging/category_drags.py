"""A category is dragged out of the tree, to be nested in another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QDrag

from clipsearch.ui import wording
from clipsearch.ui.categories.colours import colours_of
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.categories.tree import CategoryTree
from clipsearch.ui.dragging import mime
from clipsearch.ui.dragging.picture import HOT_SPOT, label_picture


class CategoryDrags(QObject):
    """Starts a drag when the tree says that the user drags a category; `shown_id` tells the one that is open."""

    def __init__(self, tree: CategoryTree, shelf: Shelf, library: Path, shown_id: Callable[[], int | None]) -> None:
        super().__init__(tree)
        self._tree = tree
        self._shelf = shelf
        self._library = library
        self._shown_id = shown_id
        tree.drag_started = self.start

    def start(self, category_id: int) -> None:
        """Let the user drag a category; returns when it is dropped."""
        info = self._shelf.info(category_id)
        if info is None or self._shelf.is_read_only:
            return
        drag = QDrag(self._tree)
        drag.setMimeData(mime.category_data(self._library, category_id))
        ratio = self._tree.devicePixelRatioF()
        colour = colours_of(one.category for one in self._shelf.infos)[category_id]
        drag.setPixmap(label_picture(wording.one_line(info.name), colour, ratio))
        drag.setHotSpot(HOT_SPOT)
        drag.exec(Qt.DropAction.MoveAction)
        self._tree.mark(self._shown_id())  # the mouse has chosen the one that it took
