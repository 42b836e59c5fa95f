"""Folders from which many photos are missing: the user says whether they were deleted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QMessageBox

from clipsearch.records import Folder, Problem
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.problems_view import ProblemsView
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Place
from tests.ui.fake_library import FakeLibrary

FOLDER = Folder(1, Path("/photos"))
MISSING = Problem(FOLDER.path, "7 of 9 photos are missing from this folder. Is its drive connected?")
TORN = Problem(FOLDER.path / "torn.jpg", "This file is cut off.")


def shown(qtbot, *problems: Problem) -> ProblemsView:
    view = ProblemsView()
    qtbot.addWidget(view)
    view.show()
    view.show_problems(problems, [FOLDER] if MISSING in problems else [])
    return view


def test_a_folder_that_misses_photos_is_asked_about_and_not_listed(qtbot) -> None:
    view = shown(qtbot, MISSING, TORN)
    (notice,) = view.notices
    assert notice.accessibleName() == f"photos: {MISSING.reason}"
    assert view.model.rowCount() == 1
    assert view.table.isVisible()
    view.show_problems([MISSING, TORN], [FOLDER])
    assert view.notices == [notice]


def test_without_other_problems_there_is_no_list(qtbot) -> None:
    view = shown(qtbot, MISSING)
    assert not view.table.isVisible() and not view._remark.isVisible()
    view.show_problems([TORN])
    assert view.notices == [] and view.table.isVisible()


def test_another_problem_of_the_folder_itself_is_listed(qtbot) -> None:
    view = shown(qtbot, Problem(FOLDER.path, "You do not have permission to open this folder."))
    assert view.notices == [] and view.model.rowCount() == 1


def test_missing_photos_are_forgotten_after_asking(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.found_problems, library.held_back = [MISSING], [FOLDER]
    session.start()
    qtbot.waitUntil(lambda: len(window.pages.problems.notices) == 1)
    window.show_place(Place.PROBLEMS)
    window.pages.problems.notices[0].forget.click()
    box = window.findChild(QMessageBox)
    assert "“photos”" in box.text()
    assert library.confirmed == []
    next(button for button in box.buttons() if button.text() == "Forget them").click()
    qtbot.waitUntil(lambda: window.pages.problems.notices == [])
    assert library.confirmed == [[FOLDER.path]]
    assert "7 removed" in window.status._counts.text()


def test_a_folder_that_misses_photos_can_be_looked_at_again(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.found_problems, library.held_back = [MISSING], [FOLDER]
    session.start()
    qtbot.waitUntil(lambda: len(window.pages.problems.notices) == 1)
    window.pages.problems.notices[0].retry.click()
    qtbot.waitUntil(lambda: library.indexed == [([FOLDER.path], False)])
    assert library.confirmed == []
