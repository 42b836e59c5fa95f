"""A window over the hand-written library, with three categories, one of them nested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_categories import FakeCategories
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def categories(library: FakeLibrary) -> FakeCategories:
    return library.shelf


@pytest.fixture
def some(categories: FakeCategories) -> list[int]:
    """The ids of birds, owls (which are birds) and cats."""
    birds, owls, cats = categories.put("birds", "owls", "cats")
    categories.known[owls] = replace(categories.known[owls], parent_id=birds)
    return [birds, owls, cats]


@pytest.fixture
def opened(qtbot, window: MainWindow, session: Session) -> MainWindow:
    """The window once everything has been read."""
    session.start()
    qtbot.waitUntil(lambda: session.model.rowCount() == 30 and session.shelf.is_ready)
    return window
