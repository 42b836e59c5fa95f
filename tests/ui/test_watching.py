"""The window follows the folders by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from clipsearch import paths
from clipsearch.errors import CatalogError, LibraryBusyError
from clipsearch.files.scan import Place
from clipsearch.files.watching.dirty import Batch
from clipsearch.records import IndexCounts
from clipsearch.settings import Settings, save
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from clipsearch.ui.theme import Theme
from tests.ui.fake_library import FakeLibrary

PHOTOS, OTHER = Path("/photos"), Path("/other")
ONE, TWO, THREE = (Batch({folder: [Place(name)]}) for folder, name in ((PHOTOS, "a"), (OTHER, "b"), (PHOTOS, "c")))
_PATIENCE_MS = 30_000


@pytest.fixture
def begun(qtbot, session: Session) -> Session:
    with qtbot.waitSignal(session.opened):
        session.start()
    session.watching._again.setInterval(100)
    return session


def test_a_change_is_looked_at_and_shown(qtbot, window: MainWindow, begun: Session, library: FakeLibrary) -> None:
    with qtbot.waitSignal(begun.runs.ended) as ended:
        library.happened.append(ONE)
    assert library.looked_at == [ONE]
    assert ended.args == [IndexCounts(added=1)]
    qtbot.waitUntil(lambda: begun.model.rowCount() == 31)


def test_a_run_that_found_nothing_is_no_news(qtbot, begun: Session, library: FakeLibrary, monkeypatch) -> None:
    def found_nothing(_: object) -> object:
        return IndexCounts(unchanged=5)

    monkeypatch.setattr(library, "index_changes", found_nothing)
    with qtbot.waitSignal(begun.runs.ended) as ended:
        library.happened.append(ONE)
    assert ended.args == [None]


def test_changes_wait_for_the_run_under_way_and_go_together(qtbot, begun: Session, library: FakeLibrary) -> None:
    library.may_look.clear()
    library.happened.append(ONE)
    qtbot.waitUntil(lambda: library.looked_at == [ONE])
    begun.runs.pause()
    library.happened += [TWO, THREE]
    qtbot.waitUntil(lambda: library.happened == [])
    qtbot.wait(100)
    assert begun.runs.is_paused
    assert library.looked_at == [ONE]
    library.may_look.set()
    begun.runs.resume()
    qtbot.waitUntil(lambda: len(library.looked_at) == 2)
    assert library.looked_at[1].places == {OTHER: [Place("b")], PHOTOS: [Place("c")]}


def test_while_another_process_indexes_it_is_tried_again_quietly(
    qtbot, window: MainWindow, begun: Session, library: FakeLibrary
) -> None:
    library.change_errors = [LibraryBusyError("Another one."), LibraryBusyError("Another one.")]
    with qtbot.assertNotEmitted(begun.failed):
        library.happened.append(ONE)
        qtbot.waitUntil(lambda: library.looked_at == [ONE, ONE, ONE])
        qtbot.waitUntil(lambda: begun.model.rowCount() == 31)


def test_a_failure_is_told_and_looked_at_again_with_the_next_changes(
    qtbot, begun: Session, library: FakeLibrary
) -> None:
    library.change_errors = [CatalogError("The disk is full.")]
    with qtbot.waitSignal(begun.failed) as failed:
        library.happened.append(ONE)
    assert failed.args[0].message == "The disk is full."
    qtbot.wait(200)
    assert library.looked_at == [ONE]
    library.happened.append(TWO)
    qtbot.waitUntil(lambda: len(library.looked_at) == 2)
    assert library.looked_at[1].places.keys() == {PHOTOS, OTHER}


def test_what_the_user_stops_stays_stopped(qtbot, begun: Session, library: FakeLibrary) -> None:
    library.may_look.clear()
    library.happened.append(ONE)
    qtbot.waitUntil(lambda: library.looked_at == [ONE])
    with qtbot.waitSignal(begun.runs.ended):
        begun.runs.cancel()
    qtbot.wait(200)
    assert library.looked_at == [ONE]


def test_a_folder_that_is_polled_is_told(qtbot, window: MainWindow, begun: Session, library: FakeLibrary) -> None:
    with qtbot.waitSignal(begun.watching.noticed):
        library.happened.append("/photos is looked through every minute.")
    assert "looked through every minute" in window.status._counts.text()


def test_it_ends_with_the_window(qtbot, begun: Session, library: FakeLibrary) -> None:
    begun.stop()
    library.happened.append(ONE)
    qtbot.wait(100)
    assert library.looked_at == []


# On the real thing


@pytest.fixture
def settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")
    return tmp_path / "settings.toml"


def test_a_photo_that_comes_while_the_window_is_open_is_shown(
    qtbot, tmp_path: Path, folder: Path, store: QSettings, settings_file: Path
) -> None:
    session = Session(LibraryAccess(tmp_path / "library"))
    window = MainWindow(session, Theme(QApplication.instance(), store), store)
    qtbot.addWidget(window)
    demo = paths.resource_path("demo")
    shutil.copy(demo / "dog.jpg", folder)
    try:
        session.start()
        session.index([folder])
        qtbot.waitUntil(lambda: session.model.rowCount() == 1, timeout=_PATIENCE_MS)
        shutil.copy(demo / "cat.jpg", folder)
        qtbot.waitUntil(lambda: session.model.rowCount() == 2, timeout=_PATIENCE_MS)
    finally:
        window.close()
        session.close()


def test_changes_are_not_followed_against_the_user_s_wish(
    qtbot, tmp_path: Path, folder: Path, settings_file: Path
) -> None:
    save(Settings(watch=False), settings_file)
    session = Session(LibraryAccess(tmp_path / "library"))
    try:
        with qtbot.waitSignal(session.opened, timeout=_PATIENCE_MS):
            session.start()
        qtbot.waitUntil(lambda: session._following._tasks == {}, timeout=_PATIENCE_MS)
    finally:
        session.close()
