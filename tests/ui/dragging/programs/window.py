"""The window on a library, in a process of its own, that tells on its standard output where on the screen things are.

Each line on standard input asks for something, such as "tile 0"; each line of the answer is JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QRect, Signal
from PySide6.QtWidgets import QApplication, QWidget

from clipsearch.app import run_window
from clipsearch.ui.dragging.marks import row_of, zone_of
from clipsearch.ui.main_window import MainWindow

WIDTH, HEIGHT = 900, 780  # it leaves room on the screen for another program


class Teller(QObject):
    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.asked.connect(self._answer)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self.asked.emit(line.strip())

    def _answer(self, line: str) -> None:
        what, _, name = line.partition(" ")
        windows = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow)]
        answer = getattr(self, what)(windows[0], name) if windows else None
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()

    def place(self, window: MainWindow, _: str) -> bool:
        """Put the window into the upper left corner."""
        window.setGeometry(0, 0, WIDTH, HEIGHT)
        return True

    def tiles(self, window: MainWindow, _: str) -> list[int]:
        model = window.pages.photos.model
        return model.ids_between(0, model.rowCount() - 1)

    def selected(self, window: MainWindow, _: str) -> int:
        return len(window.pages.photos.grid.selected_ids())

    def loaded(self, window: MainWindow, _: str) -> bool:
        """Whether the first photos and their pictures are there."""
        session = window._session
        photos = [session.model.known(photo_id) for photo_id in session.model.ids_between(0, 2)]
        return bool(photos) and all(photo and session.thumbnails.pixmap(photo) for photo in photos)

    def tile(self, window: MainWindow, row: str) -> list[int]:
        grid = window.pages.photos.grid
        return _middle(grid.viewport(), grid.visualRect(grid.model().index(int(row), 0)))

    def grid(self, window: MainWindow, _: str) -> list[int]:
        viewport = window.pages.photos.grid.viewport()
        return _middle(viewport, viewport.rect())

    def category(self, window: MainWindow, name: str) -> list[int] | None:
        """The left half of a row: right of it is the mark "not this"."""
        row = self._row(window, name)
        viewport = window.sidebar.categories.tree.viewport()
        return _middle(viewport, row.adjusted(0, 0, -row.width() // 2, 0)) if row else None

    def not_this(self, window: MainWindow, name: str) -> list[int] | None:
        row = self._row(window, name)
        return _middle(window.sidebar.categories.tree.viewport(), zone_of(row)) if row else None

    def all_photos(self, window: MainWindow, _: str) -> list[int]:
        button = window.sidebar.photos_button
        return _middle(button, button.rect())

    def caption(self, window: MainWindow, _: str) -> list[int]:
        """The heading of the categories, which stands for the top level."""
        section = window.sidebar.categories
        return _middle(section, QRect(0, 0, section.width(), section.tree.y()))

    def words(self, window: MainWindow, _: str) -> str:
        """What a drop would do, as shown over the tree or beside it."""
        zone, section = window.dragging.take_out, window.sidebar.categories
        if window.dragging.tree.words.isVisible():
            return window.dragging.tree.words.accessibleName()
        if section.property("dropping"):
            return window.dragging.top_level.words.accessibleName()
        return zone.text() if zone.property("dropping") else ""

    def dropping(self, window: MainWindow, _: str) -> bool:
        """Whether the window shows that it would take what is dragged."""
        return bool(window.drop_area.property("dropping"))

    def offer(self, window: MainWindow, _: str) -> list[int] | None:
        """The button of the message that offers something."""
        button = window.messages._offer
        return _middle(button, button.rect()) if button.isVisible() else None

    def heading(self, window: MainWindow, _: str) -> str:
        return window.pages.photos._heading.text()

    @staticmethod
    def _row(window: MainWindow, name: str) -> QRect | None:
        tree = window.sidebar.categories.tree
        for item in tree._items.values():
            index = tree.indexFromItem(item)
            if item.text(0) == name and not tree.visualRect(index).isEmpty():
                return row_of(tree, index)
        return None


def _middle(widget: QWidget, place: QRect) -> list[int]:
    point: QPoint = widget.mapToGlobal(place.center())
    return [point.x(), point.y()]


if __name__ == "__main__":
    application = QApplication([])
    teller = Teller()
    sys.exit(run_window(Path(sys.argv[1])))
