from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QScrollArea, QWidget

from clipsearch.ui.dragging.edge_scroll import EdgeScroll, _step_px


def test_it_scrolls_near_the_edges_the_faster_the_nearer() -> None:
    assert _step_px(200, 400) == 0
    assert _step_px(2, 400) < _step_px(20, 400) < 0 < _step_px(380, 400) < _step_px(398, 400)
    assert _step_px(20, 41) == 0
    assert _step_px(0, 2) == 0


def test_a_view_scrolls_while_the_mouse_rests_at_its_edge(qtbot) -> None:
    area, content = QScrollArea(), QWidget()
    content.setFixedSize(100, 2000)
    area.setWidget(content)
    area.resize(120, 200)
    qtbot.addWidget(area)
    area.show()
    scroll = EdgeScroll(area)
    bar = area.verticalScrollBar()
    scroll.follow(QPoint(10, area.viewport().height() - 2))
    qtbot.waitUntil(lambda: bar.value() > 50)
    scroll.follow(QPoint(10, 100))
    assert not scroll._timer.isActive()
    scroll.follow(QPoint(10, 1))
    qtbot.waitUntil(lambda: bar.value() == 0)
    scroll.stop()
