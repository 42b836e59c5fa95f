"""The bars of probabilities with a threshold that is dragged."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QPalette

from clipsearch.ui.categories.histogram import Histogram


@pytest.fixture
def histogram(qtbot) -> Histogram:
    histogram = Histogram()
    qtbot.addWidget(histogram)
    histogram.resize(214, 92)  # 200 pixels between the margins: two a percent
    histogram.show()
    return histogram


def test_the_threshold_is_dragged_with_the_mouse(qtbot, histogram: Histogram) -> None:
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(7 + 60, 40))
    assert histogram.value() == 30
    qtbot.mouseMove(histogram, QPoint(7 + 120, 40))
    assert histogram.value() == 60
    qtbot.mouseMove(histogram, QPoint(500, 40))
    assert histogram.value() == 99
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton)
    qtbot.mouseMove(histogram, QPoint(7 + 20, 40))
    assert histogram.value() == 99


def test_keys_move_the_threshold_and_screen_readers_know_it(qtbot, histogram: Histogram) -> None:
    for key, value in ((Qt.Key.Key_Right, 51), (Qt.Key.Key_PageUp, 61), (Qt.Key.Key_Home, 1), (Qt.Key.Key_End, 99)):
        qtbot.keyClick(histogram, key)
        assert histogram.value() == value
    reader = QAccessible.queryAccessibleInterface(histogram)
    assert reader.role() == QAccessible.Role.Slider
    assert reader.text(QAccessible.Text.Name) == "Threshold in percent"


def test_bars_are_as_high_as_there_are_photos_and_marked_from_the_threshold_on(histogram: Histogram) -> None:
    histogram.show_bars([(0.0, 0.25, 1000), (0.25, 0.5, 0), (0.5, 0.75, 10), (0.75, 1.0, 1000)])
    picture = histogram.grab().toImage()
    highlight = histogram.palette().color(QPalette.ColorRole.Highlight)

    def is_highlighted(percent: int, y: int) -> bool:
        return QColor(picture.pixel(7 + 2 * percent, y)) == highlight

    assert [is_highlighted(percent, 74) for percent in (12, 37, 62, 87)] == [False, False, True, True]
    assert [is_highlighted(percent, 10) for percent in (62, 87)] == [False, True]
    assert QColor(picture.pixel(7 + 2 * 12, 10)) != QColor(picture.pixel(7 + 2 * 37, 10))
