"""Scrolls a view while something is dragged near its upper or lower edge."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtWidgets import QAbstractScrollArea

_EDGE_PX = 26
_TICK_MS = 30
_FASTEST_PX = 18  # a tick, at the very edge


class EdgeScroll(QObject):
    """`follow` the mouse, in the viewport's coordinates; `stop` when it leaves or drops."""

    scrolled = Signal()  # what is under the mouse is another

    def __init__(self, area: QAbstractScrollArea) -> None:
        super().__init__(area)
        self._area = area
        self._step = 0
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._scroll)

    def follow(self, place: QPoint) -> None:
        """Scroll as long as the mouse stays near an edge, the faster the nearer."""
        self._step = _step_px(place.y(), self._area.viewport().height())
        if not self._step:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _scroll(self) -> None:
        bar = self._area.verticalScrollBar()
        before = bar.value()
        bar.setValue(before + self._step)
        if bar.value() != before:
            self.scrolled.emit()


def _step_px(y: int, height: int) -> int:
    """How far to scroll in a tick: negative is up, 0 away from the edges; in low views these are narrower."""
    edge = min(_EDGE_PX, height // 4)
    depth = max(y - (height - 1 - edge), 0) - max(edge - y, 0)
    return round(_FASTEST_PX * depth / edge) if edge else 0
