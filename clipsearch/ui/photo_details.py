"""What is known about one photo, beside the large picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from clipsearch.records import Photo
from clipsearch.ui import wording
from clipsearch.ui.widgets import label

_WIDTH_PX = 272


class PhotoDetails(QScrollArea):
    """Name, folder, size, date and the other places where the same photo lies."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("photoDetailsArea")
        self.setFixedWidth(_WIDTH_PX)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_photo(self, photo: Photo, relevance: str = "") -> None:
        """Show everything that is known about `photo`."""
        body = QWidget()
        body.setObjectName("photoDetails")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(2)
        for caption, text in self._rows(photo, relevance):
            if text:
                _add_row(layout, caption, text)
        layout.addStretch()
        self.setWidget(body)

    def _rows(self, photo: Photo, relevance: str) -> list[tuple[str, str]]:
        copies = "\n".join(wording.elided_path(path) for path in photo.paths[1:])
        return [
            (self.tr("Name"), wording.one_line(photo.path.name)),
            (self.tr("Match"), relevance),
            (self.tr("Folder"), wording.elided_path(photo.path.parent)),
            (self.tr("Dimensions"), wording.dimensions(photo)),
            (self.tr("File size"), wording.file_size(photo.size_bytes)),
            (self.tr("Changed"), wording.changed_date(photo)),
            (self.tr("Format"), photo.format),
            (self.tr("Also at"), copies),
        ]


def _add_row(layout: QVBoxLayout, caption: str, text: str) -> None:
    value = label(wording.breakable(text))
    value.setWordWrap(True)
    value.setAccessibleName(f"{caption}: {text}")
    layout.addWidget(label(caption, "caption"))
    layout.addWidget(value)
    layout.addSpacing(12)
