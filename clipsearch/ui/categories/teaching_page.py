# ruff: noqa: N802 - Qt's own names
"""The page on which a category is taught: one photo at a time, and whether it belongs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPalette, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from clipsearch.records import Photo
from clipsearch.ui import wording
from clipsearch.ui.icons import icon
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.picture_canvas import PictureCanvas
from clipsearch.ui.tasks import Task, Tasks
from clipsearch.ui.thumbnails import Thumbnails
from clipsearch.ui.widgets import elided_label, label, push_button, tool_button

_LONG_SIDE_PX = 1600
_BUTTON_PX = QSize(150, 46)


class TeachingPage(QWidget):
    """Shows a photo with Yes and No; the keys are Y, N, S to skip, Backspace to go back, Escape to end."""

    answered = Signal(object)  # whether it belongs: True, False, or None for skipped
    back_wanted = Signal()
    closed = Signal()

    def __init__(
        self, thumbnails: Thumbnails, library: LibraryAccess, tasks: Tasks, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._library = library
        self._tasks = tasks
        self._task: Task | None = None
        self._photo: Photo | None = None
        self._is_stand_in = False  # the thumbnail, until the picture itself has come
        self.canvas = PictureCanvas()
        self._question = elided_label(role="title")
        self._progress = label(role="muted")
        self._yes = push_button("belongs", self.tr("Yes (Y)"), lambda: self._answer(True))
        self._no = push_button("not-this", self.tr("No (N)"), lambda: self._answer(False))
        self._skip = QPushButton(self.tr("Skip (S)"))
        self._skip.clicked.connect(lambda: self._answer(None))
        self._back = push_button("undo", self.tr("Previous (Backspace)"), self.back_wanted.emit)
        self._back.setToolTip(self.tr("Judge the photo before once more"))
        self._yes.setProperty("primary", True)
        self._yes.setIcon(icon("belongs", QPalette.ColorRole.BrightText))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        thumbnails.loaded.connect(self._on_thumbnail_loaded)
        self._lay_out()

    @property
    def photo(self) -> Photo | None:
        return self._photo

    def show_photo(self, category: str, photo: Photo, number: int, total: int) -> None:
        """Ask about one photo."""
        self._photo = photo
        name = wording.one_line(category)
        self._question.setText(self.tr("Does this belong in “{name}”?").format(name=name))
        text = self.tr("{number} of {total}").format(number=wording.number(number), total=wording.number(total))
        self._progress.setText(text)
        self._back.setEnabled(number > 1)
        self.setAccessibleName(f"{self._question.text()} {wording.one_line(photo.path.name)}, {text}")
        self._allow(True)
        self._show_picture(photo)

    def show_text(self, text: str) -> None:
        """Say what is going on instead of asking."""
        self._photo = None
        self._question.setText(text)
        self._progress.setText("")
        self.setAccessibleName(text)
        self._allow(False)
        self.canvas.show_picture(QPixmap())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Y | Qt.Key.Key_Plus:
                self._answer(True)
            case Qt.Key.Key_N | Qt.Key.Key_Minus:
                self._answer(False)
            case Qt.Key.Key_S | Qt.Key.Key_Right:
                self._answer(None)
            case Qt.Key.Key_Backspace | Qt.Key.Key_Left:
                self.back_wanted.emit()
            case Qt.Key.Key_Escape:
                self.closed.emit()
            case _:
                super().keyPressEvent(event)

    # Inside

    def _answer(self, is_member: bool | None) -> None:
        if self._photo is not None:
            self.answered.emit(is_member)

    def _allow(self, may_answer: bool) -> None:
        for button in (self._yes, self._no, self._skip):
            button.setEnabled(may_answer)
        if not may_answer:
            self._back.setEnabled(False)

    def _show_picture(self, photo: Photo) -> None:
        if self._task is not None:
            self._task.cancel()
        self._show_stand_in(photo)
        if not photo.offline:
            self._task = self._tasks.run(lambda: self._library.picture(photo.path, _LONG_SIDE_PX))
            self._task.succeeded.connect(lambda image: self._on_loaded(photo, image))
            self._task.failed.connect(lambda _: None)  # the thumbnail stays, and is enough to judge by

    def _show_stand_in(self, photo: Photo) -> None:
        self._is_stand_in = True
        text = wording.out_of_reach() if photo.offline else ""
        self.canvas.show_picture(self._thumbnails.pixmap(photo) or QPixmap(), is_stand_in=True, text=text)

    def _on_thumbnail_loaded(self, photo_id: int) -> None:
        if self._photo is not None and self._photo.id == photo_id and self._is_stand_in:
            self._show_stand_in(self._photo)

    def _on_loaded(self, photo: Photo, image: QImage) -> None:
        if photo is self._photo:
            self._is_stand_in = False
            self.canvas.show_picture(QPixmap.fromImage(image))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(14, 4, 18, 0)
        head.setSpacing(8)
        head.addWidget(tool_button("back", self.tr("Back to the category (Esc)"), self.closed.emit, 20))
        head.addWidget(self._question, 1)
        head.addWidget(self._progress)
        head.addWidget(self._back)
        self._back.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        answers = QHBoxLayout()
        answers.setContentsMargins(18, 8, 18, 4)
        answers.setSpacing(12)
        answers.addStretch(1)
        for button in (self._yes, self._no, self._skip):
            button.setMinimumSize(_BUTTON_PX)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # the page keeps the keys after a click
            answers.addWidget(button)
        answers.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addLayout(answers)
        layout.addWidget(self.canvas, 1)
