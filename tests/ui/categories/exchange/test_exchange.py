"""Export, sidecars, keywords, tables and shared files, from the window's menus to the library's answers."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDialog, QFileDialog

from clipsearch.errors import ClipsearchError
from clipsearch.records import (
    Category,
    ExchangeProgress,
    ExportReport,
    FileCopy,
    FoundKeyword,
    ImportReport,
    KeywordSurvey,
    Problem,
    ReceiveReport,
    SidecarChange,
    SidecarReport,
)
from clipsearch.ui.categories.exchange.access import ExchangeAccess
from clipsearch.ui.categories.exchange.actions import ExchangeActions
from clipsearch.ui.categories.exchange.dialog import DryRunDialog
from clipsearch.ui.categories.exchange.keywords import KeywordsDialog
from clipsearch.ui.categories.exchange.picker import Picker
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from tests.ui.fake_library import FakeLibrary

FOUND = (
    FoundKeyword(("Animals", "Birds"), (1, 2, 3)),
    FoundKeyword(("Boats",), (4, 5)),
    FoundKeyword(("Rare",), (6,)),
    FoundKeyword(("Written here",), (7, 8), own=True),
)


class FakeExchange(ExchangeAccess):
    """Answers as asked, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.keywords = FOUND
        self.error: Exception | None = None

    def export(
        self, category_ids: Sequence[int], target: Path, *, link: bool, mine: bool, dry_run: bool
    ) -> Generator[ExchangeProgress, None, ExportReport]:
        self.asked.append(("export", list(category_ids), target, link, mine, dry_run))
        yield ExchangeProgress(1, 1)
        files = [FileCopy(Path(f"/photos/{n}.jpg"), target / f"{n}.jpg", "link" if link else "copy") for n in range(3)]
        there = FileCopy(Path("/photos/9.jpg"), target / "9.jpg", "there")
        return ExportReport((*files, there), (Problem(Path("/away/1.jpg"), "It is away."),))

    def write_sidecars(
        self, category_ids: Sequence[int], *, mine: bool, naming: str, dry_run: bool
    ) -> Generator[ExchangeProgress, None, SidecarReport]:
        self.asked.append(("sidecars", list(category_ids), mine, naming, dry_run))
        yield ExchangeProgress(1, 1)
        new = SidecarChange(Path("/photos/1.xmp"), ("birds",), (), True)
        changed = SidecarChange(Path("/photos/2.xmp"), ("birds",), ("boats",), False)
        return SidecarReport((new, changed), 7, ())

    def write_table(self, file: Path, category_ids: Sequence[int] | None) -> int:
        self.asked.append(("table", file))
        if self.error:
            raise self.error
        return 12

    def survey(self) -> Generator[ExchangeProgress, None, KeywordSurvey]:
        yield ExchangeProgress(1, 1)
        return KeywordSurvey(self.keywords, ())

    def import_keywords(self, keywords: Sequence[FoundKeyword]) -> ImportReport:
        self.asked.append(("import", [keyword.name for keyword in keywords]))
        return ImportReport(("Animals", "Birds"), 3, 4, 1)

    def share(self, category_ids: Sequence[int], file: Path) -> int:
        self.asked.append(("share", list(category_ids), file))
        return 1000

    def receive(self, file: Path) -> ReceiveReport:
        self.asked.append(("receive", file))
        return ReceiveReport((Category(7, "kites"),), (("Toys", "Toys (2)"),))


@pytest.fixture
def access() -> FakeExchange:
    return FakeExchange()


@pytest.fixture
def actions(qtbot, library: FakeLibrary, window: MainWindow, session: Session, access: FakeExchange) -> ExchangeActions:
    library.shelf.put("birds", "boats")
    session.start()
    qtbot.waitUntil(lambda: len(session.shelf.infos) == 2)
    made = window.category_actions.exchange
    made._access = made.exporting._access = access
    return made


def answer(qtbot, path: Path) -> QFileDialog:
    """Answer the file dialog that is open."""

    def dialogs() -> list[QFileDialog]:
        return [one for one in QApplication.topLevelWidgets() if isinstance(one, QFileDialog) and one.isVisible()]

    qtbot.waitUntil(lambda: len(dialogs()) == 1)
    (dialog,) = dialogs()
    dialog.fileSelected.emit(str(path))
    dialog.close()
    return dialog


def opened(qtbot, kind: type[QDialog]) -> QDialog:
    def shown() -> list[QDialog]:
        return [one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == 1)
    return shown()[0]


def box(dialog: QDialog, text: str) -> QCheckBox:
    return next(one for one in dialog.findChildren(QCheckBox) if text in one.text())


def test_an_export_is_seen_before_it_is_done(
    qtbot, window: MainWindow, actions: ExchangeActions, access: FakeExchange, tmp_path: Path
) -> None:
    window.menus.export.trigger()
    answer(qtbot, tmp_path)
    dialog = opened(qtbot, DryRunDialog)
    qtbot.waitUntil(dialog.act.isEnabled)
    assert "3 files to copy" in dialog.summary.text()
    assert "1 cannot be reached or written" in dialog.summary.text()
    assert "It is away." in dialog.details.toPlainText().splitlines()[0]
    box(dialog, "link").setChecked(True)
    qtbot.waitUntil(lambda: "3 files to link" in dialog.summary.text())
    box(dialog, "yourself").setChecked(True)
    dialog.findChild(Picker).tick_only([2])
    qtbot.waitUntil(lambda: access.asked[-1] == ("export", [2], tmp_path, True, True, True))
    qtbot.waitUntil(dialog.act.isEnabled)
    assert not any(asked[-1] is False for asked in access.asked)
    dialog.act.click()
    qtbot.waitUntil(lambda: "3 files linked" in dialog.summary.text())
    assert access.asked[-1] == ("export", [2], tmp_path, True, True, False)
    dialog.close()


def test_one_category_can_be_exported_from_its_menu(
    qtbot, window: MainWindow, actions: ExchangeActions, access: FakeExchange, tmp_path: Path
) -> None:
    window.category_actions.category_menu.export_wanted.emit(window._session.shelf.info(2))
    answer(qtbot, tmp_path)
    dialog = opened(qtbot, DryRunDialog)
    qtbot.waitUntil(dialog.act.isEnabled)
    assert access.asked == [("export", [2], tmp_path, False, False, True)]
    dialog.close()


def test_sidecars_are_seen_before_they_are_written(
    qtbot, window: MainWindow, actions: ExchangeActions, access: FakeExchange
) -> None:
    window.menus.write_sidecars.trigger()
    dialog = opened(qtbot, DryRunDialog)
    qtbot.waitUntil(dialog.act.isEnabled)
    assert dialog.details.toPlainText().splitlines() == [
        f"{Path('/photos/1.xmp')}: +birds",
        f"{Path('/photos/2.xmp')}: +birds −boats",
    ]
    naming = dialog.findChild(QComboBox)
    naming.setCurrentIndex(naming.findData("full"))
    qtbot.waitUntil(
        lambda: access.asked[-1] == ("sidecars", [1, 2], True, "full", True)
    )  # what a model found only if asked
    dialog.findChild(QCheckBox).click()
    qtbot.waitUntil(lambda: access.asked[-1] == ("sidecars", [1, 2], False, "full", True))
    qtbot.waitUntil(dialog.act.isEnabled)
    dialog.act.click()
    qtbot.waitUntil(lambda: access.asked[-1] == ("sidecars", [1, 2], False, "full", False))
    qtbot.waitUntil(lambda: dialog.cancel.text() == "Close")
    dialog.close()


def test_the_keywords_that_are_ticked_become_categories(
    qtbot, window: MainWindow, actions: ExchangeActions, access: FakeExchange, session: Session
) -> None:
    window.menus.import_keywords.trigger()
    dialog = opened(qtbot, KeywordsDialog)
    qtbot.waitUntil(dialog.act.isEnabled)
    assert [dialog.picker.item(row).text() for row in range(3)] == ["Animals › Birds    3", "Boats    2", "Rare    1"]
    assert dialog.picker.item(3).text() == "Written here    2    by clipsearch"
    assert dialog.picker.ticked == [0, 1, 2]
    assert "written by clipsearch itself" in dialog.summary.text()
    dialog.least.setValue(2)
    session.shelf.judge(9, [1], True)  # there is no such category
    qtbot.waitUntil(window.messages.isVisible)
    dialog.act.click()
    qtbot.waitUntil(lambda: access.asked == [("import", ["Animals|Birds", "Boats"])])
    bar = window.category_actions.undo_bar
    qtbot.waitUntil(lambda: bar.text.startswith("2 categories added, 3 photos put in, 1 time"))
    assert not bar._undo.isHidden()
    assert not window.messages.isVisible()


def test_photos_without_keywords_are_told_so(qtbot, actions: ExchangeActions, access: FakeExchange) -> None:
    access.keywords = ()
    dialog = actions.import_keywords()
    qtbot.waitUntil(lambda: "no keywords" in dialog.summary.text())
    assert not dialog.act.isEnabled()
    dialog.close()


def test_a_table_is_written_where_the_user_wants(
    qtbot, window: MainWindow, actions: ExchangeActions, access: FakeExchange, tmp_path: Path
) -> None:
    window.menus.write_table.trigger()
    dialog = answer(qtbot, tmp_path / "all.csv")
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    qtbot.waitUntil(lambda: "12 lines written to all.csv" in window.status._counts.text())
    access.error = ClipsearchError("Table not written", "The disk is full.")
    window.menus.write_table.trigger()
    answer(qtbot, tmp_path / "all.json")
    qtbot.waitUntil(lambda: "The disk is full." in window.messages.text)


def test_a_category_is_shared_and_received(
    qtbot, window: MainWindow, actions: ExchangeActions, access: FakeExchange, tmp_path: Path
) -> None:
    window.category_actions.category_menu.share_wanted.emit(window._session.shelf.info(1))
    answer(qtbot, tmp_path / "birds.json")
    qtbot.waitUntil(lambda: "Shared as birds.json" in window.status._counts.text())
    window.menus.receive.trigger()
    answer(qtbot, tmp_path / "kites.json")
    qtbot.waitUntil(lambda: window.category_actions.undo_bar.text.startswith("Added: kites;"))
    assert "group is called Toys (2), as you have a group Toys" in window.category_actions.undo_bar.text
    assert access.asked == [("share", [1], tmp_path / "birds.json"), ("receive", tmp_path / "kites.json")]
