"""What was just done, and the button that undoes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from clipsearch.ui.categories.undo_bar import UndoBar


@pytest.fixture
def bar(qtbot) -> Iterator[UndoBar]:
    photos = QWidget()
    qtbot.addWidget(photos)
    photos.resize(600, 400)
    photos.show()
    yield UndoBar(photos)


def test_what_was_done_can_be_undone_and_what_was_undone_redone(qtbot, bar: UndoBar) -> None:
    bar.show_done("10 photos put into birds")
    assert bar.isVisible()
    assert bar._redo.isHidden()
    with qtbot.waitSignal(bar.undo_wanted):
        qtbot.mouseClick(bar._undo, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()
    bar.show_undone("Undone: 10 photos put into birds")
    assert bar._undo.isHidden()
    with qtbot.waitSignal(bar.redo_wanted):
        qtbot.mouseClick(bar._redo, Qt.MouseButton.LeftButton)


def test_it_stays_inside_at_the_foot(bar: UndoBar) -> None:
    photos = bar.parentWidget()
    bar.show_done("10 photos put into " + "a very long name " * 20)
    for width in (600, 1000, 300):
        photos.resize(width, 400)
        assert photos.rect().contains(bar.geometry())
        assert abs(bar.geometry().center().x() - photos.rect().center().x()) <= 1
        assert bar.geometry().top() > 300


def test_it_stays_under_the_keyboard_and_hands_it_on(qtbot, bar: UndoBar) -> None:
    bar.window().activateWindow()
    bar.show_done("Category birds added")
    bar._undo.setFocus()
    qtbot.waitUntil(bar._undo.hasFocus)
    bar._on_time_over()
    assert bar.isVisible()
    with qtbot.waitSignal(bar.left):
        qtbot.keyClick(bar._undo, Qt.Key.Key_Space)
    assert not bar.isVisible()


def test_it_keeps_away_from_what_it_would_lie_over(bar: UndoBar) -> None:
    bar.show_done("1 photo put into birds")
    bar.keep_away(True)
    assert not bar.isVisible()
    bar.show_done("1 photo put into birds")
    assert not bar.isVisible()
    bar.keep_away(False)
    bar.show_done("1 photo put into birds")
    assert bar.isVisible()


def test_it_goes_by_itself_but_not_under_the_mouse(qtbot, bar: UndoBar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "underMouse", lambda: True)
    bar._timer.setInterval(1)
    bar.show_done("Category birds added")
    qtbot.waitSignal(bar._timer.timeout).wait()
    assert bar.isVisible()
    monkeypatch.setattr(bar, "underMouse", lambda: False)
    qtbot.waitUntil(lambda: not bar.isVisible())
