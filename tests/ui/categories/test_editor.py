"""The panel in which a category is changed, by itself."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from clipsearch.library.categories.limits import LONGEST_NAME
from clipsearch.records import Category, CategoryInfo
from clipsearch.ui.categories.editor import CategoryEditor

BIRDS = Category(1, "birds", None, ("a bird", "birds in the sky"), ("a plane",), "default", "animals", 0.7, "#3c8fd0")
OTHERS = [CategoryInfo(BIRDS), CategoryInfo(Category(2, "owls", 1)), CategoryInfo(Category(3, "nature"))]


@pytest.fixture
def editor(qtbot) -> CategoryEditor:
    editor = CategoryEditor()
    qtbot.addWidget(editor)
    return editor


def test_what_is_not_touched_stays_as_it_was(editor: CategoryEditor) -> None:
    for category in (
        BIRDS,
        Category(3, "nature"),
        Category(1, "birds", 3, threshold=0.237, colour="#123456", shared="weights"),
    ):
        editor.open(category, OTHERS, ["default", "imagenet-80"])
        assert editor.category == category


def test_every_field_changes_the_category(qtbot, editor: CategoryEditor) -> None:
    editor.open(BIRDS, OTHERS, ["default", "imagenet-80"])
    seen: list[Category] = []
    editor.edited.connect(seen.append)
    editor._name.setText(" all birds ")
    editor._prompts.setPlainText("a bird\n\n an   owl \na bird")
    editor._negatives.clear()
    editor._templates.choose("imagenet-80")
    editor._group.setEditText("flying")
    editor._parent.choose(3)
    editor._colour.choose("#d9534f")
    editor.histogram.setValue(65)
    wanted = Category(1, "all birds", 3, ("a bird", "an owl"), (), "imagenet-80", "flying", 0.65, "#d9534f")
    assert editor.category == wanted == seen[-1]


def test_a_category_cannot_be_put_into_itself_or_what_is_in_it(editor: CategoryEditor) -> None:
    editor.open(BIRDS, OTHERS, [])
    field = editor._parent
    assert [field.itemData(number) for number in range(field.count())] == [None, 3]


def test_prompts_are_suggested_until_the_user_writes_some(qtbot, editor: CategoryEditor) -> None:
    editor.open(Category(0, ""), [], [])
    named: list[str] = []
    editor.named.connect(named.append)
    assert not editor._save.isEnabled() or not editor._name.text()
    qtbot.keyClicks(editor._name, "party")
    assert named[-1] == "party"
    editor.suggest("part", ["too late"])
    assert editor.category.prompts == ()
    editor.suggest("party", ["people at a party"])
    assert editor.category.prompts == ("people at a party",)
    qtbot.keyClicks(editor._name, "s")
    assert editor.category.prompts == ()  # those of another name
    editor._prompts.setPlainText("my own")
    editor.suggest("partys", ["another"])
    assert editor.category.prompts == ("my own",)


def test_it_tells_how_many_photos_it_would_hold(editor: CategoryEditor) -> None:
    editor.open(BIRDS, OTHERS, [])
    editor.show_count("about 234 photos")
    assert editor._count.text() == "about 234 photos at 70 % or more"


def test_enter_saves_and_escape_cancels(qtbot, editor: CategoryEditor) -> None:
    editor.open(BIRDS, OTHERS, [])
    with qtbot.waitSignal(editor.saved) as saved:
        qtbot.keyClick(editor._name, Qt.Key.Key_Return)
    assert saved.args == [BIRDS]
    for field in (editor._name, editor._prompts, editor.histogram, editor._group):
        with qtbot.waitSignal(editor.cancelled):
            qtbot.keyClick(field, Qt.Key.Key_Escape)
    editor._name.clear()
    editor._on_edited()
    assert not editor._save.isEnabled()


def test_a_name_that_another_category_has_is_refused_while_it_is_typed(qtbot, editor: CategoryEditor) -> None:
    editor.open(Category(0, ""), OTHERS, [])
    qtbot.keyClicks(editor._name, "Owls")
    assert not editor._taken.isHidden()
    assert not editor._save.isEnabled()
    with qtbot.assertNotEmitted(editor.saved):
        qtbot.keyClick(editor._name, Qt.Key.Key_Return)
    qtbot.keyClicks(editor._name, "!")
    assert editor._taken.isHidden()
    assert editor._save.isEnabled()
    editor.open(BIRDS, OTHERS, [])  # its own name is not taken
    assert editor._taken.isHidden()


def test_every_field_has_an_accessible_name(editor: CategoryEditor) -> None:
    fields = (editor._name, editor._prompts, editor._negatives, editor._templates, editor._group, editor._parent)
    assert [field.accessibleName() for field in fields] == [
        "Name",
        "Photos of",
        "But not",
        "Wording",
        "Exclusive group",
        "Inside of",
    ]


def test_it_opens_with_the_name_in_sight(qtbot, editor: CategoryEditor) -> None:
    editor.resize(editor.width(), 300)
    editor.open(BIRDS, OTHERS, [])
    editor._more.click()
    bar = editor._area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() > 0)
    editor.hide()
    editor.open(Category(0, ""), OTHERS, [], 2)
    qtbot.wait(20)
    assert bar.value() == 0
    seen = editor._area.viewport()
    assert seen.rect().contains(editor._name.mapTo(seen, editor._name.rect().center()))


def test_a_name_is_no_longer_than_the_library_keeps_it(qtbot, editor: CategoryEditor) -> None:
    editor.open(Category(0, ""), OTHERS, [])
    qtbot.keyClicks(editor._name, "n" * (LONGEST_NAME + 1))
    assert editor.category.name == "n" * LONGEST_NAME
