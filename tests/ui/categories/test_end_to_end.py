"""Categories on the real thing: the bundled photos, the starter model and a catalog on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from clipsearch import paths
from clipsearch.records import Action, Category
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.session import Session
from clipsearch.ui.theme import Theme

_PATIENCE_MS = 30_000


@pytest.fixture
def real(qtbot, tmp_path: Path, store: QSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window on the bundled photos, indexed."""
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")
    session = Session(LibraryAccess(tmp_path / "library"))
    window = MainWindow(session, Theme(QApplication.instance(), store), store)
    qtbot.addWidget(window)
    window.show()
    session.start()
    session.index([paths.resource_path("demo")])
    with qtbot.waitSignal(session.runs.ended, timeout=_PATIENCE_MS):
        pass
    _settle(qtbot, session)
    yield window
    window.close()
    session.close()


def _settle(qtbot, session: Session) -> None:
    """Wait until every change is written and learned from."""
    qtbot.waitUntil(lambda: session.shelf.is_ready and not session.shelf.is_learning, timeout=_PATIENCE_MS)


def _names(session: Session) -> list[str]:
    photos = [session.model.photo(row) for row in range(session.model.fold_row or session.model.rowCount())]
    return [photo.path.stem if photo else "" for photo in photos]


def test_a_category_is_invented_taught_and_undone(qtbot, real: MainWindow, tmp_path: Path) -> None:
    session, shelf, page = real._session, real._session.shelf, real.pages.photos
    real.categories.invent()
    qtbot.keyClicks(page.editor._name, "flowers")
    qtbot.waitUntil(lambda: page.editor.category.prompts == ("flowers", "flower"), timeout=_PATIENCE_MS)
    qtbot.waitUntil(lambda: "tulips" in _names(session), timeout=_PATIENCE_MS)
    qtbot.keyClick(page.editor._name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.category is not None, timeout=_PATIENCE_MS)
    _settle(qtbot, session)
    flowers = session.category.category
    qtbot.waitUntil(lambda: {"tulips", "sunflower"} <= set(_names(session)), timeout=_PATIENCE_MS)
    row = _names(session).index("tulips")
    page.grid.setCurrentIndex(session.model.index(row))
    page.category_bar._reject.click()
    qtbot.waitUntil(lambda: "tulips" not in _names(session), timeout=_PATIENCE_MS)
    _settle(qtbot, session)
    assert (shelf.info(flowers.id).rejected, shelf.undoable.action) == (1, Action.REJECT)
    shelf.undo()
    qtbot.waitUntil(lambda: "tulips" in _names(session), timeout=_PATIENCE_MS)
    _settle(qtbot, session)
    assert shelf.undoable.action is Action.ADD


def test_a_lesson_asks_about_photos_that_are_not_judged_yet(qtbot, real: MainWindow) -> None:
    session, shelf, page = real._session, real._session.shelf, real.pages.teaching
    with qtbot.waitSignal(shelf.added, timeout=_PATIENCE_MS) as added:
        shelf.add(Category(0, "animals"))
    _settle(qtbot, session)
    real.categories.teach(shelf.info(added.args[0].id))
    seen = []
    for key in "ynynynynyny":
        qtbot.waitUntil(lambda: page.photo is not None, timeout=_PATIENCE_MS)
        seen.append(page.photo.id)
        qtbot.keyClicks(page, key)
    assert len(set(seen)) == 11
    _settle(qtbot, session)
    info = shelf.info(added.args[0].id)
    assert (info.assigned, info.rejected) == (6, 5)


def test_access_asks_the_library_what_its_names_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")
    library = LibraryAccess(tmp_path / "library")
    assert not library.categories().is_read_only  # not open yet
    library.open()
    try:
        list(library.index([paths.resource_path("demo")]))
        access, ids = library.categories(), list(library.overview().photo_ids)
        birds, cats = access.add(Category(0, "birds"), ids[:2]), access.add(Category(0, "cats"))
        access.refresh()
        assert [info.assigned for info in access.state().infos] == [2, 0]
        access.move(birds.id, cats.id, ids[:1])
        assert access.judgements(birds.id) == {ids[0]: False, ids[1]: True}
        assert access.member_ids(cats.id)[0].tolist()[0] == ids[0]
        assert set(access.all_scores(cats.id)[0].tolist()) == set(ids)
        access.assign_paths(cats.id, [library.photos(ids[2:3])[0].path])
        assert access.judgements(cats.id) == {ids[0]: True, ids[2]: True}
        coloured = access.change(replace(cats, colour="#d9534f"), cats)
        assert access.change(replace(cats, name="all cats"), cats) == replace(coloured, name="all cats")
        before = access.state().revision
        access.nest(cats.id, birds.id)
        assert access.state().revision == access.revision() != before
        assert access.remove("birds").name == "birds"
        assert [info.category.parent_id for info in access.state().infos] == [None]
        assert access.undo(access.state().undoable).action is Action.REMOVE
        assert access.redo(access.state().redoable).action is Action.REMOVE
        assert "default" in access.template_sets()
    finally:
        library.close()
