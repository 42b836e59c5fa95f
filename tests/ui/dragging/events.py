"""Drag and drop events as a file manager would cause them, which offers to move or to copy, or as this window does."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent

_PLACE = QPoint(5, 5)
_ANY = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
_NO_KEY = Qt.KeyboardModifier.NoModifier
_BUTTON = Qt.MouseButton.LeftButton


def data_of(paths: Sequence[Path]) -> QMimeData:
    """What is dragged; the caller keeps it alive as long as the event."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def enter_event(data: QMimeData, place: QPoint = _PLACE, actions: Qt.DropAction = _ANY) -> QDragEnterEvent:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 6.12 on, with no other way in 6.11
        return QDragEnterEvent(place, actions, data, _BUTTON, _NO_KEY)


def move_event(
    data: QMimeData, place: QPoint, actions: Qt.DropAction = _ANY, keys: Qt.KeyboardModifier = _NO_KEY
) -> QDragMoveEvent:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return QDragMoveEvent(place, actions, data, _BUTTON, keys)


def drop_event(
    data: QMimeData,
    place: QPoint = _PLACE,
    actions: Qt.DropAction = _ANY,
    keys: Qt.KeyboardModifier = _NO_KEY,
) -> QDropEvent:
    return QDropEvent(QPointF(place), actions, data, _BUTTON, keys)
