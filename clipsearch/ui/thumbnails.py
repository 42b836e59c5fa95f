"""Thumbnails for what is on the screen: loaded in worker threads, kept for a while."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from clipsearch.records import Photo
from clipsearch.ui.library_access import LibraryAccess
from clipsearch.ui.recent import Recent
from clipsearch.ui.tasks import Tasks

_KEPT = 500  # at most 320 x 320 x 4 bytes each: 200 MB at the very worst, a third of that in practice
_WAITING = 200  # more than fit on a screen; what scrolled by is asked for again when it comes back
_AT_ONCE = 2
_CHUNK = 6

Loaded = list[tuple[Photo, QImage | None]]


class Thumbnails(QObject):
    """Gives the picture of a photo if it is here; otherwise fetches it, the latest wanted first."""

    loaded = Signal(int)  # photo id
    retried = Signal()  # whoever shows photos should ask for their pictures again

    def __init__(self, library: LibraryAccess, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._tasks = tasks
        self._kept: Recent[int, QPixmap] = Recent(_KEPT)
        self._waiting: dict[int, Photo] = {}
        self._loading: set[int] = set()
        self._absent: set[int] = set()
        self._running = 0

    def pixmap(self, photo: Photo) -> QPixmap | None:
        """Return the thumbnail, or None now and `loaded` with the photo's id later."""
        pixmap = self._kept.get(photo.id)
        if pixmap is None and photo.id not in self._absent and photo.id not in self._loading:
            self._want(photo)
        return pixmap

    def retry_absent(self) -> None:
        """Ask again for thumbnails that were not made yet."""
        if self._absent:
            self._absent.clear()
            self.retried.emit()

    def _want(self, photo: Photo) -> None:
        self._waiting.pop(photo.id, None)
        self._waiting[photo.id] = photo
        if len(self._waiting) > _WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        self._load_next()

    def _load_next(self) -> None:
        if self._running >= _AT_ONCE or not self._waiting:
            return
        chunk = [self._waiting.popitem()[1] for _ in range(min(_CHUNK, len(self._waiting)))]
        self._loading.update(photo.id for photo in chunk)
        self._running += 1
        task = self._tasks.run(lambda: self._load(chunk))
        task.succeeded.connect(self._on_loaded)
        task.failed.connect(lambda _: self._on_loaded([(photo, None) for photo in chunk]))

    def _load(self, photos: Sequence[Photo]) -> Loaded:
        """Runs in a worker thread."""
        return [(photo, self._library.thumbnail(photo)) for photo in photos]

    def _on_loaded(self, loaded: Loaded) -> None:
        self._running -= 1
        for photo, image in loaded:
            self._loading.discard(photo.id)
            if image is None:
                self._absent.add(photo.id)
            else:
                self._kept.put(photo.id, QPixmap.fromImage(image))
                self.loaded.emit(photo.id)
        self._load_next()
