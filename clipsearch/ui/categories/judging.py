"""What the user says of the chosen photos by keyboard and menu, the same as by drag and drop."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QWidget

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.chosen import ChosenPhotos
from clipsearch.ui.categories.keys import PhotoKeys
from clipsearch.ui.categories.palette import Palette
from clipsearch.ui.categories.photo_menu import PhotoMenu
from clipsearch.ui.categories.shelf import Shelf


class Judging(QObject):
    """Puts the chosen photos into categories, takes them out, and takes back what was said of them.

    `shown` tells which category fills the grid, None: none does.
    """

    def __init__(
        self,
        shelf: Shelf,
        chosen: ChosenPhotos,
        keys: PhotoKeys,
        shown: Callable[[], CategoryInfo | None],
        pages: QWidget,
    ) -> None:
        super().__init__(pages)
        self._shelf = shelf
        self._chosen = chosen
        self._keys = keys
        self._shown = shown
        self._pages = pages
        keys.put_wanted.connect(lambda digit: self._judge_by_digit(digit, is_member=True))
        keys.reject_wanted.connect(lambda digit: self._judge_by_digit(digit, is_member=False))
        keys.palette_wanted.connect(self.open_palette)
        keys.take_out_wanted.connect(self.take_out)
        for signal in (chosen.changed, shelf.changed):
            signal.connect(self.offer)

    @property
    def can_judge(self) -> bool:
        return self._chosen.count > 0 and self._shelf.is_ready and not self._shelf.is_read_only

    def offer(self) -> None:
        """Let those keys act that have something to act on."""
        can = self.can_judge
        self._keys.offer(self._shelf.keys.digits.values() if can else (), can, can and self._shown() is not None)

    def open_palette(self) -> Palette | None:
        """Let the user choose a category by typing."""
        if not self.can_judge:
            return None
        palette = Palette(self._shelf.infos, self._shelf.keys.digits, self._chosen.count, self._pages)
        palette.put_wanted.connect(lambda category_id: self.judge(category_id, True))
        palette.take_out_wanted.connect(lambda category_id: self.judge(category_id, False))
        palette.new_wanted.connect(self.put_into_new)
        palette.open_over(self._pages)
        return palette

    def add_to_menu(self, menu: QMenu) -> None:
        """Add what can be said of the chosen photos to their context menu."""
        if self._chosen.count:
            reason = sentences.read_only() if self._shelf.is_read_only else ""
            PhotoMenu(self._shelf.infos, self._shelf.keys.digits, self._shown(), self).add_to(menu, reason)

    def judge(self, category_id: int, is_member: bool | None) -> None:
        """Put the chosen photos in (True) or out (False), or take back what was said of them (None)."""
        self._shelf.judge(category_id, self._chosen.ids, is_member)

    def move(self, target_id: int) -> None:
        """Take the chosen photos out of the category that is shown, and put them into another one."""
        shown = self._shown()
        if shown is not None:
            self._shelf.move(shown.category.id, target_id, self._chosen.ids)

    def take_out(self) -> None:
        """Take the chosen photos out of the category that is shown."""
        shown = self._shown()
        if shown is not None and self.can_judge:
            self.judge(shown.category.id, False)

    def put_into_new(self, name: str) -> None:
        """Make a category of which the chosen photos are the first examples."""
        self._shelf.add(Category(0, name), self._chosen.ids)

    def _judge_by_digit(self, digit: int, *, is_member: bool) -> None:
        category_id = self._shelf.keys.category(digit)
        if self.can_judge and category_id is not None:
            self.judge(category_id, is_member)
