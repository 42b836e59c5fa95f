# ruff: noqa: N802 - Qt's own names
"""The left side of the window: the pages, the categories, and the folders that the user added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipsearch.records import Folder
from clipsearch.ui import wording
from clipsearch.ui.categories.section import CategorySection
from clipsearch.ui.icons import icon
from clipsearch.ui.widgets import ElidedButton, label, mark, push_button, tool_button

USUAL_WIDTH_PX = 232
_LEAST_WIDTH_PX, _MOST_WIDTH_PX = 190, 460
_LEAST_ROWS_PX = 72  # two folders


class Place(Enum):
    """The pages that the sidebar leads to."""

    PHOTOS = auto()
    PROBLEMS = auto()
    MODELS = auto()


class Sidebar(QWidget):
    """Leads to the pages and categories; lists the folders, each with a menu of its own."""

    place_chosen = Signal(object)  # Place
    folder_chosen = Signal(object)  # Folder
    add_wanted = Signal()
    update_wanted = Signal(object)  # Folder
    remove_wanted = Signal(object)  # Folder
    reveal_wanted = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        self.setMaximumWidth(_MOST_WIDTH_PX)
        self._folders: list[Folder] | None = None
        self._folder_buttons: dict[int, QPushButton] = {}
        self.categories = CategorySection()
        self._shown_id: int | None = None  # of the folder whose photos are shown
        self._photos = _place_button("photos", self.tr("All photos"), lambda: self._choose(Place.PHOTOS))
        self._problems = _place_button("warning", self.tr("Problems"), lambda: self._choose(Place.PROBLEMS))
        self._models = _place_button("model", self.tr("Models"), lambda: self._choose(Place.MODELS))
        self._buttons = {Place.PHOTOS: self._photos, Place.PROBLEMS: self._problems, Place.MODELS: self._models}
        self._add = push_button("folder-add", self.tr("Add folder…"), self.add_wanted.emit)
        self._mark(self._photos)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(1)
        self._lay_out()
        self.show_problem_count(0)

    @property
    def photos_button(self) -> QPushButton:
        """The button that leads to all photos."""
        return self._photos

    def show_place(self, place: Place) -> None:
        """Mark the page that is open."""
        self._shown_id = None
        self.categories.tree.mark(None)
        self._mark(self._buttons[place])

    def show_folder(self, folder: Folder) -> None:
        """Mark the folder whose photos are shown."""
        self._shown_id = folder.id
        self.categories.tree.mark(None)
        self._mark_folder()

    def show_category(self, category_id: int) -> None:
        """Mark the category whose photos are shown."""
        self._shown_id = None
        self._mark(None)
        self.categories.tree.mark(category_id)

    def show_problem_count(self, count: int) -> None:
        """Say how many files could not be read."""
        text = self.tr("Problems ({count})").format(count=wording.number(count)) if count else self.tr("Problems")
        self._problems.setText(f" {text}")
        self._problems.setAccessibleName(text)

    def show_folders(self, folders: Sequence[Folder]) -> None:
        """List these folders; the same ones again change nothing."""
        if list(folders) == self._folders:
            return
        self._folders = list(folders)
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._folder_buttons = {folder.id: self._add_folder(folder) for folder in self._folders}
        self._mark_folder()
        self._order_tabs()

    def folder_menu(self, folder: Folder) -> QMenu:
        """What can be done with a folder."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        reveal = menu.addAction(icon("reveal"), self.tr("Show in file manager"))
        reveal.triggered.connect(lambda: self.reveal_wanted.emit(folder.path))
        update = menu.addAction(icon("refresh"), self.tr("Update now"))
        update.triggered.connect(lambda: self.update_wanted.emit(folder))
        menu.addSeparator()
        remove = menu.addAction(icon("remove"), self.tr("Remove from the library…"))
        remove.triggered.connect(lambda: self.remove_wanted.emit(folder))
        return menu

    def _add_folder(self, folder: Folder) -> QPushButton:
        row = _FolderRow(folder, self)
        self._rows.addWidget(row)
        return row.button

    def _mark_folder(self) -> None:
        button = self._folder_buttons.get(self._shown_id) if self._shown_id is not None else None
        if button is not None:
            self._mark(button)

    def _mark(self, shown: QPushButton | None) -> None:
        """Let one button at most be the one that is shown. No button group: in one, Tab reaches only that."""
        for button in (*self._buttons.values(), *self._folder_buttons.values()):
            button.setChecked(button is shown)

    def _order_tabs(self) -> None:
        """Let Tab go from top to bottom."""
        rows = [button.parentWidget() for button in self._folder_buttons.values()]
        inner = [button for row in rows if row is not None for button in row.findChildren(QAbstractButton)]
        order = [*self._buttons.values(), *self.categories.tab_order, *inner, self._add]
        for one, other in pairwise(order):
            QWidget.setTabOrder(one, other)

    def _choose(self, place: Place) -> None:
        self.place_chosen.emit(place)

    def _lay_out(self) -> None:
        caption = label(self.tr("Folders"), "caption")
        caption.setContentsMargins(12, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 14, 11, 12)
        layout.setSpacing(2)
        for button in self._buttons.values():
            layout.addWidget(button)
        layout.addSpacing(12)
        layout.addWidget(self.categories)
        layout.addSpacing(12)
        layout.addWidget(caption)
        layout.addSpacing(4)
        layout.addWidget(self._folder_area())
        layout.addStretch(1)
        layout.addWidget(self._add)

    def _folder_area(self) -> QScrollArea:
        body = QWidget()
        body.setObjectName("folderRows")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._rows)
        column.addStretch()
        area = _FolderArea()
        area.setObjectName("folderArea")
        area.setWidgetResizable(True)
        area.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(body)
        return area


class _FolderArea(QScrollArea):
    """As high as its folders, or less where there is no room for all of them."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()  # folders have come or gone
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        return QSize(0, self._rows_px())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, min(self._rows_px(), _LEAST_ROWS_PX))

    def _rows_px(self) -> int:
        body = self.widget()
        return body.sizeHint().height() if body is not None else 0


class _FolderRow(QWidget):
    """A folder's name, which shows its photos, and the button that opens its menu."""

    def __init__(self, folder: Folder, sidebar: Sidebar) -> None:
        super().__init__()
        self._folder = folder
        self._sidebar = sidebar
        self.setToolTip(self._tool_tip())
        sign, name = "folder-offline" if folder.offline else "folder", wording.one_line(wording.folder_name(folder))
        self.button = ElidedButton(sign, name, lambda: sidebar.folder_chosen.emit(folder))
        self.button.setObjectName("place")
        self.button.setCheckable(True)
        mark(self.button, "away", folder.offline)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(4)
        row.addWidget(self.button, 1)
        row.addWidget(self._menu_button())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu(event.globalPos())

    def _tool_tip(self) -> str:
        path = wording.elided_path(self._folder.path)
        if not self._folder.offline:
            return path
        return self.tr("{path}\nCannot be reached now; its photos can still be found.").format(path=path)

    def _menu_button(self) -> QToolButton:
        text = self.tr("What to do with {name}").format(name=wording.one_line(wording.folder_name(self._folder)))
        button = tool_button("more", text, lambda: self._open_menu(button.mapToGlobal(button.rect().bottomLeft())), 16)
        return button

    def _open_menu(self, place: QPoint) -> None:
        self._sidebar.folder_menu(self._folder).popup(place)


def _place_button(icon_name: str, text: str, action: Callable[[], object]) -> QPushButton:
    button = push_button(icon_name, text, action)
    button.setObjectName("place")
    button.setCheckable(True)
    return button
