"""Everything the window asks of the library, in one place.

Every method may block, so the window calls them through `Tasks`. The library's modules are imported at the moment
of need: the window shows before the database code is loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from clipsearch import paths, settings
from clipsearch.records import (
    Folder,
    Hit,
    IndexCounts,
    ModelInfo,
    ModelProgress,
    Photo,
    Problem,
    Progress,
    Status,
)
from clipsearch.settings import Settings
from clipsearch.ui.categories.access import CategoryAccess

if TYPE_CHECKING:
    from clipsearch.library.following import Batch, Following
    from clipsearch.library.library import Library


@dataclass(frozen=True, slots=True)
class Overview:
    """What the library holds at one moment: photo ids newest file first, and what stands around them.

    `engine` says in a sentence what runs the model, and why; it is empty until that is known. `held_back` are the
    folders from which so many photos are missing that the user is asked whether they were deleted. The photos are
    those in `folder`, or all of them.
    """

    photo_ids: Sequence[int]
    folders: Sequence[Folder]
    problems: Sequence[Problem]
    status: Status
    engine: str = ""
    held_back: Sequence[Folder] = ()
    folder: Folder | None = None


class LibraryAccess:
    """The library of one folder. `open` comes first; the rest may then be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: Library | None = None
        self._following: Following

    @property
    def folder(self) -> Path:
        """Where the library lies."""
        return self._folder

    @property
    def opened(self) -> Library:
        """The open library, for the accesses beside this one."""
        if self._opened is None:
            raise RuntimeError("open() comes first")
        return self._opened

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    def categories(self) -> CategoryAccess:
        """Return what the window asks about categories."""
        return CategoryAccess(self)

    def open(self) -> None:
        """Open the library, made if new. Raises ClipsearchError when it or the settings cannot be used."""
        from clipsearch.library.library import Library

        self._opened = Library.open(self._folder, settings.load(paths.settings_file()))

    @property
    def is_read_only(self) -> bool:
        """Whether the library may only be read, as on a disk that is mounted so."""
        return self.opened.catalog.read_only

    def repair(self) -> list[str]:
        """Mend the library, which is closed for it; return what was done, in sentences. Raises ClipsearchError."""
        from clipsearch.library.library import Library
        from clipsearch.library.verify import repair

        self.close()
        chosen = self.settings()
        outcome = repair(self._folder, lambda: Library.open(self._folder, chosen))
        return [*outcome.repaired, *outcome.findings]

    def back_up(self) -> str:
        """Make the daily backup if it is due; return why it cannot be made in a sentence, "" while all is well."""
        from clipsearch.library.upkeep import back_up

        return back_up(self.opened)

    def settings(self) -> Settings:
        """Return what the user has chosen. Raises ClipsearchError when the file cannot be read."""
        return settings.load(paths.settings_file())

    def change_settings(self, chosen: Settings) -> None:
        """Keep what the user has chosen; the next indexing run goes by it. Raises ClipsearchError."""
        settings.save(chosen, paths.settings_file())
        if self._opened is not None:
            self._opened.settings = chosen

    def warm_up(self) -> None:
        """Load the model and the index, so that the first answer comes at once."""
        self.opened.warm_up()

    def close(self) -> None:
        """Close the library, if it was opened."""
        if self._opened is not None:
            self._opened.close()

    def index(
        self, folders: Sequence[Path] | None, retry_problems: bool = False
    ) -> Generator[Progress, None, IndexCounts]:
        """Add `folders` (None: all known ones) and bring them up to date, step by step, giving way to other work."""
        from clipsearch.library.indexing.run import index_folders
        from clipsearch.library.indexing.throttle import Throttle

        throttle = Throttle(self.opened.settings)
        return index_folders(self.opened, folders, retry_problems=retry_problems, throttle=throttle, activity="window")

    def changes(self, stop: threading.Event) -> Generator[Batch | str, None, None]:
        """Yield what is to be looked at in the folders and then changes in them, and sentences about watching them.

        Ends soon after `stop` is set, and at once if the user does not want the window to follow changes.
        """
        from clipsearch.library.following import Batch, Following, Notice

        if self.opened.settings.watch:
            self._following = Following(self.opened)
            for told in self._following.batches(stop):
                if isinstance(told, (Batch, Notice)):
                    yield told if isinstance(told, Batch) else told.sentence

    def index_changes(self, changes: Batch) -> Generator[Progress, None, IndexCounts]:
        """Bring what `changes` told of up to date, step by step, giving way to other work."""
        from clipsearch.library.indexing.throttle import Throttle

        return self._following.index(changes, Throttle(self.opened.settings), "window")

    def confirm_removals(self, folders: Sequence[Path]) -> Generator[Progress, None, IndexCounts]:
        """Bring these folders up to date, and forget what is missing from them, however much it is."""
        from clipsearch.library.indexing.run import index_folders

        return index_folders(self.opened, folders, removals_confirmed=True, activity="window")

    def prefer(self, folder: Path | None) -> None:
        """Have the photos in a folder, and below it, indexed before others. Does not block."""
        if self._opened is not None:
            self._opened.priority.prefer(folder)

    def search_text(self, query: str, limit: int) -> list[Hit]:
        from clipsearch.library.search import search_text

        return search_text(self.opened, query, limit)

    def search_image(self, path: Path, limit: int) -> list[Hit]:
        from clipsearch.library.search import search_image

        return search_image(self.opened, path, limit)

    def search_photo(self, photo_id: int, limit: int) -> list[Hit]:
        from clipsearch.library.search import search_photo

        return search_photo(self.opened, photo_id, limit)

    def overview(self, folder: Folder | None = None) -> Overview:
        """Return what the library holds; of the photos, those in `folder`, or all of them."""
        from clipsearch.library import overview

        return Overview(
            overview.photo_ids(self.opened, folder.id if folder else None),
            overview.folders(self.opened),
            overview.problems(self.opened),
            overview.status(self.opened),
            overview.engine(self.opened),
            overview.held_back(self.opened),
            folder,
        )

    def photos(self, ids: Sequence[int]) -> list[Photo]:
        from clipsearch.library import overview

        return overview.photos(self.opened, ids)

    def burst(self, photo_id: int) -> list[Photo]:
        """Return the photos shot in one go with this one, in order of capture; [] for one shot alone."""
        from clipsearch.library import overview

        return overview.burst(self.opened, photo_id)

    def check_folders(self) -> tuple[list[Folder], list[Folder]]:
        """Return the folders as they were when last looked at, and as they are now. Waits for none that hangs."""
        from clipsearch.library import roots

        return self.opened.catalog.folders.all(), roots.check(self.opened)

    def remove_folder(self, folder_id: int) -> None:
        from clipsearch.library import overview

        overview.remove_folder(self.opened, folder_id)

    def models(self) -> list[ModelInfo]:
        """Return the models that are offered or installed."""
        from clipsearch.library import models

        return models.models(self.opened)

    def ask_for_model(self, name: str) -> ModelInfo:
        """Ask the hub where a model comes from and how large it is."""
        from clipsearch.library import models

        return models.ask_for(name, self.opened.settings)

    def install_model(self, name: str) -> Generator[ModelProgress, None, ModelInfo]:
        """Download a model and make it ready, step by step."""
        from clipsearch.library import models

        return models.install(name, self.opened.settings)

    def import_model(self, path: Path, architecture: str | None = None) -> Generator[ModelProgress, None, ModelInfo]:
        """Make a model on this machine ready, step by step."""
        from clipsearch.library import models

        return models.import_model(path, self.opened.settings, architecture=architecture)

    def use_model(self, name: str) -> None:
        """Choose the model that is to answer."""
        from clipsearch.library import models

        models.use(self.opened, name)

    def remove_model(self, name: str) -> int:
        """Delete a model; return the bytes freed."""
        from clipsearch.library import models

        return models.remove(self.opened, name)

    def thumbnail(self, photo: Photo) -> QImage | None:
        """Return the thumbnail (long side at most 320 px), or None while it is not made yet.

        One that cannot be read, as a power cut may leave it, is made again.
        """
        image = self._kept_thumbnail(photo)
        if image is not None and image.isNull():
            with suppress(OSError):
                self.opened.thumbnails.remove(photo.content_hash)
            image = self._kept_thumbnail(photo)
        return None if image is None or image.isNull() else image

    def _kept_thumbnail(self, photo: Photo) -> QImage | None:
        from clipsearch.library import overview

        path = overview.thumbnail(self.opened, photo)
        return QImage(str(path)) if path else None

    def picture(self, path: Path, max_side: int) -> QImage:
        """Return the photo upright, its long side at most `max_side` px. Raises UnreadablePhotoError."""
        from clipsearch.library.display import open_upright

        picture = open_upright(path, max_side).convert("RGB")
        line_bytes = 3 * picture.width
        image = QImage(picture.tobytes(), picture.width, picture.height, line_bytes, QImage.Format.Format_RGB888)
        return image.copy()  # QImage does not keep the bytes alive
