"""The user's own judgements: what is put in or taken out is the photo, whatever becomes of its files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.identity import content_hash, is_sampled, whole_hash
from clipsearch.library.categories.editing import find
from clipsearch.library.library import Library
from clipsearch.records import Member

_BY_USER = "user"


def assign(library: Library, name: str, paths: Sequence[Path]) -> str:
    """Put photos into a category, where the user wants them; return its name. See `_judge` for what it raises."""
    return _judge(library, name, paths, is_member=True)


def reject(library: Library, name: str, paths: Sequence[Path]) -> str:
    """Take photos out of a category, where the user does not want them; return its name. Raises as `assign` does."""
    return _judge(library, name, paths, is_member=False)


def members(library: Library, name: str, limit: int | None = None) -> list[Member]:
    """Return the photos that the user put in, the newest file first. Raises ClipsearchError for an unknown name."""
    judgements = library.catalog.labels.judgements(find(library, name).category.id)
    photos = library.catalog.photos.get([photo_id for photo_id, is_member in judgements.items() if is_member])
    newest = sorted(photos, key=lambda photo: (-photo.mtime_ns, photo.path))
    return [Member(photo, 1.0, _BY_USER) for photo in newest[:limit]]


def _judge(library: Library, name: str, paths: Sequence[Path], is_member: bool) -> str:
    """Record the user's judgement of the photos at `paths`, all of them or none.

    Raises ClipsearchError for an unknown category, or a path at which no photo of the library lies.
    """
    category = find(library, name).category
    photo_ids = {_photo_at(library, path) for path in paths}
    library.catalog.labels.judge(category.id, photo_ids, is_member)
    return category.name


def _photo_at(library: Library, path: Path) -> int:
    """Return the photo of a file, known by its place or else by its content. Raises ClipsearchError."""
    found = [*library.catalog.files.at(_places(library, path)).values()] or _of_same_content(library, path)
    if not found:
        raise ClipsearchError("Photo not found", _why_unknown(path), path)
    return found[0]


def _places(library: Library, path: Path) -> list[tuple[int, str]]:
    """Return where in the added folders this path is: folder id and relative path."""
    whole = Path(os.path.abspath(path))
    folders = [folder for folder in library.catalog.folders.all() if whole.is_relative_to(folder.path)]
    return [(folder.id, whole.relative_to(folder.path).as_posix()) for folder in folders]


def _of_same_content(library: Library, path: Path) -> list[int]:
    """Return the photos that have a file with the content of this one."""
    with suppress(OSError):
        return library.catalog.photos.of_contents(list(_contents(path)))
    return []


def _contents(path: Path) -> Iterator[str]:
    """Yield what the catalog may know the content by: of large files that agree in samples, one by all of it."""
    content = content_hash(path)
    if is_sampled(content):
        yield whole_hash(path)
    yield content


def _why_unknown(path: Path) -> str:
    if path.is_dir():
        return "This is a folder, so nothing was changed; name the photos in it."
    if not path.exists():
        return "This file is not there and not in the library, so nothing was changed."
    return "This file is not in the library, so nothing was changed; `clipsearch index` its folder first."
