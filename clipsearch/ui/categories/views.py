"""Connects the parts of the window that show categories: the tree, the photos of one, its panel and its lessons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.contents import Contents
from clipsearch.ui.categories.editing import Editing
from clipsearch.ui.categories.previewing import Previewing
from clipsearch.ui.categories.teaching import Teaching
from clipsearch.ui.pages import Pages
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Sidebar


class CategoryViews(QObject):
    """Shows what the shelf holds, and hands on what the user asks of it."""

    chosen = Signal(object)  # CategoryInfo: to be shown
    gone = Signal()  # the category that was shown is there no more

    def __init__(
        self, session: Session, sidebar: Sidebar, pages: Pages, store: QSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._shelf = session.shelf
        self._sidebar = sidebar
        self._pages = pages
        self._page = pages.photos
        self._contents: Contents | None = None
        self.editing = Editing(self._shelf, Previewing(self._shelf.access, session.previews, self), self._page, self)
        self.teaching = Teaching(self._shelf, pages.teaching, session.background, self)
        sidebar.categories.restore(store)
        self._shelf.keys.restore(store, session.library.folder)
        self._connect_lists()
        self._connect_changes()

    def show(self, info: CategoryInfo) -> None:
        """Fill the grid with the photos of a category."""
        self._contents = None
        self._session.show_category(info)
        self._sidebar.show_category(info.category.id)
        self._render()

    def leave(self) -> None:
        """Show no category any more, and forget what is being edited."""
        self._contents = None
        self._session.show_category(None)
        self.editing.close()
        self.teaching.end()
        self._page.hide_members()

    def invent(self, name: str = "") -> None:
        """Begin a category, with the photos chosen in the grid as its first ones where it is made of a search."""
        examples = self._page.category_bar.chosen_ids() if name else []
        self._pages.setCurrentWidget(self._page)
        self.editing.open(Category(0, name), examples)

    def edit(self, info: CategoryInfo) -> None:
        """Show a category, and let it be changed."""
        if self._session.contents.category_id != info.category.id:
            self.chosen.emit(info)
        self.editing.open(info.category)
        if self._contents is not None:
            self.editing.mark(self._contents)

    def teach(self, info: CategoryInfo) -> None:
        """Ask about the photos that would teach a category most."""
        if self._session.contents.category_id != info.category.id:
            self.chosen.emit(info)
        self._pages.setCurrentWidget(self._pages.teaching)
        self._pages.teaching.setFocus()
        self.teaching.begin(info.category.id)

    def _connect_lists(self) -> None:
        shelf, section = self._shelf, self._sidebar.categories
        shelf.changed.connect(self._on_changed)
        self._session.contents.changed.connect(self._on_contents)
        section.invent_wanted.connect(self.invent)
        section.tree.chosen.connect(self.chosen)
        section.tree.renamed.connect(self._rename)
        section.tree.remove_wanted.connect(self._remove)

    def _connect_changes(self) -> None:
        bar = self._page.category_bar
        bar.judged.connect(self._judge)
        bar.edit_wanted.connect(lambda: self._for_shown(self.edit))
        bar.teach_wanted.connect(lambda: self._for_shown(self.teach))
        self._page.category_wanted.connect(self.invent)
        self.editing.saved.connect(self._on_saved)
        self.editing.ended.connect(self._on_editing_ended)
        self.teaching.ended.connect(self._on_teaching_ended)

    def _on_changed(self) -> None:
        """The categories or their numbers are new."""
        is_read_only = self._shelf.is_read_only
        self._sidebar.categories.show_categories(self._shelf.infos, is_read_only)
        self._sidebar.categories.tree.show_keys({} if is_read_only else self._shelf.keys.digits)
        self._page.allow_categories(not is_read_only)
        self._page.category_bar.set_editable(not is_read_only, sentences.read_only() if is_read_only else "")
        shown = self._session.contents.category_id
        if shown is not None and self._shelf.info(shown) is None:
            self.gone.emit()
        elif shown is not None:
            self._render()

    def _on_contents(self, contents: Contents) -> None:
        self._contents = contents
        self.editing.mark(contents)
        self._render()

    def _render(self) -> None:
        info = self._session.category
        if info is not None and not self.editing.is_open:
            is_unsure = self._contents is not None and not self._contents.ids and bool(self._contents.maybe)
            remark = sentences.nothing_sure() if is_unsure else sentences.remark(info)
            self._page.show_members(wording.one_line(info.name), remark, self._contents)

    def _for_shown(self, action: Callable[[CategoryInfo], None]) -> None:
        info = self._session.category
        if info is not None:
            action(info)

    def _judge(self, photo_ids: list[int], is_member: bool) -> None:
        shown = self._session.contents.category_id
        if shown is not None:
            self._shelf.judge(shown, photo_ids, is_member)

    def _rename(self, info: CategoryInfo, name: str) -> None:
        self._shelf.change(replace(info.category, name=name), info.category)

    def _remove(self, info: CategoryInfo) -> None:
        if not self._shelf.is_read_only:
            self._shelf.remove(info.category.id)

    def _on_saved(self, category_id: int) -> None:
        info = self._shelf.info(category_id)
        if info is not None:
            self.chosen.emit(info)

    def _on_editing_ended(self) -> None:
        """Show again what was shown before."""
        if self._session.category is None:
            self._page.hide_members()
        self._render()
        self._page.take_focus()

    def _on_teaching_ended(self) -> None:
        if self._pages.currentWidget() is self._pages.teaching:
            self._pages.setCurrentWidget(self._page)
            self._page.take_focus()
