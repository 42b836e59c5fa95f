"""The palette: typing narrows it down, Enter puts in, Shift+Enter takes out, an unknown name makes a category."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from clipsearch.records import Category, CategoryInfo
from clipsearch.ui.categories.palette import Palette, fitting

NAMES = ("Animals", "Birds", "Birthday party", "Sea birds", "Crab legs")


def infos() -> list[CategoryInfo]:
    categories = [Category(number, name) for number, name in enumerate(NAMES, 1)]
    return [CategoryInfo(category) for category in categories]


@pytest.fixture
def palette(qtbot) -> Palette:
    palette = Palette(infos(), {number: number for number in range(1, 6)}, 12)
    qtbot.addWidget(palette)
    palette.show()
    return palette


def shown(palette: Palette) -> list[str]:
    return [palette.rows.item(row).text() for row in range(palette.rows.count())]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", NAMES),
        ("bir", ("Birds", "Birthday party", "Sea birds")),
        (" SEA", ("Sea birds",)),
        ("ab", ("Crab legs",)),
        ("x", ()),
    ],
)
def test_names_that_begin_so_come_before_those_that_hold_it(words: str, names: tuple[str, ...]) -> None:
    assert tuple(info.name for info in fitting(infos(), words)) == names


def test_it_says_how_many_photos_and_which_number_keys(palette: Palette) -> None:
    assert "12" in palette.line.placeholderText()
    assert palette.rows.item(1).text() == "Birds"
    assert palette.rows.item(1).data(Qt.ItemDataRole.UserRole + 1) == 2


def test_enter_puts_into_the_row_that_the_arrows_chose(qtbot, palette: Palette) -> None:
    qtbot.keyClicks(palette.line, "bir")
    assert shown(palette) == ["Birds", "Birthday party", "Sea birds", "New category “bir”"]
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    with qtbot.waitSignal(palette.put_wanted) as put:
        qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert put.args == [3]


def test_shift_enter_takes_out(qtbot, palette: Palette) -> None:
    with qtbot.waitSignal(palette.take_out_wanted) as out, qtbot.assertNotEmitted(palette.put_wanted):
        qtbot.keyClick(palette.line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert out.args == [1]


def test_enter_on_an_unknown_name_makes_a_category(qtbot, palette: Palette) -> None:
    qtbot.keyClicks(palette.line, " Holidays ")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert palette.isVisible()  # nothing can be taken out of what is not there
    with qtbot.waitSignal(palette.new_wanted) as new:
        qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert new.args == ["Holidays"]


def test_a_name_that_is_there_in_other_letters_is_not_made_again(qtbot, palette: Palette) -> None:
    qtbot.keyClicks(palette.line, "BIRDS")
    assert shown(palette) == ["Birds", "Sea birds"]


def test_a_click_puts_in_and_closes(qtbot, palette: Palette) -> None:
    place = palette.rows.visualItemRect(palette.rows.item(2)).center()
    with qtbot.waitSignal(palette.put_wanted) as put:
        qtbot.mouseClick(palette.rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert put.args == [3]


def test_escape_closes_without_doing_anything(qtbot, palette: Palette) -> None:
    with qtbot.assertNotEmitted(palette.put_wanted), qtbot.waitSignal(palette.finished):
        qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
