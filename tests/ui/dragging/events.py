"""Drag and drop events as a file manager would cause them: it offers to move or to copy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent

_ACTIONS = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
_HOW = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)


def data_of(paths: Sequence[Path]) -> QMimeData:
    """What is dragged; the caller keeps it alive as long as the event."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def enter_event(data: QMimeData) -> QDragEnterEvent:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 6.12 on, with no other way in 6.11
        return QDragEnterEvent(QPoint(5, 5), _ACTIONS, data, *_HOW)


def drop_event(data: QMimeData) -> QDropEvent:
    return QDropEvent(QPointF(5, 5), _ACTIONS, data, *_HOW)
