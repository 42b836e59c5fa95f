"""The tree of categories in the sidebar."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, QSettings, Qt
from PySide6.QtWidgets import QLineEdit

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui.categories.section import CategorySection
from clipsearch.ui.categories.tree import CategoryTree


def _infos(*categories: Category) -> list[CategoryInfo]:
    return [CategoryInfo(category, found=category.id) for category in categories]


BIRDS, OWLS, TEN, NINE = Category(1, "Birds"), Category(2, "owls", 1), Category(3, "10 years"), Category(4, "9 years")


@pytest.fixture
def section(qtbot) -> CategorySection:
    section = CategorySection()
    qtbot.addWidget(section)
    section.resize(230, 400)
    section.show()
    return section


@pytest.fixture
def tree(section: CategorySection) -> CategoryTree:
    section.show_categories(_infos(BIRDS, OWLS, TEN, NINE), is_read_only=False)
    return section.tree


def _rows(tree: CategoryTree, parent: QModelIndex | None = None) -> list[str]:
    """The names of all visible rows, those nested after a dash each."""
    parent = parent or QModelIndex()
    rows = []
    for number in range(tree.model().rowCount(parent)):
        index = tree.model().index(number, 0, parent)
        if not tree.isRowHidden(number, parent):
            rows.append(index.data())
            rows += [f"-{name}" for name in _rows(tree, index)] if tree.isExpanded(index) else []
    return rows


def _place(tree: CategoryTree, category_id: int):
    return tree.visualItemRect(tree._items[category_id]).center()


def test_rows_are_nested_and_in_the_order_of_people(tree: CategoryTree) -> None:
    assert _rows(tree) == ["9 years", "10 years", "Birds", "-owls"]
    assert tree._items[2].data(0, Qt.ItemDataRole.AccessibleTextRole) == "owls, 2 found"


def test_a_click_or_enter_chooses(qtbot, tree: CategoryTree) -> None:
    with qtbot.waitSignal(tree.chosen) as chosen:
        qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=_place(tree, 2))
    assert chosen.args[0].name == "owls"
    qtbot.keyClick(tree, Qt.Key.Key_Up)
    with qtbot.waitSignal(tree.chosen) as chosen:
        qtbot.keyClick(tree, Qt.Key.Key_Return)
    assert chosen.args[0].name == "Birds"


def test_what_is_under_the_mouse_is_told(tree: CategoryTree) -> None:
    assert tree.category_at(_place(tree, 3)).name == "10 years"
    assert tree.category_at(tree.viewport().rect().bottomLeft()) is None


def test_f2_renames_in_place(qtbot, tree: CategoryTree) -> None:
    tree.mark(2)
    qtbot.keyClick(tree, Qt.Key.Key_F2)
    editor = tree.findChild(QLineEdit)
    assert editor.text() == "owls"
    qtbot.keyClicks(editor, "night birds ")
    with qtbot.waitSignal(tree.renamed) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert (renamed.args[0].category.id, renamed.args[1]) == (2, "night birds")
    assert "-owls" in _rows(tree)  # until the catalog has it


@pytest.mark.parametrize("others", [(), (Category(5, "cats"),)], ids=["numbers", "rows"])
def test_a_name_being_typed_stays_when_categories_change_meanwhile(qtbot, tree: CategoryTree, others: tuple) -> None:
    tree.mark(2)
    qtbot.keyClick(tree, Qt.Key.Key_F2)
    editor = tree.findChild(QLineEdit)
    qtbot.keyClicks(editor, "night")
    known = (BIRDS, OWLS, TEN, NINE, *others)
    tree.show_categories([CategoryInfo(one, found=70) for one in known], are_editable=True)
    qtbot.keyClicks(editor, " birds")
    with qtbot.waitSignal(tree.renamed) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert (renamed.args[0].category.id, renamed.args[1]) == (2, "night birds")
    qtbot.waitUntil(lambda: ("cats" in _rows(tree)) == bool(others))
    assert tree.current_id == 2


def test_what_is_open_stays_marked_while_the_keyboard_or_a_menu_is_at_another(qtbot, tree: CategoryTree) -> None:
    tree.mark(1)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.RightButton, pos=_place(tree, 3))
    qtbot.keyClick(tree, Qt.Key.Key_Up)
    assert tree.current_id != 1
    assert tree._delegate.open_id == 1
    tree.show_categories(_infos(BIRDS, OWLS, TEN, NINE, Category(5, "cats")), are_editable=True)
    assert tree._delegate.open_id == 1
    tree.mark(None)
    assert tree._delegate.open_id is None


def test_delete_removes_without_a_question(qtbot, tree: CategoryTree) -> None:
    tree.mark(1)
    with qtbot.waitSignal(tree.remove_wanted) as removed:
        qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert removed.args[0].name == "Birds"


def test_new_numbers_move_nothing(tree: CategoryTree) -> None:
    tree.mark(2)
    before = tree._items[2]
    infos = [CategoryInfo(info.category, assigned=7) for info in tree._infos()]
    tree.show_categories(infos, are_editable=False)
    assert tree._items[2] is before
    assert tree.current.assigned == 7
    assert not before.flags() & Qt.ItemFlag.ItemIsEditable


def test_a_new_category_keeps_what_is_marked_and_folded(tree: CategoryTree) -> None:
    tree.mark(3)
    tree._items[1].setExpanded(False)
    tree.show_categories(_infos(BIRDS, OWLS, TEN, NINE, Category(5, "cats")), are_editable=True)
    assert _rows(tree) == ["9 years", "10 years", "Birds", "cats"]
    assert tree.current_id == 3
    assert tree.folded == {1}


def test_what_is_folded_is_remembered(qtbot, tree: CategoryTree, section: CategorySection, store: QSettings) -> None:
    section.restore(store)
    tree._items[1].setExpanded(False)
    other = CategorySection()
    qtbot.addWidget(other)
    other.restore(store)
    other.show_categories(_infos(BIRDS, OWLS), is_read_only=False)
    assert _rows(other.tree) == ["Birds"]


def test_filtering_opens_what_is_folded_only_meanwhile(tree: CategoryTree) -> None:
    tree._items[1].setExpanded(False)
    tree.show_only("OWL")
    assert _rows(tree) == ["Birds", "-owls"]
    tree.show_only("")
    assert _rows(tree) == ["9 years", "10 years", "Birds"]


def test_many_categories_can_be_filtered(qtbot, section: CategorySection) -> None:
    assert not section._filter.isVisible()
    assert section._hint.isVisible()
    section.show_categories(_infos(*(Category(id_, f"thing {id_}") for id_ in range(1, 201))), is_read_only=False)
    assert section._filter.isVisible()
    assert not section._hint.isVisible()
    qtbot.keyClicks(section._filter, "20")
    assert _rows(section.tree) == ["thing 20", "thing 120", "thing 200"]


def test_a_library_that_may_not_be_written_offers_no_changes(qtbot, section: CategorySection) -> None:
    section.show_categories(_infos(BIRDS), is_read_only=True)
    section.tree.mark(1)
    qtbot.keyClick(section.tree, Qt.Key.Key_F2)
    assert section.tree.findChild(QLineEdit) is None
    assert not section._add.isEnabled()
    assert "not be written" in section._add.toolTip()
