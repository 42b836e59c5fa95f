from __future__ import annotations

from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QApplication

from clipsearch.ui.dragging.picture import drag_picture, label_picture


def _painted(colour: str) -> QPixmap:
    picture = QPixmap(60, 40)
    picture.fill(QColor(colour))
    return picture


def test_the_first_photo_lies_on_top_of_two_others(qapp: QApplication) -> None:
    pile = [_painted(colour) for colour in ("red", "lime", "blue", "yellow")]
    image = drag_picture(pile, 4, 1.0).toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert {"#ff0000", "#00ff00", "#0000ff"} <= colours
    assert "#ffff00" not in colours
    middle = image.pixelColor(50, 60)
    assert middle.name() == "#ff0000"


def test_the_count_is_told_unless_it_is_one(qapp: QApplication) -> None:
    one, many = (drag_picture([_painted("red")], count, 1.0).toImage() for count in (1, 100_000))
    assert one != many
    assert drag_picture([], 1, 2.0).devicePixelRatio() == 2.0


def test_a_long_name_makes_no_endless_label(qapp: QApplication) -> None:
    assert label_picture("name " * 100, QColor("red"), 1.0).width() < 300
