"""Files and folders that come from another program."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from clipsearch.records import Folder
from clipsearch.ui.dragging.arrivals import Arrivals, sort
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.dragging.events import data_of, drop_event, enter_event
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def arrivals(opened: MainWindow) -> Arrivals:
    return opened.dragging.arrivals


def test_folders_and_files_inside_and_outside_are_told_apart(tmp_path: Path) -> None:
    added, other = tmp_path / "added", tmp_path / "other"
    added.mkdir()
    other.mkdir()
    paths = [added / "sub" / "a.jpg", other / "b.jpg", other]
    found = sort(paths, [Folder(1, added)])
    assert (found.folders, found.inside, found.outside) == ([other], paths[:1], paths[1:2])


def test_a_folder_is_added_and_its_photos_put_in(
    qtbot, arrivals: Arrivals, *, library: FakeLibrary, some, categories: FakeCategories, tmp_path: Path
) -> None:
    folder = tmp_path / "trip_4"
    folder.mkdir()
    arrivals.take([folder], some[0])
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {4: True})
    assert library.indexed == [([folder], False)]


def test_files_elsewhere_are_taken_only_when_the_user_says_so(
    qtbot,
    opened: MainWindow,
    *,
    library: FakeLibrary,
    some,
    categories: FakeCategories,
    tmp_path: Path,
) -> None:
    file = tmp_path / "holiday" / "cat_4.jpg"
    opened.dragging.arrivals.take([file], some[0])
    qtbot.waitUntil(opened.messages.isVisible)
    assert library.indexed == []
    button = opened.messages._offer
    assert "holiday" in button.text()
    button.click()
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {4: True})
    assert library.indexed == [([file.parent], False)]


def test_a_run_that_was_cancelled_puts_nothing_in(
    qtbot, arrivals: Arrivals, *, session: Session, library: FakeLibrary, some, categories: FakeCategories
) -> None:
    library.steps, library.step_s = 100, 0.05
    arrivals.take([Path("/photos/cat_4.jpg")], some[0])
    qtbot.waitUntil(lambda: library.indexed != [])
    with qtbot.waitSignal(session.runs.ended):
        session.runs.cancel()
    library.steps, library.step_s = 1, 0.0
    with qtbot.waitSignal(session.runs.ended):
        session.index()
    assert categories.past == []


def test_the_view_of_a_category_takes_files_for_it(
    qtbot, opened: MainWindow, session: Session, some, categories: FakeCategories
) -> None:
    viewport, data = opened.pages.photos.grid.viewport(), data_of([Path("/photos/cat_4.jpg")])
    enter = enter_event(data)
    QApplication.sendEvent(viewport, enter)
    assert opened.drop_area.property("dropping")  # without a category, the window takes them
    opened.show_category(session.shelf.info(some[2]))
    QApplication.sendEvent(viewport, enter_event(data))
    drop = drop_event(data)
    opened.dragging.grid.eventFilter(viewport, drop)
    qtbot.waitUntil(lambda: categories.judged.get(some[2]) == {4: True})


def test_what_the_library_knows_goes_in_at_once(
    qtbot, arrivals: Arrivals, *, library: FakeLibrary, some, categories: FakeCategories
) -> None:
    copy = Path("/elsewhere/cat_4.jpg")
    categories.known_paths = {copy}
    arrivals.take([copy], some[0])
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {4: True})
    assert library.indexed == []
