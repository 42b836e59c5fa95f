from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QPalette

from clipsearch.ui.icons import icon
from clipsearch.ui.theme import DARK, LIGHT, Colours, palette, style_sheet


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in QColor(colour).getRgb()[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_everywhere(colours: Colours) -> None:
    for ground in (colours.window, colours.base, colours.hover, colours.notice, colours.alarm):
        assert _contrast(colours.text, ground) >= 7
    for ground in (colours.window, colours.base):
        assert _contrast(colours.muted, ground) >= 4.5
    assert _contrast(colours.on_accent, colours.accent) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_style_sheet_is_filled_in(qapp, colours: Colours) -> None:
    sheet = style_sheet(colours)
    assert "{{" not in sheet
    assert colours.accent in sheet


def test_icons_follow_the_palette(qapp) -> None:
    drawn = []
    for colours in (LIGHT, DARK):
        qapp.setPalette(palette(colours))
        image = icon("folder", QPalette.ColorRole.Text).pixmap(24, 24).toImage()
        drawn.append(
            {
                image.pixelColor(x, y).name()
                for x in range(24)
                for y in range(24)
                if image.pixelColor(x, y).alpha() == 255
            }
        )
    assert LIGHT.text in drawn[0]
    assert DARK.text in drawn[1]
