"""Asking, from the key pressed in the search bar to the hits in the grid."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt

from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.search_bar import SearchBar
from clipsearch.ui.session import Session
from tests.ui.dragging.events import data_of, drop_event, enter_event
from tests.ui.fake_library import FakeLibrary, photo_of


def _ready(qtbot, window: MainWindow, session: Session) -> None:
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30)


def test_typing_asks_after_a_pause_and_once(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    _ready(qtbot, window, session)
    qtbot.keyClicks(window.search_bar, "dog")
    assert library.asked == []
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    assert library.asked == ["dog"]
    assert session.model.rowCount() == 6  # five dogs, and the row that opens what is less sure


def test_enter_asks_at_once(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    _ready(qtbot, window, session)
    window.search_bar.setText("  a   dog ")
    with qtbot.waitSignal(session.searching.answered):
        qtbot.keyClick(window.search_bar, Qt.Key.Key_Return)
    assert library.asked == ["a dog"]


def test_escape_shows_all_photos_again(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    window.search_bar.ask("cat")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    qtbot.keyClick(window.search_bar, Qt.Key.Key_Escape)
    assert window.search_bar.text() == ""
    assert session.model.rowCount() == 30


def test_letters_typed_over_the_photos_go_to_the_search_bar(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    _ready(qtbot, window, session)
    window.pages.photos.grid.setFocus()
    window.pages.photos.grid.keyboardSearch("c")
    qtbot.keyClicks(window.search_bar, "at")
    qtbot.waitUntil(lambda: library.asked == ["cat"])
    qtbot.keyClick(window.pages.photos.grid, Qt.Key.Key_Escape)
    assert session.model.rowCount() == 30


def test_answers_to_earlier_questions_are_dropped(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    _ready(qtbot, window, session)
    answered: list[str] = []
    session.searching.answered.connect(lambda question, _: answered.append(question.text))
    library.may_answer.clear()
    for text in ("dog", "cat", "boat"):
        window.search_bar.ask(text)
    qtbot.waitUntil(lambda: library.asked == ["dog"])
    library.may_answer.set()
    qtbot.waitUntil(lambda: answered == ["boat"])
    assert library.asked == ["dog", "boat"]  # the one in between was never begun


def test_a_question_asked_before_the_library_is_open_waits(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.may_open.clear()
    session.start()
    window.search_bar.ask("dog")
    qtbot.wait(30)
    assert library.asked == []
    library.may_open.set()
    qtbot.waitUntil(lambda: session.model.sure_count == 5)


def test_nothing_found_is_said(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    window.search_bar.ask("spaceship")
    qtbot.waitUntil(window.pages.photos.empty.isVisible)
    assert window.pages.photos.empty.title == "Nothing found"


def test_a_failing_search_is_told_inside_the_window(qtbot, window: MainWindow, session: Session) -> None:
    _ready(qtbot, window, session)
    window.search_bar.ask("fail")
    qtbot.waitUntil(window.messages.isVisible)
    assert "the model fell over" in window.messages.text


def test_find_similar_empties_the_search_bar(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    _ready(qtbot, window, session)
    window.search_bar.ask("dog")
    qtbot.waitUntil(lambda: session.model.sure_count == 5)
    window.pages.photos.grid.similar_wanted.emit(photo_of(7))
    qtbot.waitUntil(lambda: library.asked == ["dog", 7])
    assert window.search_bar.text() == ""
    window.show_all()
    assert session.model.rowCount() == 30


def test_a_picture_dropped_on_the_search_bar_is_a_question(qtbot, tmp_path: Path) -> None:
    picture = tmp_path / "beach.jpg"
    picture.touch()
    bar = SearchBar()
    qtbot.addWidget(bar)
    with qtbot.waitSignal(bar.picture_dropped) as dropped:
        data = data_of([picture])
        drop = drop_event(data)
        bar.dropEvent(drop)
    assert dropped.args == [picture]
    assert drop.dropAction() == Qt.DropAction.CopyAction
    data = data_of([tmp_path])
    folder = enter_event(data)
    bar.dragEnterEvent(folder)
    assert not folder.isAccepted()


def test_an_answer_from_before_a_change_is_asked_for_again(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    _ready(qtbot, window, session)
    library.may_answer.clear()
    window.search_bar.ask("dog")
    qtbot.waitUntil(lambda: library.asked == ["dog"])
    session.searching.refresh()
    session.searching.refresh()
    library.may_answer.set()
    qtbot.waitUntil(lambda: session.searching._task is None)
    assert library.asked == ["dog", "dog"]
