"""The window on the real thing: the bundled photos and the starter model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from clipsearch import paths
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.questions import PictureQuestion
from clipsearch.ui.session import Session
from clipsearch.ui.theme import Theme

_PATIENCE_MS = 30_000


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")


def test_folder_in_question_asked_right_photos_out(qtbot, tmp_path: Path, store: QSettings) -> None:
    photos = paths.resource_path("demo")
    count = len(list(photos.glob("*.jpg")))
    session = Session(LibraryAccess(tmp_path / "library"))
    window = MainWindow(session, Theme(QApplication.instance(), store), store)
    qtbot.addWidget(window)
    window.show()
    try:
        session.start()
        session.index([photos])
        with qtbot.waitSignal(session.runs.ended, timeout=_PATIENCE_MS) as ended:
            pass
        assert ended.args[0].added == count
        assert ended.args[0].problems == 0
        qtbot.waitUntil(lambda: session.model.rowCount() == count, timeout=_PATIENCE_MS)
        _ask(qtbot, window, session, "a cat")
        assert "cat" in session.model.photo(0).path.stem
        window.find_by_picture(photos / "tulips.jpg")
        qtbot.waitUntil(lambda: session.searching.question == PictureQuestion(photos / "tulips.jpg"))
        qtbot.waitUntil(lambda: session.model.photo(0).path.stem == "tulips", timeout=_PATIENCE_MS)
        window.pages.photos.grid.photo_opened.emit(0)
        qtbot.waitUntil(lambda: window.pages.photo.canvas._picture.width() > 320, timeout=_PATIENCE_MS)
    finally:
        window.close()
        session.close()


def test_a_damaged_library_is_told_and_can_be_tried_again(qtbot, tmp_path: Path, store: QSettings) -> None:
    catalog = tmp_path / "library" / "catalog.sqlite"
    catalog.parent.mkdir()
    catalog.write_bytes(bytes(range(256)) * 20)
    session = Session(LibraryAccess(catalog.parent))
    window = MainWindow(session, Theme(QApplication.instance(), store), store)
    qtbot.addWidget(window)
    window.show()
    try:
        session.start()
        qtbot.waitUntil(window.messages.isVisible, timeout=_PATIENCE_MS)
        catalog.unlink()
        with qtbot.waitSignal(session.opened, timeout=_PATIENCE_MS):
            window.messages._retry.click()
    finally:
        window.close()
        session.close()


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8\xff\xe0 cut off"])
def test_a_damaged_thumbnail_is_made_again(qtbot, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copy(paths.resource_path("demo") / "tulips.jpg", tmp_path / "photos")
    access = LibraryAccess(tmp_path / "library")
    access.open()
    try:
        list(access.index([tmp_path / "photos"]))
        (photo,) = access.photos(access.overview().photo_ids)
        (thumbnail,) = (tmp_path / "library" / "thumbnails").rglob("*.jpg")
        thumbnail.write_bytes(damage)
        image = access.thumbnail(photo)
        assert image is not None and not image.isNull()
        assert thumbnail.read_bytes() != damage
        photo.path.unlink()
        thumbnail.write_bytes(damage)
        assert access.thumbnail(photo) is None
    finally:
        access.close()


def _ask(qtbot, window: MainWindow, session: Session, text: str) -> None:
    window.search_bar.setText(text)
    with qtbot.waitSignal(session.searching.answered, timeout=_PATIENCE_MS):
        qtbot.keyClick(window.search_bar, Qt.Key.Key_Return)
