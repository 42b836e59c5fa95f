"""Lessons: judging the photos that would teach a category most."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from clipsearch.ui.categories.teaching_page import TeachingPage
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def page(qtbot, some: list[int], opened: MainWindow, session: Session) -> TeachingPage:
    """A lesson about birds, with the first photo shown."""
    opened.show_category(session.shelf.info(some[0]))
    opened.pages.photos.category_bar._teach.click()
    page = opened.pages.teaching
    qtbot.waitUntil(lambda: page.photo is not None)
    assert opened.pages.currentWidget() is page
    return page


def _answer(qtbot, page: TeachingPage, keys: str) -> None:
    for key in keys:
        qtbot.waitUntil(lambda: page.photo is not None)
        qtbot.keyClicks(page, key)


def test_keys_and_buttons_judge_one_photo_after_another(
    qtbot, some: list[int], page: TeachingPage, categories: FakeCategories
) -> None:
    assert page._question.text() == "Does this belong in “birds”?"
    assert page._progress.text() == "1 of 10"
    _answer(qtbot, page, "yn")
    page._yes.click()
    page._no.click()
    assert page._progress.text() == "5 of 10"
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {30: True, 29: False, 28: True, 27: False})


def test_after_ten_it_goes_on_with_what_it_has_learned(
    qtbot, some: list[int], page: TeachingPage, categories: FakeCategories, session: Session
) -> None:
    _answer(qtbot, page, "nnnnnnnnn")
    categories.may_learn.clear()
    _answer(qtbot, page, "n")
    assert page.photo is None
    assert not page._yes.isEnabled()
    learned = categories.refreshed
    categories.may_learn.set()
    qtbot.waitUntil(lambda: page.photo is not None)
    assert categories.refreshed > learned
    assert (page.photo.id, page._progress.text()) == (20, "1 of 10")


def test_skipped_photos_are_not_asked_about_again(
    qtbot, some: list[int], page: TeachingPage, categories: FakeCategories
) -> None:
    _answer(qtbot, page, "s" * 10)
    qtbot.waitUntil(lambda: page.photo is not None)
    assert page.photo.id == 20
    assert categories.judged == {}


def test_a_slip_can_be_mended(qtbot, some: list[int], page: TeachingPage, categories: FakeCategories) -> None:
    qtbot.keyClick(page, Qt.Key.Key_Backspace)  # there is nothing before the first
    assert page.photo.id == 30
    _answer(qtbot, page, "y")
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    assert page.photo.id == 30
    _answer(qtbot, page, "n")
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {30: False})


def test_what_is_undone_is_asked_about_once_more(
    qtbot, some: list[int], page: TeachingPage, opened: MainWindow, categories: FakeCategories
) -> None:
    _answer(qtbot, page, "ys")
    qtbot.waitUntil(opened.menus.undo.isEnabled)
    opened.menus.undo.trigger()
    qtbot.waitUntil(lambda: page.photo is not None and page.photo.id == 30)
    assert not categories.judged.get(some[0])
    _answer(qtbot, page, "n")
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {30: False})


def test_the_way_back_is_a_button_and_no_bar_lies_over_the_photo(
    qtbot, some: list[int], page: TeachingPage, opened: MainWindow, categories: FakeCategories
) -> None:
    assert not page._back.isEnabled()
    _answer(qtbot, page, "y")
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {30: True})
    qtbot.waitUntil(lambda: not opened._session.shelf.is_learning)
    assert not opened.category_actions.undo_bar.isVisible()
    page._back.click()
    assert page.photo.id == 30
    assert not page._back.isEnabled()


def test_it_ends_with_escape_and_when_nothing_is_left(
    qtbot, page: TeachingPage, opened: MainWindow, library: FakeLibrary
) -> None:
    _answer(qtbot, page, "n" * 9)
    library.ids = library.ids[:10]
    _answer(qtbot, page, "n")
    qtbot.waitUntil(lambda: "nothing left" in page._question.text())
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert opened.pages.currentWidget() is opened.pages.photos
    assert opened.pages.photos._heading.text() == "birds"


def test_it_ends_when_the_category_goes(
    qtbot, page: TeachingPage, opened: MainWindow, session: Session, some: list[int]
) -> None:
    session.shelf.remove(some[0])
    qtbot.waitUntil(lambda: opened.pages.currentWidget() is opened.pages.photos)


def test_a_photo_that_cannot_be_opened_is_judged_by_its_thumbnail(
    qtbot, some: list[int], page: TeachingPage, opened: MainWindow, categories: FakeCategories
) -> None:
    _answer(qtbot, page, "sssss")  # on to one that the hand-written library cannot open
    assert "cat" in page.photo.path.name
    qtbot.wait(20)
    assert not opened.messages.isVisible()
    _answer(qtbot, page, "y")
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {25: True})
