"""What the message bar tells, and the buttons that come with it."""

from __future__ import annotations

from PySide6.QtCore import Qt

from clipsearch.errors import ClipsearchError
from clipsearch.ui.message_bar import MessageBar


def test_an_offer_is_taken_once_and_is_over_then(qtbot) -> None:
    bar, taken = MessageBar(), list[str]()
    qtbot.addWidget(bar)
    bar.offer("These files lie outside your folders.", "Add their folder", lambda: taken.append("add"))
    assert bar.text == "These files lie outside your folders."
    assert not bar._offer.isHidden()
    assert not bar.property("failure")
    qtbot.mouseClick(bar._offer, Qt.MouseButton.LeftButton)
    assert taken == ["add"]
    assert bar.isHidden()


def test_a_failure_takes_the_place_of_an_offer(qtbot) -> None:
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.offer("Shall we?", "Yes", lambda: None)
    bar.show_failure(ClipsearchError("No", "It does not work."), can_retry=True)
    assert bar._offer.isHidden()
    assert not bar._retry.isHidden()
    assert bar.property("failure")
