"""Photos leave the grid and the large view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QWidget

from clipsearch.ui.dragging import files, mime
from clipsearch.ui.dragging.intent import Deed
from clipsearch.ui.dragging.photo_drags import MOST_FILES, files_of
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_grid import PhotoGrid
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.session import Session
from tests.ui.fake_library import FakeLibrary, photo_of

_LIBRARY = FakeLibrary.folder


class Exec:
    """Takes the place of the drag's own loop, in which the mouse is followed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, outcome: Qt.DropAction) -> None:
        self.drags: list[QDrag] = []
        self.actions: list[Qt.DropAction] = []
        self.ids: list[int] = []
        self.during = lambda data: None
        self._outcome = outcome
        monkeypatch.setattr(QDrag, "exec", self.as_method())

    def as_method(self) -> Callable[[QDrag, Qt.DropAction], Qt.DropAction]:
        def run(drag: QDrag, actions: Qt.DropAction) -> Qt.DropAction:
            return self.run(drag, actions)

        return run

    def run(self, drag: QDrag, actions: Qt.DropAction) -> Qt.DropAction:
        self.drags.append(drag)
        self.actions.append(actions)
        self.during(drag.mimeData())
        dragged = mime.photos_in(drag.mimeData(), _LIBRARY)
        self.ids = list(dragged.photo_ids) if dragged else []
        return self._outcome


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> Exec:
    return Exec(monkeypatch, Qt.DropAction.CopyAction)


@pytest.fixture
def grid(qtbot, window: MainWindow, session: Session) -> PhotoGrid:
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30 and session.model.photo(0) is not None)
    return window.pages.photos.grid


def _select(grid: PhotoGrid, *rows: int) -> None:
    for row in rows:
        grid.selectionModel().select(grid.model().index(row, 0), grid.selectionModel().SelectionFlag.Select)
    flag = grid.selectionModel().SelectionFlag.NoUpdate
    grid.selectionModel().setCurrentIndex(grid.model().index(rows[-1], 0), flag)


def test_what_is_selected_is_dragged_the_photo_under_the_mouse_first(grid: PhotoGrid, copied: Exec) -> None:
    _select(grid, 0, 1, 5, 3)
    grid.startDrag(Qt.DropAction.CopyAction)
    assert copied.ids == [27, 30, 29, 25]
    assert copied.actions == [Qt.DropAction.CopyAction]  # other programs must not take the files away


def test_real_files_go_along_with_what_lies_beside_them(grid: PhotoGrid, copied: Exec) -> None:
    paths: list[Path] = []
    copied.during = lambda data: paths.extend(files.local_paths(data))
    _select(grid, 0, 1)
    grid.startDrag(Qt.DropAction.CopyAction)
    assert paths == [photo_of(29).path, photo_of(30).path]
    photo = replace(photo_of(1), companions=(Path("/photos/cat_1.NEF"), Path("/elsewhere/cat_1.NEF")))
    assert files_of(photo) == [photo.path, Path("/photos/cat_1.NEF")]
    assert files_of(replace(photo, offline=True)) == []


def test_a_hundred_thousand_photos_are_dragged_at_once_with_the_first_files(
    qtbot, library: FakeLibrary, *, window: MainWindow, session: Session, copied: Exec, monkeypatch
) -> None:
    session.model.show_photos(list(range(1, 100_001)))
    grid = window.pages.photos.grid
    grid.selectAll()
    told: list[str] = []
    window.dragging.photos.told.connect(told.append)

    def wait_for_files(data: QMimeData) -> None:
        qtbot.waitUntil(lambda: len(data.urls()) == MOST_FILES)

    copied.during = wait_for_files
    looks: list[int] = []
    look = PhotoModel.data
    monkeypatch.setattr(PhotoModel, "data", lambda model, *asked: looks.append(1) or look(model, *asked))
    grid.startDrag(Qt.DropAction.CopyAction)
    assert len(copied.ids) == 100_000
    assert len(looks) < 2_000  # those on the screen, not those selected
    assert len(library.fetched) <= 2 * MOST_FILES
    assert told == ["Of 100000 photos, the first 1000 were handed over."]


def test_the_large_view_gives_its_photo(qtbot, window: MainWindow, grid: PhotoGrid, copied: Exec) -> None:
    grid.photo_opened.emit(2)
    canvas = window.pages.photo.canvas
    qtbot.waitUntil(lambda: not canvas._picture.isNull())
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(canvas, QPoint(101, 100))
    assert copied.ids == []
    qtbot.mouseMove(canvas, QPoint(140, 140))
    assert copied.ids == [28]


def test_nothing_selected_is_no_drag(window: MainWindow, copied: Exec) -> None:
    window.dragging.photos.start(QWidget(), [])
    assert copied.drags == []


def test_the_pointer_tells_a_move_though_other_programs_may_only_copy(grid: PhotoGrid, copied: Exec, window) -> None:
    drags, cursors = window.dragging.photos, []

    def look(_: QMimeData) -> None:
        for deed in (Deed.PUT_IN, Deed.MOVE, Deed.TAKE_OUT, Deed.NOTHING):
            drags.show_deed(deed)
            cursors.append(drags._drag.dragCursor(Qt.DropAction.CopyAction).isNull())

    copied.during = look
    _select(grid, 0)
    grid.startDrag(Qt.DropAction.CopyAction)
    assert cursors == [True, False, False, True]
    drags.show_deed(Deed.MOVE)  # no drag, no pointer
