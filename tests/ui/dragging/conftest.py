"""A window over the hand-written library, with the categories birds, owls (in birds) and cats."""

from __future__ import annotations

import pytest

from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.categories.conftest import categories, some

__all__ = ["categories", "some"]


@pytest.fixture
def opened(qtbot, some: list[int], window: MainWindow, session: Session) -> MainWindow:
    """The window once everything has been read."""
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30 and len(session.shelf.infos) == 3)
    qtbot.waitUntil(lambda: bool(window.dragging.arrivals._added))
    return window
