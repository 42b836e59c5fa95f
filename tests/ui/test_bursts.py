"""The burst of a photo: told beside the large picture, and shown in the grid."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from clipsearch.records import Photo
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_model import Role
from clipsearch.ui.session import Session
from tests.ui.fake_library import FakeLibrary


def open_photo(qtbot, window: MainWindow, session: Session, photo_id: int) -> None:
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() > 0)
    row = session.model.row_of(photo_id)
    qtbot.waitUntil(lambda: session.model.photo(row) is not None)
    window.pages.open_photo(row)


def texts(window: MainWindow) -> list[str]:
    return [label.text() for label in window.pages.photo.details.widget().findChildren(QLabel)]


def button(window: MainWindow) -> QPushButton | None:
    return window.pages.photo.details.widget().findChild(QPushButton)


def test_a_burst_is_told_and_fills_the_grid_in_order_of_capture(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.bursts = {20: [22, 20, 21]}
    open_photo(qtbot, window, session, 20)
    qtbot.waitUntil(lambda: button(window) is not None)
    assert "One of a burst of 3" in texts(window)
    button(window).click()
    model, page = session.model, window.pages.photos
    qtbot.waitUntil(lambda: model.rowCount() == 3)
    assert [model.index(row).data(Role.ID) for row in range(3)] == [22, 20, 21]
    assert model.index(0).data(Role.HIT) is None
    assert page.isVisible()
    assert page._heading.text() == "Burst of 3 photos"
    assert page._remark.text() == "around boat_20.jpg"
    qtbot.keyClick(page.grid, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: model.rowCount() == 30)


def test_a_shot_alone_is_no_burst(qtbot, window: MainWindow, session: Session) -> None:
    open_photo(qtbot, window, session, 20)
    with qtbot.waitSignal(window.pages.bursts.found):
        window.pages._on_photo_shown()
    assert button(window) is None


def test_the_burst_of_another_photo_is_not_told(qtbot, window: MainWindow, session: Session) -> None:
    open_photo(qtbot, window, session, 20)
    others = [session.library.photos([id_])[0] for id_ in (7, 8)]
    window.pages.photo.details.show_burst(others[0], others)
    assert button(window) is None


def test_a_photo_without_time_or_camera_is_not_looked_up(qtbot, window: MainWindow, library: FakeLibrary) -> None:
    library.bursts = {1: [1, 2]}
    with qtbot.assertNotEmitted(window.pages.bursts.found, wait=50):
        window.pages.bursts.look_up(Photo(1, "", 1, 1, 1, 1, (), captured_at="2024-05-01T12:00:00"))
