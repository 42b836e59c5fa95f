"""What is dragged over the categories: photos, files from another program, or a category; each knows what it does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QMimeData

from clipsearch.records import CategoryInfo
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.dragging import files, intent, mime
from clipsearch.ui.dragging.arrivals import Arrivals
from clipsearch.ui.dragging.intent import Deed, Intent, Place
from clipsearch.ui.dragging.mime import DraggedPhotos


class Load(Protocol):
    """What is dragged."""

    def intent(self, place: Place, infos: Sequence[CategoryInfo], is_copy: bool) -> Intent:
        """Return what a drop would do."""
        ...

    def carry_out(self, wish: Intent) -> None:
        """Do it."""
        ...


class Loads:
    """Tells what a drag carries for the library in the folder `library`."""

    def __init__(self, library: Path, shelf: Shelf, arrivals: Arrivals) -> None:
        self._library = library
        self._shelf = shelf
        self._arrivals = arrivals

    def of(self, data: QMimeData) -> Load | None:
        """Return what is dragged, None for what categories can do nothing with, as in a library only to be read."""
        if self._shelf.is_read_only:
            return None
        photos = mime.photos_in(data, self._library)
        if photos is not None:
            return _PhotoLoad(photos, self._shelf)
        category_id = mime.category_in(data, self._library)
        if category_id is not None:
            return _CategoryLoad(category_id, self._shelf)
        paths = files.local_paths(data)
        return _FileLoad(paths, self._arrivals) if paths else None


class _PhotoLoad:
    def __init__(self, dragged: DraggedPhotos, shelf: Shelf) -> None:
        self._dragged = dragged
        self._shelf = shelf

    def intent(self, place: Place, infos: Sequence[CategoryInfo], is_copy: bool) -> Intent:
        return intent.with_photos(self._dragged, place, infos, is_copy)

    def carry_out(self, wish: Intent) -> None:
        ids, source_id = self._dragged.photo_ids, self._dragged.source_id
        if wish.category_id is None:
            return
        if wish.deed is Deed.MOVE and source_id is not None:
            self._shelf.move(source_id, wish.category_id, ids)
        else:
            self._shelf.judge(wish.category_id, ids, wish.deed is Deed.PUT_IN)


class _CategoryLoad:
    def __init__(self, category_id: int, shelf: Shelf) -> None:
        self._category_id = category_id
        self._shelf = shelf

    def intent(self, place: Place, infos: Sequence[CategoryInfo], is_copy: bool) -> Intent:
        return intent.with_category(self._category_id, place, infos)

    def carry_out(self, wish: Intent) -> None:
        self._shelf.nest(self._category_id, wish.category_id)


class _FileLoad:
    def __init__(self, paths: Sequence[Path], arrivals: Arrivals) -> None:
        self._paths = paths
        self._arrivals = arrivals

    def intent(self, place: Place, infos: Sequence[CategoryInfo], is_copy: bool) -> Intent:
        return intent.with_files(place)

    def carry_out(self, wish: Intent) -> None:
        self._arrivals.take(self._paths, wish.category_id)
