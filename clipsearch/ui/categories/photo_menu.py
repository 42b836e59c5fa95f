"""The part of a photo's context menu that is about categories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories import places
from clipsearch.ui.icons import icon

_MOST_ROWS = 25  # a longer menu is worse to read than the palette is to type in


class Judge(Protocol):
    """What can be done with the chosen photos."""

    def judge(self, category_id: int, is_member: bool | None) -> None: ...
    def move(self, target_id: int) -> None: ...
    def take_out(self) -> None: ...
    def open_palette(self) -> object: ...


class PhotoMenu(QObject):
    """`digits` are the number keys by category; `shown` fills the grid: it can be left, and photos moved from it."""

    def __init__(
        self, infos: Sequence[CategoryInfo], digits: Mapping[int, int], shown: CategoryInfo | None, judge: Judge
    ) -> None:
        super().__init__()
        self._infos = infos
        self._shown = shown
        self._judge = judge
        self._names = places.full_names(infos)
        self._digits = digits

    def add_to(self, menu: QMenu, reason: str = "") -> None:
        """Add the entries; with a `reason` why nothing can be changed, they are greyed and it stands below them."""
        menu.addSeparator()
        put = menu.addMenu(icon("category"), self.tr("Put into"))
        self._fill(put, lambda category_id: self._judge.judge(category_id, True), with_keys=True)
        put.addSeparator()
        put.addAction(icon("add"), self.tr("New or other…") + "\tC", self._judge.open_palette)
        entries = [put.menuAction(), *(self._about_shown(menu, self._shown) if self._shown else self._about_any(menu))]
        for action in entries if reason else ():
            action.setEnabled(False)
        if reason:
            menu.addAction(reason).setEnabled(False)

    def _about_shown(self, menu: QMenu, shown: CategoryInfo) -> Sequence[QAction]:
        """What can be said of photos where a category is shown: they are moved, do not belong, or are left to it."""
        move = menu.addMenu(self.tr("Move to"))
        self._fill(move, self._judge.move, but=shown)
        move.menuAction().setEnabled(len(self._infos) > 1)
        name = _plain(wording.one_line(shown.name))
        out = menu.addAction(
            icon("not-this"), self.tr("Not “{name}”").format(name=name) + "\tDel", self._judge.take_out
        )
        back = menu.addAction(self.tr("Take back what you said"), lambda: self._judge.judge(shown.category.id, None))
        return [move.menuAction(), out, back]

    def _about_any(self, menu: QMenu) -> Sequence[QAction]:
        menus = [menu.addMenu(icon("not-this"), self.tr("Not this")), menu.addMenu(self.tr("Take back"))]
        self._fill(menus[0], lambda category_id: self._judge.judge(category_id, False))
        self._fill(menus[1], lambda category_id: self._judge.judge(category_id, None))
        for inner in menus:
            inner.menuAction().setEnabled(bool(self._infos))
        return [inner.menuAction() for inner in menus]

    def _fill(
        self,
        menu: QMenu,
        act: Callable[[int], object],
        but: CategoryInfo | None = None,
        with_keys: bool = False,
    ) -> None:
        others = [info.category.id for info in self._infos if info != but]
        for category_id in others[:_MOST_ROWS]:
            digit = self._digits.get(category_id) if with_keys else None
            text = _plain(self._names[category_id]) + (f"\t{digit}" if digit else "")
            menu.addAction(text).triggered.connect(_asking(act, category_id))


def _asking(act: Callable[[int], object], category_id: int) -> Callable[[bool], object]:
    return lambda _: act(category_id)


def _plain(text: str) -> str:
    """A text for a menu, in which "&" would underline the letter after it."""
    return text.replace("&", "&&")
