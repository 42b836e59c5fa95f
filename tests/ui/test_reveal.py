from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.ui import folder_actions, reveal
from clipsearch.ui.main_window import MainWindow


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClipsearchError, match="cannot be reached"):
        reveal.select_in_folder(tmp_path / "gone" / "photo.jpg")


def test_a_file_that_is_gone_is_not_selected(tmp_path: Path) -> None:
    assert reveal.select_in_folder(tmp_path / "gone.jpg") is False


def test_where_files_cannot_be_selected_the_folder_opens(
    qtbot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(folder_actions, "select_in_folder", lambda path: False)
    monkeypatch.setattr(folder_actions, "open_folder", opened.append)
    window.pages.reveal_wanted.emit(tmp_path / "photo.jpg")
    qtbot.waitUntil(lambda: opened == [tmp_path / "photo.jpg"])


def test_that_there_is_no_file_manager_is_told(
    qtbot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_actions, "select_in_folder", lambda path: False)
    monkeypatch.setattr(reveal.QDesktopServices, "openUrl", lambda url: False)
    window.pages.reveal_wanted.emit(tmp_path / "photo.jpg")
    qtbot.waitUntil(lambda: "No file manager" in window.messages.text)
