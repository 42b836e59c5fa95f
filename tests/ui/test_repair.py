"""A damaged library can be repaired from the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch import paths
from clipsearch.errors import CatalogError, DamagedCatalogError
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_library import FakeLibrary


def test_a_library_that_is_damaged_is_repaired_opened_and_completed(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.open_error = DamagedCatalogError("The library's catalog cannot be opened: it is damaged.")
    session.start()
    qtbot.waitUntil(window.messages._repair.isVisible)
    with qtbot.waitSignal(session.opened):
        window.messages._repair.click()
    assert window.messages.text == "The catalog was damaged; it is kept. Read from it: all."
    assert not window.messages._repair.isVisible()
    qtbot.waitUntil(lambda: library.indexed == [(None, False)])


def test_damage_met_later_can_be_repaired_too(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    with qtbot.waitSignal(session.opened):
        session.start()
    session.failed.emit(DamagedCatalogError("It is damaged."))
    with qtbot.waitSignal(session.opened):
        window.messages._repair.click()
    qtbot.waitUntil(lambda: session.model.rowCount() > 0)


def test_a_repair_that_fails_says_why(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> list[str]:
        raise CatalogError("The damaged catalog cannot be repaired: No space left on device.")

    monkeypatch.setattr(library, "repair", refuse)
    window.messages.show_failure(DamagedCatalogError("It is damaged."))
    window.messages._repair.click()
    qtbot.waitUntil(lambda: "No space left" in window.messages.text)
    assert window.messages._retry.isVisible()


def test_only_damage_can_be_repaired(window: MainWindow) -> None:
    window.messages.show_failure(CatalogError("The library was made by a newer clipsearch."), can_retry=True)
    assert not window.messages._repair.isVisible()


def test_why_there_is_no_backup_is_told(qtbot, window: MainWindow, session: Session, library: FakeLibrary) -> None:
    library.backup_note = "No backup of the catalog can be made: the disk is full."
    with qtbot.waitSignal(session.noticed) as noticed:
        session.start()
    assert noticed.args == [library.backup_note]


def test_a_real_library_is_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")
    access = LibraryAccess(tmp_path / "library")
    access.open()
    access.close()
    (tmp_path / "library" / "catalog.sqlite").write_bytes(bytes(8192))
    with pytest.raises(DamagedCatalogError):
        access.open()
    assert access.repair()[0].startswith("The catalog was damaged; it is kept as catalog.damaged-")
    access.open()
    assert access.overview().photo_ids == []
    access.close()


def test_a_library_that_may_not_be_written_says_so_and_is_not_followed(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLibrary, "is_read_only", True)
    monkeypatch.setattr(session.watching, "start", lambda: pytest.fail("follows changes that it cannot record"))
    with qtbot.waitSignal(session.noticed) as noticed:
        session.start()
    assert "may not be written" in noticed.args[0]
    session.take_up_settings()
