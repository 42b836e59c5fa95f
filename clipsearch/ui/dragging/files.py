"""What a drag from the file manager brings, and what one to it takes along."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDropEvent


def take(event: QDropEvent) -> None:
    """Accept what is dragged, as a copy: after a move, which may be proposed, the source would delete its files."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.setAccepted(event.dropAction() == Qt.DropAction.CopyAction)


def file_url(path: Path) -> QUrl:
    """The URL of a file, also of one whose name is not valid text."""
    return QUrl.fromEncoded(path.absolute().as_uri().encode("ascii"))


def local_paths(data: QMimeData) -> list[Path]:
    """The files and folders on this machine that are dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def folders(data: QMimeData) -> list[Path]:
    """The folders among what is dragged."""
    return [path for path in local_paths(data) if path.is_dir()]


def single_file(data: QMimeData) -> Path | None:
    """The one file that is dragged; None for folders, several files or anything else."""
    paths = local_paths(data)
    return paths[0] if len(paths) == 1 and not paths[0].is_dir() else None
