"""The window as a whole, over the hand-written library."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox

from clipsearch.errors import CatalogError
from clipsearch.records import Folder, Problem
from clipsearch.ui import dialogs
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_grid import USUAL_TILE
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Place
from clipsearch.ui.theme import DARK, Appearance, Theme
from tests.ui.dragging.events import data_of, drop_event, enter_event
from tests.ui.fake_library import FakeLibrary


def _ready(qtbot, window: MainWindow, session: Session, count: int = 30) -> None:
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() == count)


def test_an_empty_library_invites_to_add_a_folder(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.ids, library.added_folders = [], []
    session.start()
    qtbot.waitUntil(window.pages.photos.empty.isVisible)
    assert window.pages.photos.empty.title == "Drop a folder of photos here"


def test_a_library_that_cannot_be_opened_is_told(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.open_error = CatalogError("This library was made by a newer clipsearch.")
    session.start()
    qtbot.waitUntil(window.messages.isVisible)
    assert "made by a newer clipsearch" in window.messages.text
    assert "not open" in window.status._counts.text()


def test_what_needs_a_library_that_is_not_open_is_refused_at_once(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, tmp_path: Path
) -> None:
    library.open_error = CatalogError("The file is damaged.")
    session.start()
    qtbot.waitUntil(window.messages.isVisible)
    for action in (lambda: window.search_bar.ask("dog"), lambda: window.folders.index([tmp_path])):
        window.messages.hide()
        action()
        assert "The file is damaged." in window.messages.text
        assert window.messages.isVisible()
        assert window.messages._retry.isVisible()
        assert window._busy.maximum() == 1
    assert library.asked == library.indexed == []


def test_opening_can_be_tried_again(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, tmp_path: Path
) -> None:
    library.open_error = CatalogError("The file is damaged.")
    session.start()
    session.index([tmp_path])
    window.search_bar.ask("dog")
    qtbot.waitUntil(window.messages.isVisible)
    assert window._busy.maximum() == 1
    window.messages._retry.click()
    assert not window.messages.isVisible()
    qtbot.waitUntil(window.messages.isVisible)
    library.open_error = None
    window.messages._retry.click()
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    qtbot.waitUntil(lambda: library.indexed == [([tmp_path], False)])
    assert not window.messages.isVisible()


def test_other_failures_offer_no_second_try(window: MainWindow) -> None:
    window.messages.show_failure(CatalogError("The file is damaged."), can_retry=True)
    window.messages.show_failure(ValueError("boom"))
    assert not window.messages._retry.isVisible()


def test_dropped_folders_are_indexed_and_the_grid_fills(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, tmp_path: Path
) -> None:
    _ready(qtbot, window, session)
    (tmp_path / "a file.txt").touch()
    data = data_of([tmp_path, tmp_path / "a file.txt"])
    enter = enter_event(data)
    window.drop_area.dragEnterEvent(enter)
    assert enter.isAccepted()
    drop = drop_event(data)
    window.drop_area.dropEvent(drop)
    assert drop.dropAction() == Qt.DropAction.CopyAction  # the folder must stay where it is
    qtbot.waitUntil(lambda: session.model.rowCount() == 35)
    assert library.indexed == [([tmp_path], False)]
    assert "5 new" in window.status._counts.text()


def test_folders_given_before_the_library_is_open_wait(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, tmp_path: Path
) -> None:
    library.may_open.clear()
    session.start()
    session.index([tmp_path])
    qtbot.wait(20)
    assert library.indexed == []
    library.may_open.set()
    qtbot.waitUntil(lambda: session.model.rowCount() == 35)


def test_a_run_can_be_paused_resumed_and_cancelled(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    _ready(qtbot, window, session)
    library.steps, library.step_s = 10_000, 0.002
    with qtbot.waitSignal(session.runs.progressed):
        window.folders.update_all()
    status = window.status
    status._pause.click()
    assert session.runs.is_paused
    assert status._step.text().startswith("Paused · ")
    status._pause.click()
    assert not session.runs.is_paused
    with qtbot.waitSignal(session.runs.ended) as ended:
        status._cancel.click()
    assert ended.args == [None]
    assert library.generator_closed.is_set()
    assert not status._cancel.isVisible()
    qtbot.waitUntil(lambda: session.model.rowCount() == len(library.ids) > 30)


def test_a_failing_run_is_told(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    window.folders.index([Path("/missing")])
    qtbot.waitUntil(window.messages.isVisible)
    assert window.messages.text == "Folder not found: There is no folder /missing."
    assert not session.runs.is_running


def test_closing_during_indexing_stops_it_and_keeps_what_is_done(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    _ready(qtbot, window, session)
    library.steps, library.step_s = 10_000, 0.002
    with qtbot.waitSignal(session.runs.progressed):
        window.folders.update_all()
    window.close()
    session.close()
    assert library.generator_closed.is_set()
    assert library.is_closed
    assert len(library.ids) > 30


def test_a_search_takes_in_new_photos(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    _ready(qtbot, window, session)
    window.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    library.steps = 12
    window.folders.update_all()
    qtbot.waitUntil(lambda: session.model.sure_count == 7)


def test_problems_are_listed_and_tried_again(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    library.found_problems = [Problem(Path("/photos/torn\n.jpg"), "This file is cut off.")]
    _ready(qtbot, window, session)
    assert "1" in window.sidebar._problems.text()
    window.show_place(Place.PROBLEMS)
    model = window.pages.problems.model
    assert [model.index(0, column).data() for column in range(3)] == ["torn�.jpg", "This file is cut off.", "/photos"]
    library.found_problems = []
    window.pages.problems._retry.click()
    qtbot.waitUntil(lambda: model.rowCount() == 0)
    assert library.indexed == [(None, True)]


def test_the_large_view_goes_from_photo_to_photo(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    qtbot.waitUntil(lambda: session.model.photo(0) is not None)
    window.pages.photos.grid.photo_opened.emit(0)
    view = window.pages.photo
    assert view.isVisible()
    assert view.photo is not None and view.photo.id == 30
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.photo.id == 29
    qtbot.keyClick(view, Qt.Key.Key_Left)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.photo.id == 30
    qtbot.waitUntil(lambda: view.canvas._picture.width() == 1600)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert window.pages.photos.grid.isVisible()
    assert window.pages.photos.grid.currentIndex().row() == 0


def test_the_large_view_says_why_a_photo_cannot_be_shown(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    row = session.model.row_of(25)  # a cat
    qtbot.waitUntil(lambda: session.model.photo(row) is not None)
    window.pages.photos.grid.photo_opened.emit(row)
    qtbot.waitUntil(lambda: "cut off" in window.pages.photo.canvas._text)


def test_the_large_view_leaves_the_fold_out(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    window.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    session.model.set_unfolded(True)
    window.pages.photos.grid.photo_opened.emit(4)
    first = window.pages.photo.photo
    qtbot.keyClick(window.pages.photo, Qt.Key.Key_Right)
    assert window.pages.photo.photo != first
    assert session.model.row_of(window.pages.photo.photo.id) == 6


def test_removing_a_folder_asks_first(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    _ready(qtbot, window, session)
    window.sidebar.remove_wanted.emit(Folder(1, Path("/photos")))
    box = window.findChild(QMessageBox)
    assert "stay on disk" in box.informativeText()
    assert library.added_folders
    next(button for button in box.buttons() if button.text() == "Remove").click()
    qtbot.waitUntil(lambda: session.model.rowCount() == 0)
    assert library.added_folders == []


def test_removing_a_folder_goes_on_indexing_the_others(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, tmp_path: Path
) -> None:
    _ready(qtbot, window, session)
    library.steps, library.step_s = 10_000, 0.002
    with qtbot.waitSignal(session.runs.progressed):
        session.runs.request(retry_problems=True)
    session.index([Path("/photos/in it"), tmp_path])
    session.index([Path("/photos")])
    library.steps = 5
    with qtbot.waitSignal(session.runs.folder_removed):
        session.runs.remove_folder(Folder(1, Path("/photos")))
    qtbot.waitUntil(lambda: not session.runs.is_running)
    assert library.indexed == [(None, True), (None, True), ([tmp_path], False)]


def test_removing_a_folder_starts_no_run_that_was_stopped(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    _ready(qtbot, window, session)
    library.steps, library.step_s = 10_000, 0.002
    with qtbot.waitSignal(session.runs.progressed):
        window.folders.update_all()
    session.runs.remove_folder(Folder(1, Path("/photos")))
    with qtbot.waitSignal(session.runs.folder_removed):
        session.runs.cancel()
    assert not session.runs.is_running
    assert len(library.indexed) == 1


def test_indexing_goes_on_when_a_folder_cannot_be_removed(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, monkeypatch
) -> None:
    _ready(qtbot, window, session)
    monkeypatch.setattr(library, "remove_folder", lambda _: 1 // 0)
    library.steps, library.step_s = 10_000, 0.002
    with qtbot.waitSignal(session.runs.progressed):
        window.folders.update_all()
    session.runs.remove_folder(Folder(1, Path("/photos")))
    qtbot.waitUntil(window.messages.isVisible)
    qtbot.waitUntil(lambda: len(library.indexed) == 2)


def test_a_broken_store_does_not_keep_the_window_from_starting(
    qtbot, session: Session, store: QSettings, tmp_path: Path
) -> None:
    (tmp_path / "window.ini").write_text("[General]\ntile_px=abc\ngeometry=abc\nunfolded=abc\nappearance=abc\n")
    store.sync()
    assert store.value("tile_px") == "abc"
    window = MainWindow(session, Theme(QApplication.instance(), store), store)
    qtbot.addWidget(window)
    assert window.pages.photos.grid.tile_px == USUAL_TILE


def test_pictures_offered_are_those_that_can_be_read(qtbot, window: MainWindow) -> None:
    dialog = dialogs.choose_picture(window, Path.home(), lambda _: None)
    patterns = dialog.nameFilters()[0]
    dialog.close()
    assert all(f"*{suffix}" in patterns for suffix in (".jpg", ".jfif", ".avif"))
    assert "*.heic" in patterns and "*.mp4" not in patterns


def test_geometry_and_tiles_are_remembered(qtbot, window: MainWindow, session: Session, store: QSettings) -> None:
    window.resize(760, 543)
    window.pages.photos.set_tile_px(250)
    window._columns.setSizes([222, 538])
    window.close()
    again = MainWindow(session, Theme(QApplication.instance(), store), store)
    qtbot.addWidget(again)
    assert (again.width(), again.height()) == (760, 543)
    assert again.pages.photos.grid.tile_px == 250
    again.show()
    assert again.sidebar.width() == 222


def test_dark_can_be_chosen_and_is_remembered(qtbot, window: MainWindow, store: QSettings) -> None:
    window.menus.appearance_chosen.emit(Appearance.DARK)
    assert window.palette().window().color().name() == DARK.window
    assert store.value("appearance") == "dark"
    window.menus.appearance_chosen.emit(Appearance.SYSTEM)


def test_every_button_has_an_accessible_name(window: MainWindow) -> None:
    found = window.findChildren(QAbstractButton)
    buttons = [button for button in found if button.focusPolicy() != Qt.FocusPolicy.NoFocus and not button.isHidden()]
    assert len(buttons) > 10
    for button in buttons:
        assert button.accessibleName() or button.text(), button.objectName()


def test_long_names_do_not_widen_the_window(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    narrow = window.minimumSizeHint().width()
    window.pages.photo._name.setText("a very long name " * 30)
    window.search_bar.ask("a very long question " * 30)
    window.sidebar.show_folders([Folder(1, Path("/" + "long" * 40))])
    qtbot.waitUntil(window.pages.photos.empty.isVisible)
    assert window.minimumSizeHint().width() <= narrow
