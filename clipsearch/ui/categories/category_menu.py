"""The context menu of a category in the sidebar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu, QWidget

from clipsearch.records import CategoryInfo
from clipsearch.ui.categories import places
from clipsearch.ui.icons import icon


class CategoryMenu(QObject):
    """Emits what the user wants to be done with a category."""

    rename_wanted = Signal(object)  # CategoryInfo
    edit_wanted = Signal(object)  # CategoryInfo
    teach_wanted = Signal(object)  # CategoryInfo
    nest_wanted = Signal(object, object)  # CategoryInfo, the id of the category around it or None
    export_wanted = Signal(object)  # CategoryInfo
    share_wanted = Signal(object)  # CategoryInfo
    remove_wanted = Signal(object)  # CategoryInfo

    def build(self, info: CategoryInfo, infos: Sequence[CategoryInfo], reason: str, parent: QWidget) -> QMenu:
        """Return the menu of one of `infos`; with a `reason` why nothing can be changed, only what reads is offered."""
        menu = QMenu(parent)
        rename = menu.addAction(self.tr("Rename") + "\tF2", lambda: self.rename_wanted.emit(info))
        edit = menu.addAction(icon("edit"), self.tr("Edit…"), lambda: self.edit_wanted.emit(info))
        teach = menu.addAction(icon("teach"), self.tr("Teach…"), lambda: self.teach_wanted.emit(info))
        nest = self._add_nesting(menu, info, infos)
        menu.addSeparator()
        menu.addAction(icon("export"), self.tr("Export to a folder…"), lambda: self.export_wanted.emit(info))
        menu.addAction(self.tr("Share…"), lambda: self.share_wanted.emit(info))
        menu.addSeparator()
        remove = menu.addAction(icon("remove"), self.tr("Remove") + "\tDel", lambda: self.remove_wanted.emit(info))
        for action in (rename, edit, teach, nest.menuAction(), remove):
            action.setEnabled(not reason)
        if reason:
            menu.addAction(reason).setEnabled(False)
        return menu

    def _add_nesting(self, menu: QMenu, info: CategoryInfo, infos: Sequence[CategoryInfo]) -> QMenu:
        """Offer every category but the one itself and those inside it."""
        names = places.full_names(infos)
        nest = menu.addMenu(self.tr("Nest in"))
        top = nest.addAction(self.tr("No other category"), lambda: self.nest_wanted.emit(info, None))
        top.setEnabled(info.category.parent_id is not None)
        nest.addSeparator()
        inside = _ids_inside(info.category.id, infos)
        for other in infos:
            if other.category.id not in inside:
                self._add_place(nest, info, other.category.id, names[other.category.id])
        return nest

    def _add_place(self, nest: QMenu, info: CategoryInfo, other_id: int, name: str) -> None:
        entry = nest.addAction(name.replace("&", "&&"), lambda: self.nest_wanted.emit(info, other_id))
        entry.setEnabled(other_id != info.category.parent_id)


def _ids_inside(category_id: int, infos: Sequence[CategoryInfo]) -> set[int]:
    """Return the ids of a category and of all that is nested in it."""
    inside, before = {category_id}, set[int]()
    while inside != before:
        before = set(inside)
        inside |= {info.category.id for info in infos if info.category.parent_id in inside}
    return inside
