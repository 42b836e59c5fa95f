from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from clipsearch.records import Hit, Relevance
from clipsearch.ui.photo_model import PhotoModel, Role
from tests.ui.fake_library import photo_of


def _hits(*kinds: Relevance) -> list[Hit]:
    return [Hit(rank, photo_of(rank), 1 / rank, kind) for rank, kind in enumerate(kinds, 1)]


STRONG, LIKELY, WEAK = Relevance.STRONG, Relevance.LIKELY, Relevance.WEAK


def _ids(model: PhotoModel) -> list[object]:
    return [model.index(row).data(Role.ID) for row in range(model.rowCount())]


def test_keeps_the_rules_of_item_models(qapp) -> None:
    model = PhotoModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_photos([5, 4, 3])
    model.show_hits(_hits(STRONG, WEAK, WEAK))
    model.set_unfolded(True)
    model.set_unfolded(False)
    model.show_photos([])
    del tester


def test_members_come_before_a_fold_with_those_that_may_belong(qtbot) -> None:
    model = PhotoModel()
    asked: list[list[int]] = []
    model.details_wanted.connect(asked.append)
    model.show_members([5, 4], [3, 2], {5: True, 2: False})
    assert [model.rowCount(), model.fold_row, model.index(2).data(Role.FOLDED)] == [3, 2, 2]
    model.set_unfolded(True)
    assert [_ids(model)[row] for row in (0, 1, 3, 4)] == [5, 4, 3, 2]
    assert [model.index(row).data(Role.JUDGED) for row in (0, 1, 3, 4)] == [True, None, None, False]
    assert model.photo(3) is None
    qtbot.waitUntil(lambda: bool(asked))
    model.add_details([photo_of(id_) for id_ in asked[0]])
    assert "Put in by you" in model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    model.show_photos([5])
    assert model.index(0).data(Role.JUDGED) is None


def test_details_are_asked_for_page_by_page(qtbot) -> None:
    model = PhotoModel()
    model.show_photos(list(range(1000)))
    asked: list[list[int]] = []
    model.details_wanted.connect(asked.append)
    for row in range(250, 270):
        assert model.photo(row) is None
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [list(range(200, 300))]
    model.add_details([photo_of(id_) for id_ in asked[0]])
    assert model.photo(260) == photo_of(260)
    assert model.photo(251) is not None
    assert len(asked) == 1


def test_forgotten_details_are_told_and_fetched_anew(qtbot) -> None:
    model = PhotoModel()
    model.show_hits(_hits(STRONG, STRONG))
    asked: list[list[int]] = []
    model.details_wanted.connect(asked.append)
    with qtbot.waitSignal(model.dataChanged) as changed:
        model.forget_details()
    assert [index.row() for index in changed.args[:2]] == [0, 1]
    assert model.photo(0) == model.index(0).data(Role.PHOTO) == photo_of(1)  # meanwhile, so that nothing flickers
    qtbot.waitUntil(lambda: asked == [[1, 2]])
    anew = replace(photo_of(1), offline=True)
    model.add_details([anew])
    assert model.photo(0) == model.index(0).data(Role.PHOTO) == anew


def test_a_million_photos_cost_nothing_until_looked_at(qtbot) -> None:
    model = PhotoModel()
    asked: list[list[int]] = []
    model.details_wanted.connect(asked.append)
    model.show_photos(range(1_000_000))
    assert model.rowCount() == 1_000_000
    assert model.row_of(999_999) == 999_999
    qtbot.wait(10)
    assert asked == []


def test_less_sure_hits_are_folded_away(qapp) -> None:
    model = PhotoModel()
    model.show_hits(_hits(STRONG, LIKELY, WEAK, WEAK))
    assert model.rowCount() == 3
    assert model.fold_row == 2
    assert model.index(2).data(Role.FOLDED) == 2
    assert model.index(0).data(Role.FOLDED) is None
    model.set_unfolded(True)
    assert _ids(model)[:2] == [1, 2]
    assert _ids(model)[3:] == [3, 4]
    assert model.index(3).data(Role.HIT).relevance is WEAK
    assert model.sure_count == 2
    assert [model.index(row).data(Role.PALE) for row in range(5)] == [False, False, False, True, True]


def test_hits_that_are_all_less_sure_are_shown(qapp) -> None:
    model = PhotoModel()
    model.show_hits(_hits(WEAK, WEAK))
    assert _ids(model) == [1, 2]
    assert model.fold_row is None
    assert not model.index(0).data(Role.PALE)


def test_the_fold_stays_as_the_user_left_it(qapp) -> None:
    model = PhotoModel()
    model.show_hits(_hits(STRONG, WEAK))
    model.set_unfolded(True)
    model.show_hits(_hits(STRONG, WEAK, WEAK))
    assert model.rowCount() == 4


def test_rows_speak(qapp) -> None:
    model = PhotoModel()
    model.show_hits(_hits(STRONG, WEAK))
    text = model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "cat_1.jpg" in text
    assert "Strong match" in text
    assert "4000 × 3000" in text
    assert "less sure" in model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)


def test_photos_can_be_dragged_but_not_the_fold(qapp) -> None:
    model = PhotoModel()
    model.show_hits(_hits(STRONG, WEAK))
    model.set_unfolded(True)
    assert model.flags(model.index(0)) & Qt.ItemFlag.ItemIsDragEnabled
    assert not model.flags(model.index(1)) & Qt.ItemFlag.ItemIsDragEnabled
    assert model.ids_between(0, 2) == [1, 2]
    assert model.ids_between(2, 2) == [2]
