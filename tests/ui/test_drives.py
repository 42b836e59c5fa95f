from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.errors import CatalogError
from clipsearch.records import Folder
from clipsearch.ui.drives import Drives
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from clipsearch.ui.tasks import Tasks
from tests.ui.fake_library import FakeLibrary

PHOTOS = Path("/photos")


@pytest.fixture
def drives(library: FakeLibrary, tasks: Tasks) -> Drives:
    return Drives(library, tasks, every_ms=10)


def test_a_drive_that_goes_and_comes_back_is_noticed(qtbot, drives: Drives, library: FakeLibrary) -> None:
    returned: list[list[Path]] = []
    drives.came_back.connect(returned.append)
    drives.look()
    qtbot.wait(50)
    library.unreachable = {PHOTOS}
    with qtbot.waitSignal(drives.changed):
        pass
    assert returned == []
    library.unreachable = set()
    with qtbot.waitSignal(drives.changed):
        pass
    assert returned == [[PHOTOS]]


def test_nothing_is_said_while_nothing_changes(qtbot, drives: Drives) -> None:
    drives.look()
    with qtbot.assertNotEmitted(drives.changed, wait=100):
        pass


def test_a_drive_that_came_back_while_the_window_was_closed_is_noticed(
    qtbot, drives: Drives, library: FakeLibrary
) -> None:
    library.added_folders = [Folder(1, PHOTOS, offline=True)]
    with qtbot.waitSignal(drives.came_back) as came_back:
        drives.look()
    assert came_back.args == [[PHOTOS]]


def test_what_cannot_be_recorded_is_said_once(
    qtbot, drives: Drives, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = ([Folder(1, PHOTOS, offline=True)], [Folder(1, PHOTOS)])
    monkeypatch.setattr(library, "check_folders", lambda: states)
    said: list[object] = []
    drives.came_back.connect(said.append)
    drives.look()
    qtbot.wait(100)
    assert said == [[PHOTOS]]


def test_a_look_that_fails_is_told_once(
    qtbot, drives: Drives, tasks: Tasks, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise CatalogError("The file is damaged.")

    monkeypatch.setattr(library, "check_folders", fail)
    told: list[object] = []
    tasks.failed.connect(told.append)
    drives.look()
    qtbot.wait(100)
    assert len(told) == 1


def test_a_drive_that_comes_back_is_brought_up_to_date(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.unreachable = {PHOTOS}
    session.start()
    qtbot.waitUntil(lambda: window.sidebar._folders == [Folder(1, PHOTOS, offline=True)])
    assert library.indexed == []
    library.unreachable = set()
    session.drives.look()
    qtbot.waitUntil(lambda: library.indexed == [([PHOTOS], False)])
    qtbot.waitUntil(lambda: window.sidebar._folders[0] == Folder(1, PHOTOS))
