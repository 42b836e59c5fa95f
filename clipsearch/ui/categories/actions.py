"""What keys, menus and the palette do with categories, for a whole window; beside them stands drag and drop."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QMenu

from clipsearch.records import CategoryInfo
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.category_menu import CategoryMenu
from clipsearch.ui.categories.chosen import ChosenPhotos
from clipsearch.ui.categories.exchange.access import ExchangeAccess
from clipsearch.ui.categories.exchange.actions import ExchangeActions
from clipsearch.ui.categories.judging import Judging
from clipsearch.ui.categories.keys import PhotoKeys
from clipsearch.ui.categories.undo_bar import UndoBar
from clipsearch.ui.categories.undoing import Undoing
from clipsearch.ui.menus import Menus
from clipsearch.ui.pages import Pages
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Sidebar
from clipsearch.ui.status_bar import StatusBar


class CategoryActions(QObject):
    """Connects the parts of a window. Changing a category in detail is left to whoever hears `edit_wanted`."""

    invent_wanted = Signal()
    edit_wanted = Signal(object)  # CategoryInfo
    teach_wanted = Signal(object)  # CategoryInfo

    def __init__(self, session: Session, menus: Menus, sidebar: Sidebar, pages: Pages, status: StatusBar) -> None:
        super().__init__(pages)
        self._session = session
        self._shelf = session.shelf
        self._menus = menus
        self._tree = sidebar.categories.tree
        grid, view = pages.photos.grid, pages.photo
        self.chosen = ChosenPhotos(pages, grid, view, session.model)
        keys = PhotoKeys((grid, view), self)
        self.judging = Judging(self._shelf, self.chosen, keys, lambda: session.category, pages)
        self.undo_bar = UndoBar(pages)
        self.undo_bar.left.connect(pages.take_focus)
        self.undoing = Undoing(self._shelf, menus, self.undo_bar)
        pages.currentChanged.connect(lambda _: self.undo_bar.keep_away(pages.currentWidget() is pages.teaching))
        self.category_menu = CategoryMenu(self)
        self.exchange = ExchangeActions(ExchangeAccess(session.library), self._shelf, session.exchanging, pages)
        self.exchange.told.connect(status.show_news)
        self.exchange.changed.connect(self.undo_bar.show_done)
        self.exchange.failed.connect(session.failed)
        self.chosen.changed.connect(lambda: status.show_selection(self.chosen.count))
        for asking in (grid, view):
            asking.menu_opened.connect(self.judging.add_to_menu)
        menus.select_all.triggered.connect(grid.selectAll)
        self._connect_menus()
        self._connect_exchange()
        self._offer()

    def show_menu(self, info: CategoryInfo, place: QPoint) -> QMenu:
        """Open a category's menu at a place of the screen."""
        reason = sentences.read_only() if self._shelf.is_read_only else ""
        menu = self.category_menu.build(info, self._shelf.infos, reason, self._tree)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)
        return menu

    def _connect_menus(self) -> None:
        shelf, menu = self._shelf, self.category_menu
        self._menus.new_category.triggered.connect(lambda _: self.invent_wanted.emit())
        self._menus.put.triggered.connect(lambda _: self.judging.open_palette())
        self._tree.menu_wanted.connect(self.show_menu)
        menu.rename_wanted.connect(lambda info: self._tree.rename(info.category.id))
        menu.edit_wanted.connect(self.edit_wanted)
        menu.teach_wanted.connect(self.teach_wanted)
        menu.nest_wanted.connect(lambda info, parent_id: shelf.nest(info.category.id, parent_id))
        menu.remove_wanted.connect(lambda info: shelf.remove(info.category.id))
        for signal in (self.chosen.changed, shelf.changed):
            signal.connect(self._offer)

    def _connect_exchange(self) -> None:
        menus, menu, exchange = self._menus, self.category_menu, self.exchange
        menus.export.triggered.connect(lambda _: exchange.export())
        menus.write_table.triggered.connect(lambda _: exchange.write_table())
        menus.write_sidecars.triggered.connect(lambda _: exchange.write_sidecars())
        menus.import_keywords.triggered.connect(lambda _: exchange.import_keywords())
        menus.receive.triggered.connect(lambda _: exchange.receive())
        menu.export_wanted.connect(exchange.export)
        menu.share_wanted.connect(exchange.share)

    def _offer(self) -> None:
        """Let the menu bar offer what can be done now, with the reason where the library may not be written."""
        menus, shelf = self._menus, self._shelf
        is_writable = shelf.is_ready and not shelf.is_read_only
        menus.put.setEnabled(self.judging.can_judge)
        for action in (menus.new_category, menus.import_keywords, menus.receive):
            action.setEnabled(is_writable)
        for action in (menus.export, menus.write_table, menus.write_sidecars):
            action.setEnabled(bool(shelf.infos))
        reason = sentences.read_only() if shelf.is_read_only else ""
        for action in (menus.put, menus.new_category, menus.import_keywords, menus.receive):
            action.setToolTip(reason)
