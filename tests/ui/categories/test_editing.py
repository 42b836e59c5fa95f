"""Inventing and changing categories in the window, with a live preview."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from clipsearch.errors import ClipsearchError
from clipsearch.records import Category, Preview, PreviewHit
from clipsearch.ui.categories.editor import CategoryEditor
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.photo_model import Role
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def editor(opened: MainWindow) -> CategoryEditor:
    return opened.pages.photos.editor


def _ids(window: MainWindow) -> list[int]:
    model = window.pages.photos.model
    return [model.index(row).data(Role.ID) for row in range(model.rowCount())]


def _heading(window: MainWindow) -> tuple[str, str]:
    page = window.pages.photos
    return page._heading.text(), page._remark.text()


def test_a_category_is_invented_with_candidates_while_typing(
    qtbot, opened: MainWindow, editor: CategoryEditor, categories: FakeCategories, session: Session
) -> None:
    opened.sidebar.categories._add.click()
    assert editor.isVisible()
    qtbot.keyClicks(editor._name, "cats")
    qtbot.waitUntil(lambda: _heading(opened) == ("cats", "5 photos"))
    assert _ids(opened) == [30, 24, 18, 12, 6, -1]
    assert not opened.pages.photos.category_bar.isVisible()
    qtbot.waitUntil(lambda: editor.category.prompts == ("a photo of cats", "people at a cats"))
    qtbot.keyClick(editor._name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.category is not None)
    assert categories.known[session.category.category.id].prompts == ("a photo of cats", "people at a cats")
    assert not editor.isVisible()
    qtbot.waitUntil(opened.pages.photos.category_bar.isVisible)
    assert len(categories.past) == 1


def test_in_an_empty_library_the_keyboard_is_not_left_at_undo(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.ids = []
    session.start()
    qtbot.waitUntil(lambda: session.shelf.is_ready and window.pages.photos.empty.isVisible())
    window.activateWindow()
    window.categories.invent()
    qtbot.keyClicks(window.pages.photos.editor._name, "cats")
    qtbot.keyClick(window.pages.photos.editor._name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.category is not None and window.category_actions.undo_bar.isVisible())
    assert window.focusWidget() is window.pages.photos.empty._button


def test_saving_leaves_alone_what_was_changed_elsewhere_meanwhile(
    qtbot, some: list[int], opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    birds, editor = some[0], opened.pages.photos.editor
    opened.categories.edit(session.shelf.info(birds))
    categories.known[birds] = replace(categories.known[birds], prompts=("a bird",), threshold=0.8)
    editor._name.setText("all birds")
    with qtbot.waitSignal(opened.categories.editing.saved):
        qtbot.keyClick(editor._name, Qt.Key.Key_Return)
    assert categories.known[birds] == Category(birds, "all birds", prompts=("a bird",), threshold=0.8)
    seen = session.shelf.info(birds)
    categories.known[birds] = replace(categories.known[birds], colour="#d9534f")
    with qtbot.waitSignal(session.shelf.changed):
        opened.sidebar.categories.tree.renamed.emit(seen, "feathers")
    assert categories.known[birds] == replace(seen.category, name="feathers", colour="#d9534f")


def test_before_there_is_a_name_nothing_is_said_of_the_category_shown_before(
    some: list[int], opened: MainWindow, session: Session
) -> None:
    opened.show_category(session.shelf.info(some[0]))
    opened.categories.invent()
    assert _heading(opened)[0] == "New category"
    assert not opened.pages.photos.category_bar.isVisible()
    opened.pages.photos.editor.cancelled.emit()
    assert _heading(opened)[0] == "birds"
    assert opened.pages.photos.category_bar.isVisible()


def test_the_users_own_photos_are_marked_in_the_preview_too(
    qtbot, some: list[int], opened: MainWindow, categories: FakeCategories, session: Session
) -> None:
    session.shelf.judge(some[0], [25], True)
    qtbot.waitUntil(lambda: categories.judged.get(some[0]) == {25: True})
    opened.categories.edit(session.shelf.info(some[0]))
    model = opened.pages.photos.model
    qtbot.waitUntil(lambda: bool(categories.previewed) and 25 in _ids(opened))
    qtbot.waitUntil(lambda: model.index(model.row_of(25)).data(Role.JUDGED) is True)


def test_typing_on_makes_only_the_last_preview(
    qtbot, opened: MainWindow, editor: CategoryEditor, categories: FakeCategories
) -> None:
    categories.may_preview.clear()
    opened.categories.invent()
    qtbot.keyClicks(editor._name, "c")
    qtbot.waitUntil(lambda: len(categories.previewed) == 1)
    qtbot.keyClicks(editor._name, "ats on the moon")
    categories.may_preview.set()
    qtbot.waitUntil(lambda: _heading(opened)[0] == "cats on the moon")
    qtbot.waitUntil(lambda: categories.previewed[-1].name == "cats on the moon")
    assert len(categories.previewed) <= 3


def test_a_search_becomes_a_category_with_the_chosen_photos(
    qtbot, opened: MainWindow, editor: CategoryEditor, categories: FakeCategories, session: Session
) -> None:
    opened.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    grid = opened.pages.photos.grid
    for row in (0, 2):
        grid.selectionModel().select(session.model.index(row), grid.selectionModel().SelectionFlag.Select)
    chosen = [session.model.index(row).data(Role.ID) for row in (0, 2)]
    opened.pages.photos._make.click()
    assert editor.category.name == "dog"
    assert editor._examples.text() == "2 chosen photos are its first examples"
    editor._save.click()
    qtbot.waitUntil(lambda: session.category is not None)
    assert categories.judged[session.category.category.id] == dict.fromkeys(chosen, True)


def test_the_threshold_moves_photos_behind_the_fold_at_once(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    editor = opened.pages.photos.editor
    opened.show_category(session.shelf.info(some[0]))
    opened.pages.photos.category_bar._edit.click()
    qtbot.waitUntil(lambda: bool(categories.previewed) and _heading(opened)[1] == "5 photos")
    categories.may_preview.clear()
    editor.histogram.setValue(20)
    assert _ids(opened).index(-1) == 10  # those of 0.3, too
    assert editor._count.text() == "10 photos at 20 % or more"
    categories.may_preview.set()
    editor._save.click()
    qtbot.waitUntil(lambda: categories.known[some[0]].threshold == 0.2)
    qtbot.waitUntil(lambda: len(_ids(opened)) > 10 and _ids(opened)[10] == -1)


def test_of_more_photos_than_are_shown_the_count_is_the_library_s(
    qtbot, opened: MainWindow, editor: CategoryEditor, monkeypatch: pytest.MonkeyPatch, categories: FakeCategories
) -> None:
    many = Preview([PreviewHit(30, 0.9), PreviewHit(29, 0.8)], 5000, True, [(0.0, 1.0, 9000)], 0.5)
    monkeypatch.setattr(categories, "preview", lambda category, limit: many)
    opened.categories.invent("things")
    qtbot.waitUntil(lambda: _heading(opened) == ("things", "about 5000 photos"))


def test_cancelling_leaves_everything_as_it_was(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    editor = opened.pages.photos.editor
    opened.show_category(session.shelf.info(some[0]))
    qtbot.waitUntil(lambda: len(_ids(opened)) == 6)
    before = _ids(opened), dict(categories.known)
    opened.categories.edit(session.category)
    editor._name.setText("something else")
    editor.histogram.setValue(5)
    qtbot.waitUntil(lambda: len(_ids(opened)) == 30)
    qtbot.keyClick(editor._name, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: _ids(opened) == before[0])
    assert categories.known == before[1]
    assert categories.past == []
    assert _heading(opened)[0] == "birds"
    assert opened.pages.photos.category_bar.isVisible()


def test_cancelling_an_invention_goes_back_to_the_search(
    qtbot, opened: MainWindow, editor: CategoryEditor, session: Session
) -> None:
    opened.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    opened.pages.photos._make.click()
    qtbot.waitUntil(lambda: session.model.sure_count == 0)
    editor._cancel.click()
    assert session.model.sure_count == 5
    assert "dog" in _heading(opened)[1]


def test_the_panel_stays_open_if_saving_fails(
    qtbot, opened: MainWindow, editor: CategoryEditor, session: Session, categories: FakeCategories
) -> None:
    categories.error = ClipsearchError("Category not added", "There is one of this name.")
    opened.categories.invent("dog")
    editor._save.click()
    qtbot.waitUntil(opened.messages.isVisible)
    assert "one of this name" in opened.messages.text
    assert editor.isVisible()


def test_a_failing_preview_is_told_and_the_next_one_is_made(
    qtbot, opened: MainWindow, editor: CategoryEditor, session: Session
) -> None:
    opened.categories.invent("fail")
    qtbot.waitUntil(opened.messages.isVisible)
    assert "fell over" in opened.messages.text
    editor._name.setText("")
    qtbot.keyClicks(editor._name, "cats")
    qtbot.waitUntil(lambda: _heading(opened) == ("cats", "5 photos"))


def test_looking_elsewhere_forgets_what_is_edited(
    qtbot, some: list[int], opened: MainWindow, editor: CategoryEditor, session: Session
) -> None:
    opened.show_category(session.shelf.info(some[0]))
    opened.categories.edit(session.category)
    opened.show_category(session.shelf.info(some[2]))
    assert not editor.isVisible()
    qtbot.waitUntil(lambda: _heading(opened)[0] == "cats" and _ids(opened)[:1] == [27])


def test_a_library_that_may_not_be_written_invents_nothing(
    qtbot, opened: MainWindow, editor: CategoryEditor, session: Session, categories: FakeCategories
) -> None:
    categories.is_read_only = True
    session.shelf.changed.emit()
    opened.categories.invent("dog")
    assert not editor.isVisible()
    opened.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    assert not opened.pages.photos._make.isVisible()


def test_the_category_edited_may_be_renamed_and_nested_in_one_step(
    qtbot, some: list[int], opened: MainWindow, session: Session, categories: FakeCategories
) -> None:
    editor = opened.pages.photos.editor
    birds, _, cats = some
    opened.categories.edit(session.shelf.info(cats))
    editor._name.setText("small tigers")
    editor._parent.choose(birds)
    editor._save.click()
    qtbot.waitUntil(lambda: _heading(opened)[0] == "small tigers")
    assert categories.known[cats] == replace(Category(cats, "small tigers"), parent_id=birds)
    assert len(categories.past) == 1
