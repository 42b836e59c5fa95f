"""The photos at places that the user names by dropping files and folders, once these are indexed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.kinds import is_picture
from clipsearch.library.categories.judging import photos_at
from clipsearch.library.library import Library
from clipsearch.paths import way_to


def photos_within(library: Library, paths: Sequence[Path]) -> list[int]:
    """Return the photos of these files, and of all files in these folders, each once.

    Raises ClipsearchError for a picture that the library does not know, and where there is no photo at all. Files that
    are no pictures are left out, unless the library knows them, as it may know a video.
    """
    found = [photo_id for path in paths if path.is_dir() for photo_id in _inside(library, path)]
    files = [path for path in paths if not path.is_dir()]
    found += photos_at(library, [path for path in files if is_picture(path.name)])
    for path in files:
        if not is_picture(path.name):
            with suppress(ClipsearchError):
                found += photos_at(library, [path])
    if not found:
        raise ClipsearchError("No photos found", "There is no photo among what was dropped, so nothing was changed.")
    return list(dict.fromkeys(found))


def _inside(library: Library, directory: Path) -> Iterator[int]:
    """Yield the photos in a directory or below it, by the added folders that hold it or lie in it."""
    whole = Path(os.path.abspath(directory))
    for folder in library.catalog.folders.all():
        way = way_to(folder.path, whole)
        if way is None and way_to(whole, folder.path) is not None:
            way = ""
        if way is not None:
            yield from map(int, library.catalog.photos.inside(folder.id, way))
