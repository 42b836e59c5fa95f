# ruff: noqa: N802 - Qt's own names
"""Stands in for a file manager: offers files to be dragged, or takes them and tells on its standard output which.

It offers to move them as well as to copy them, as file managers do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDrag, QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel

X, Y, WIDTH, HEIGHT = 940, 100, 300, 300


class FileManager(QLabel):
    def __init__(self, paths: list[Path]) -> None:
        super().__init__(f"Files: {len(paths)}" if paths else "Drop files here")
        self._paths = paths
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAcceptDrops(not paths)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._paths:
            return
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in self._paths])
        drag = QDrag(self)
        drag.setMimeData(data)
        action = drag.exec(Qt.DropAction.MoveAction | Qt.DropAction.CopyAction, Qt.DropAction.MoveAction)
        tell(f"given {action.name}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            tell(f"offered {' or '.join(action.name for action in event.possibleActions())}")

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        tell(f"taken {event.dropAction().name} " + " ".join(url.toLocalFile() for url in event.mimeData().urls()))


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    application = QApplication([])
    window = FileManager([Path(name) for name in sys.argv[1:]])
    window.setWindowTitle("file manager")
    window.setGeometry(X, Y, WIDTH, HEIGHT)
    window.show()
    tell("ready")
    sys.exit(application.exec())
