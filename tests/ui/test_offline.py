"""Photos whose drive or share is away: pale in the grid, by their thumbnail in the large view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage

from clipsearch.records import Photo
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_grid import PhotoGrid
from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.session import Session
from clipsearch.ui.tasks import Tasks
from clipsearch.ui.thumbnails import Thumbnails
from tests.ui.fake_library import FakeLibrary, photo_of


def away(photo_id: int) -> Photo:
    return replace(photo_of(photo_id), offline=True)


@pytest.fixture
def nothing_within_reach(library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    def photos(ids: Sequence[int]) -> list[Photo]:
        return [away(id_) for id_ in ids]

    def picture(path: Path, max_side: int) -> QImage:
        raise AssertionError("a path out of reach is not to be touched")

    monkeypatch.setattr(library, "photos", photos)
    monkeypatch.setattr(library, "picture", picture)


def test_what_is_out_of_reach_is_pale_and_says_why(qtbot, tasks: Tasks) -> None:
    model = PhotoModel()
    grid = PhotoGrid(model, Thumbnails(FakeLibrary(), tasks))
    model.details_wanted.connect(lambda ids: model.add_details([photo_of(1), away(2)]))
    qtbot.addWidget(grid)
    grid.resize(500, 300)
    grid.show()
    model.show_photos([1, 2])
    qtbot.waitUntil(lambda: middle(grid, model, 0).saturation() > 100)  # the thumbnails have 120
    qtbot.waitUntil(lambda: 10 < middle(grid, model, 1).saturation() < 80)
    assert "not connected" not in model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "not connected" in model.index(1).data(Qt.ItemDataRole.ToolTipRole)


def test_photos_that_go_out_of_reach_while_they_are_shown_turn_pale(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.start()
    grid = window.pages.photos.grid
    qtbot.waitUntil(lambda: session.model.rowCount() > 0 and middle(grid, session.model, 0).saturation() > 100)
    monkeypatch.setattr(library, "photos", lambda ids: [away(id_) for id_ in ids])
    library.unreachable = {folder.path for folder in library.added_folders}
    session.drives.look()
    qtbot.waitUntil(lambda: 10 < middle(grid, session.model, 0).saturation() < 80)


def middle(grid: PhotoGrid, model: PhotoModel, row: int) -> QColor:
    """Return the colour in the middle of a tile."""
    place = grid.visualRect(model.index(row)).center() * grid.devicePixelRatioF()
    return grid.viewport().grab().toImage().pixelColor(place)


@pytest.mark.usefixtures("nothing_within_reach")
def test_the_large_view_shows_the_thumbnail_and_why(qtbot, window: MainWindow, session: Session) -> None:
    session.start()
    qtbot.waitUntil(lambda: session.model.photo(0) is not None)
    window.pages.photos.grid.photo_opened.emit(0)
    canvas = window.pages.photo.canvas
    qtbot.waitUntil(lambda: canvas._picture.width() == 320)
    assert "not connected" in canvas._text
    assert canvas._place().bottom() < canvas._text_room().top() < canvas.height()
    blank = QImage(canvas.grab().toImage())
    blank.fill(canvas.palette().window().color())
    assert canvas.grab().toImage() != blank


def test_an_answer_with_photos_that_went_out_of_reach_is_shown_anew(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.start()
    window.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    answer = library.search_text("dog", 100)
    gone = [replace(hit, photo=away(hit.photo.id)) for hit in answer]
    monkeypatch.setattr(library, "search_text", lambda query, limit: gone)
    session.searching.refresh()
    qtbot.waitUntil(lambda: bool(session.model.photo(0)) and session.model.photo(0).offline)
