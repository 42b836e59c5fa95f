"""What the command line, or another window, does with the categories while the window is open."""

from __future__ import annotations

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.records import Category
from clipsearch.ui.categories.elsewhere import Elsewhere
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories


@pytest.fixture
def quick(qtbot, some: list[int], opened: MainWindow, session: Session) -> Elsewhere:
    """Looks a hundred times a second."""
    qtbot.waitUntil(lambda: not session.shelf.is_learning)
    session.elsewhere._timer.setInterval(10)
    session.elsewhere.start()
    return session.elsewhere


def _names(session: Session) -> list[str]:
    return [info.name for info in session.shelf.infos]


def test_what_is_changed_elsewhere_is_shown_and_learned_from_once(
    qtbot, quick: Elsewhere, session: Session, categories: FakeCategories
) -> None:
    learned = categories.refreshed
    categories.add(Category(0, "boats"))
    qtbot.waitUntil(lambda: "boats" in _names(session))
    assert session.shelf.undoable.subject == "boats"
    qtbot.wait(100)
    assert categories.refreshed == learned + 1
    categories.undo()
    qtbot.waitUntil(lambda: "boats" not in _names(session))
    categories.redo()
    qtbot.waitUntil(lambda: "boats" in _names(session))


def test_what_the_window_does_itself_is_not_read_twice(
    qtbot, quick: Elsewhere, session: Session, categories: FakeCategories
) -> None:
    learned = categories.refreshed
    for number in range(5):
        with qtbot.waitSignal(session.shelf.added):
            session.shelf.add(Category(0, f"thing {number}"))
        qtbot.waitUntil(lambda: not session.shelf.is_learning)
        qtbot.wait(20)
    assert categories.refreshed == learned + 5


def test_nobody_looks_while_the_window_is_hidden_and_at_once_when_it_is_back(
    qtbot, quick: Elsewhere, opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    opened.hide()
    qtbot.wait(30)
    categories.add(Category(0, "boats"))
    qtbot.wait(100)
    assert "boats" not in _names(session)
    quick._timer.setInterval(60_000)
    opened.show()
    qtbot.waitUntil(lambda: "boats" in _names(session))


def test_a_look_that_fails_is_told_once(
    qtbot, quick: Elsewhere, session: Session, categories: FakeCategories, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []
    session.failed.connect(told.append)

    def fail() -> None:
        raise ClipsearchError("Not read", "The disk is gone.")

    monkeypatch.setattr(categories, "revision", fail)
    qtbot.waitUntil(lambda: bool(told))
    qtbot.wait(100)
    assert len(told) == 1


def test_an_action_on_a_category_that_is_gone_shows_that_it_is(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    session.elsewhere.stop()
    categories.remove("cats")
    session.shelf.judge(some[2], [1], True)
    qtbot.waitUntil(lambda: _names(session) == ["birds", "owls"])
    assert opened.messages.isVisible()
    assert "gone" in opened.messages.text


def test_a_failure_is_told_until_a_change_works(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    qtbot.waitUntil(lambda: not session.shelf.is_learning)
    error = categories.error = ClipsearchError("Category not changed", "There is one of this name.")
    session.shelf.judge(some[0], [1], True)
    qtbot.waitUntil(opened.messages.isVisible)
    categories.error = None
    qtbot.waitUntil(lambda: not session.shelf.is_reading)
    assert opened.messages.isVisible()
    session.shelf.judge(some[0], [1], True)
    qtbot.waitUntil(lambda: not opened.messages.isVisible())
    opened.messages.show_failure(ClipsearchError("Search failed", "It is something else."))
    session.shelf.judge(some[0], [2], True)
    qtbot.waitUntil(lambda: categories.judged[some[0]] == {1: True, 2: True} and not session.shelf.is_learning)
    assert opened.messages.isVisible()
    opened.messages.withdraw(error)
    assert opened.messages.isVisible()
