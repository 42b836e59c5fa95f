"""The categories as the window sees them, over the hand-written ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication

from clipsearch.errors import ClipsearchError
from clipsearch.records import Action, Category
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def categories(library: FakeLibrary) -> FakeCategories:
    return library.shelf


@pytest.fixture
def shelf(qtbot, session: Session, categories: FakeCategories) -> Shelf:
    session.start()
    qtbot.waitUntil(lambda: session.shelf.is_ready and not session.shelf.is_learning)
    return session.shelf


def _names(shelf: Shelf) -> list[str]:
    return [info.name for info in shelf.infos]


def test_a_category_is_added_with_its_first_photos(qtbot, shelf: Shelf) -> None:
    told = []
    shelf.told.connect(told.append)
    with qtbot.waitSignal(shelf.added) as added:
        shelf.add(Category(0, "birds"), [3, 4])
    assert added.args[0].id == shelf.infos[0].category.id
    assert (shelf.infos[0].name, shelf.infos[0].assigned) == ("birds", 2)
    assert told == ["Category birds added"]
    assert shelf.undoable is not None
    assert shelf.undoable.action is Action.ADD


def test_a_judgement_is_told_counted_and_learned_from(
    qtbot, shelf: Shelf, categories: FakeCategories, library: FakeLibrary
) -> None:
    (birds,) = categories.put("birds")
    learned, told, members = categories.refreshed, [], []
    shelf.told.connect(told.append)
    shelf.members_changed.connect(members.append)
    shelf.judge(birds, [2, 3], True)
    qtbot.waitUntil(lambda: categories.refreshed > learned and not shelf.is_learning)
    assert [told, members] == [["2 photos put into birds"], [{birds}, None]]
    assert shelf.info(birds).assigned == 2


def test_many_judgements_are_written_at_once_and_learned_from_together(
    qtbot, shelf: Shelf, categories: FakeCategories
) -> None:
    (birds,) = categories.put("birds")
    learned = categories.refreshed
    categories.may_learn.clear()
    for photo_id in range(1, 11):
        shelf.judge(birds, [photo_id], False)
    qtbot.waitUntil(lambda: bool(shelf.infos) and shelf.info(birds).rejected == 10)
    categories.may_learn.set()
    qtbot.waitUntil(lambda: not shelf.is_learning)
    assert categories.refreshed - learned == 2


def test_undo_and_redo_bring_back_what_was(qtbot, shelf: Shelf) -> None:
    told, undone = [], []
    shelf.told.connect(told.append)
    shelf.undone.connect(undone.append)
    shelf.add(Category(0, "birds"))
    qtbot.waitUntil(lambda: _names(shelf) == ["birds"])
    shelf.undo()
    qtbot.waitUntil(lambda: _names(shelf) == [])
    assert shelf.undoable is None
    shelf.redo()
    qtbot.waitUntil(lambda: _names(shelf) == ["birds"])
    shelf.redo()  # there is nothing more
    assert told == ["Category birds added", "Category birds added"]
    assert undone == ["Undone: Category birds added"]


def test_changing_nesting_moving_and_removing(qtbot, shelf: Shelf, categories: FakeCategories) -> None:
    birds, owls = categories.put("birds", "owls")
    shelf.refresh()
    qtbot.waitUntil(lambda: len(shelf.infos) == 2)
    shelf.nest(owls, birds)
    shelf.judge(birds, [1], True)
    shelf.move(birds, owls, [1])
    shelf.change(replace(categories.known[birds], name="all birds"), categories.known[birds])
    qtbot.waitUntil(lambda: _names(shelf) == ["all birds", "owls"])
    assert categories.judged == {birds: {1: False}, owls: {1: True}}
    assert shelf.info(owls).category.parent_id == birds
    shelf.remove(birds)
    qtbot.waitUntil(lambda: shelf.info(birds) is None)


def test_only_the_step_that_is_shown_is_undone(qtbot, shelf: Shelf, categories: FakeCategories) -> None:
    """The command line may have made another one meanwhile."""
    told = []
    with qtbot.waitSignal(shelf.told):
        shelf.add(Category(0, "birds"))
    categories.add(Category(0, "boats"))
    shelf.told.connect(told.append)
    with qtbot.waitSignal(shelf.history_changed):
        shelf.undo()
    qtbot.waitUntil(lambda: told == ["Meanwhile, elsewhere: Category boats added"])
    assert [category.name for category in categories.known.values()] == ["birds", "boats"]
    shelf.undo()
    qtbot.waitUntil(lambda: [category.name for category in categories.known.values()] == ["birds"])


def test_a_failure_is_told_and_changes_nothing(qtbot, session: Session, shelf: Shelf, categories) -> None:
    categories.error = ClipsearchError("Category not added", "The disk is full.")
    with qtbot.waitSignal(session.failed) as failure:
        shelf.add(Category(0, "birds"))
    assert "disk is full" in failure.args[0].message
    assert shelf.infos == []


def test_a_failure_to_learn_keeps_the_judgement(qtbot, session: Session, shelf: Shelf, categories) -> None:
    (birds,) = categories.put("birds")
    categories.may_learn.clear()
    shelf.judge(birds, [1], True)
    qtbot.waitUntil(lambda: bool(shelf.infos) and shelf.info(birds).assigned == 1)
    categories.error = ClipsearchError("Not learned", "No model is usable.")
    with qtbot.waitSignal(session.failed):
        categories.may_learn.set()
    qtbot.waitUntil(lambda: not shelf.is_learning)
    assert shelf.info(birds).assigned == 1


def test_a_library_that_may_not_be_written_learns_nothing(qtbot, session: Session, categories) -> None:
    categories.is_read_only = True
    categories.put("birds")
    session.start()
    qtbot.waitUntil(lambda: session.shelf.is_ready)
    QCoreApplication.processEvents()
    assert _names(session.shelf) == ["birds"]
    assert categories.refreshed == 0
