"""What is known about one photo, beside the large picture."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from clipsearch.records import Category, Photo
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.widgets import label, push_button

_WIDTH_PX = 272


class PhotoDetails(QScrollArea):
    """Name, folder, size, date, what lies beside the photo, its copies, its categories and its burst."""

    burst_wanted = Signal(object)  # Photo

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photo: Photo | None = None
        self.setObjectName("photoDetailsArea")
        self.setFixedWidth(_WIDTH_PX)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_photo(self, photo: Photo, relevance: str = "") -> None:
        """Show everything that is known about `photo`; its burst may come later."""
        self._photo = photo
        body = QWidget()
        body.setObjectName("photoDetails")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(20, 18, 20, 18)
        self._column.setSpacing(2)
        for caption, text in self._rows(photo, relevance):
            if text:
                _add_row(self._column, caption, text)
        self._categories = QVBoxLayout()
        self._categories.setSpacing(2)
        self._column.addLayout(self._categories)
        self._column.addStretch()
        self.setWidget(body)

    def show_categories(self, photo: Photo, found: Sequence[tuple[Category, float, str]]) -> None:
        """Show the categories that hold `photo`, in place of those shown before, and who put it there."""
        if self._photo is None or photo.id != self._photo.id:
            return
        while (item := self._categories.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if found:
            text = "\n".join(sentences.membership(*one) for one in found)
            _add_row(self._categories, self.tr("Categories"), text)

    def show_burst(self, photo: Photo, burst: Sequence[Photo]) -> None:
        """Add the photos shot in one go with `photo`, unless there are none or another photo is shown by now."""
        if self._photo is None or photo.id != self._photo.id or len(burst) < 2:
            return
        self._column.takeAt(self._column.count() - 1)  # the stretch
        _add_row(self._column, self.tr("Burst"), wording.burst_member(len(burst)))
        button = push_button("copies", self.tr("Show the burst"), lambda: self.burst_wanted.emit(photo))
        self._column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch()

    def _rows(self, photo: Photo, relevance: str) -> list[tuple[str, str]]:
        copies = "\n".join(wording.elided_path(path) for path in photo.paths[1:])
        companions = "\n".join(wording.companion_name(path, photo) for path in photo.companions)
        return [
            (self.tr("Name"), wording.one_line(photo.path.name)),
            (self.tr("Offline"), wording.out_of_reach() if photo.offline else ""),
            (self.tr("Match"), relevance),
            (self.tr("Folder"), wording.elided_path(photo.path.parent)),
            (self.tr("With"), companions),
            (self.tr("Taken"), wording.captured_date(photo)),
            (self.tr("Camera"), wording.one_line(photo.camera or "")),
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
