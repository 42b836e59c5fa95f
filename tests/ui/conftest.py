"""What the window's tests share: no screen, and a hand-written library that answers at once."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before anything imports Qt

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from clipsearch.ui.tasks import Tasks
from clipsearch.ui.theme import Theme
from tests.ui.fake_library import FakeLibrary


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary(count=30)


@pytest.fixture
def tasks(qapp: QApplication) -> Iterator[Tasks]:
    lane = Tasks(2, "test")
    yield lane
    lane.close()


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def session(qapp: QApplication, library: FakeLibrary) -> Iterator[Session]:
    session = Session(library)
    yield session
    session.close()


@pytest.fixture
def window(qtbot, qapp: QApplication, session: Session, store: QSettings) -> Iterator[MainWindow]:
    window = MainWindow(session, Theme(qapp, store), store)
    qtbot.addWidget(window)
    window.resize(1000, 700)
    window.show()
    yield window
    window.close()
