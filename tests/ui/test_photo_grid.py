from __future__ import annotations

import time

from PySide6.QtCore import Qt

from clipsearch.records import Hit, Relevance
from clipsearch.ui.photo_grid import PhotoGrid
from clipsearch.ui.photo_model import PhotoModel, Role
from clipsearch.ui.tasks import Tasks
from clipsearch.ui.thumbnails import Thumbnails
from tests.ui.fake_library import FakeLibrary, photo_of


def _grid(qtbot, tasks: Tasks) -> tuple[PhotoGrid, PhotoModel]:
    model = PhotoModel()
    grid = PhotoGrid(model, Thumbnails(FakeLibrary(), tasks))
    model.details_wanted.connect(lambda ids: model.add_details([photo_of(id_) for id_ in ids]))
    qtbot.addWidget(grid)
    grid.resize(800, 600)
    grid.show()
    return grid, model


def test_a_hundred_thousand_photos_show_fast_and_load_only_what_is_seen(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    asked: list[int] = []
    model.details_wanted.connect(asked.extend)
    start = time.perf_counter()
    model.show_photos(list(range(100_000)))
    grid.doItemsLayout()
    assert time.perf_counter() - start < 3.0
    qtbot.wait(50)
    grid.scrollTo(model.index(50_000))
    qtbot.waitUntil(lambda: 50_000 in asked)
    assert len(asked) < 1_000


def test_a_thumbnail_that_comes_lays_nothing_out_again(qtbot, tasks: Tasks, monkeypatch) -> None:
    grid, model = _grid(qtbot, tasks)
    model.show_photos(list(range(1000)))
    qtbot.wait(50)
    layouts: list[int] = []
    monkeypatch.setattr(grid, "doItemsLayout", lambda: layouts.append(1))
    model.picture_changed(3)
    model.add_details([photo_of(4)])
    qtbot.wait(50)
    assert layouts == []


def test_tiles_fill_the_width(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    model.show_photos(list(range(100)))
    for width in (500, 777, 1200):
        grid.resize(width, 600)
        qtbot.wait(1)
        side = grid.gridSize().width()
        spare = grid.viewport().width() - side * (grid.viewport().width() // side)
        assert spare < 12
    grid.set_tile_px(300)
    assert grid.gridSize().width() > 240


def test_new_photos_do_not_move_what_is_looked_at(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    model.show_photos(list(range(1000)))
    grid.scrollTo(model.index(500), PhotoGrid.ScrollHint.PositionAtTop)
    grid.setCurrentIndex(model.index(505))
    top = grid.visualRect(model.index(500)).top()
    with grid.place_kept():
        model.show_photos([*range(2000, 2040), *range(1000)])
    row = model.row_of(500)
    assert row == 540
    assert abs(grid.visualRect(model.index(row)).top() - top) < grid.gridSize().height()
    assert grid.currentIndex().data(Role.ID) == 505


def test_all_of_a_large_library_can_be_selected_and_refreshed(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    model.show_photos(list(range(100_000)))
    grid.selectAll()
    start = time.perf_counter()
    with grid.place_kept():
        model.show_photos(list(range(100_001)))
    assert time.perf_counter() - start < 3.0
    assert grid.selectionModel().isSelected(model.index(50))


def test_at_the_top_new_photos_come_into_sight(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    model.show_photos(list(range(1000)))
    with grid.place_kept():
        model.show_photos([2000, *range(1000)])
    assert grid.verticalScrollBar().value() == 0


def test_enter_and_double_click_open_a_photo(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    model.show_photos([7, 8, 9])
    grid.setCurrentIndex(model.index(1))
    with qtbot.waitSignal(grid.photo_opened) as opened:
        qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert opened.args == [1]
    with qtbot.waitSignal(grid.photo_opened) as opened:
        place = grid.visualRect(model.index(2)).center()
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.args == [2]


def test_the_fold_opens_by_click_and_by_key(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    kinds = (Relevance.STRONG, Relevance.WEAK, Relevance.WEAK)
    model.show_hits([Hit(rank, photo_of(rank), 1.0, kind) for rank, kind in enumerate(kinds, 1)])
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.visualRect(model.index(1)).center())
    assert model.rowCount() == 4
    grid.setCurrentIndex(model.index(1))
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert model.rowCount() == 2


def test_tiles_paint_in_every_state(qtbot, tasks: Tasks) -> None:
    grid, model = _grid(qtbot, tasks)
    kinds = (Relevance.STRONG, Relevance.LIKELY, Relevance.WEAK)
    model.show_hits([Hit(rank, photo_of(rank), 1.0, kind) for rank, kind in enumerate(kinds, 1)])
    model.set_unfolded(True)
    grid.setCurrentIndex(model.index(0))
    grid.setFocus()
    blank = grid.grab().toImage()
    qtbot.waitUntil(lambda: grid.grab().toImage() != blank)


def test_a_thumbnail_that_was_not_made_yet_is_asked_for_again(qtbot, tasks: Tasks, monkeypatch) -> None:
    library = FakeLibrary()
    thumbnails = Thumbnails(library, tasks)
    monkeypatch.setattr(library, "thumbnail", lambda photo: None)
    assert thumbnails.pixmap(photo_of(1)) is None
    qtbot.waitUntil(lambda: not tasks._tasks)
    monkeypatch.undo()
    assert thumbnails.pixmap(photo_of(1)) is None
    assert not tasks._tasks  # it is known not to be there
    with qtbot.waitSignal(thumbnails.retried):
        thumbnails.retry_absent()
    with qtbot.waitSignal(thumbnails.loaded):
        thumbnails.pixmap(photo_of(1))
    assert thumbnails.pixmap(photo_of(1)).width() == 320
