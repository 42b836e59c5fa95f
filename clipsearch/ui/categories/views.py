"""Connects the parts of the window that show categories: the tree, the photos of one, the panel that changes one."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.contents import Contents
from clipsearch.ui.photos_page import PhotosPage
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Sidebar


class CategoryViews(QObject):
    """Shows what the shelf holds, and hands on what the user asks of it."""

    chosen = Signal(object)  # CategoryInfo: to be shown
    gone = Signal()  # the category that was shown is there no more

    def __init__(
        self, session: Session, sidebar: Sidebar, page: PhotosPage, store: QSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._shelf = session.shelf
        self._sidebar = sidebar
        self._page = page
        self._contents: Contents | None = None
        sidebar.categories.restore(store)
        self._connect()

    def show(self, info: CategoryInfo) -> None:
        """Fill the grid with the photos of a category."""
        self._contents = None
        self._session.show_category(info)
        self._sidebar.show_category(info.category.id)
        self._render()

    def leave(self) -> None:
        """Show no category any more."""
        if self._session.contents.category_id is not None:
            self._session.show_category(None)
            self._contents = None
            self._page.hide_members()

    def _connect(self) -> None:
        shelf, tree, bar = self._shelf, self._sidebar.categories.tree, self._page.category_bar
        shelf.changed.connect(self._on_changed)
        self._session.contents.changed.connect(self._on_contents)
        tree.chosen.connect(self.chosen)
        tree.renamed.connect(lambda info, name: shelf.change(replace(info.category, name=name)))
        tree.remove_wanted.connect(self._remove)
        bar.judged.connect(self._judge)

    def _on_changed(self) -> None:
        """The categories or their numbers are new."""
        is_read_only = self._shelf.is_read_only
        self._sidebar.categories.show_categories(self._shelf.infos, is_read_only)
        self._page.category_bar.set_editable(not is_read_only, sentences.read_only() if is_read_only else "")
        shown = self._session.contents.category_id
        if shown is not None and self._shelf.info(shown) is None:
            self.gone.emit()
        elif shown is not None:
            self._sidebar.show_category(shown)
            self._render()

    def _on_contents(self, contents: Contents) -> None:
        self._contents = contents
        self._render()

    def _render(self) -> None:
        info = self._session.category
        if info is not None:
            self._page.show_members(wording.one_line(info.name), sentences.remark(info), self._contents)

    def _judge(self, photo_ids: list[int], is_member: bool) -> None:
        shown = self._session.contents.category_id
        if shown is not None:
            self._shelf.judge(shown, photo_ids, is_member)

    def _remove(self, info: CategoryInfo) -> None:
        if not self._shelf.is_read_only:
            self._shelf.remove(info.category.id)
