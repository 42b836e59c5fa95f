"""The user's own judgements: what is put in or taken out is the photo, whatever becomes of its files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from clipsearch.errors import ClipsearchError
from clipsearch.files.identity import content_hash, is_sampled, whole_hash
from clipsearch.files.scan import mtime_ns
from clipsearch.library.categories import editing
from clipsearch.library.library import Library
from clipsearch.records import Action, Folder
from clipsearch.store.tables.files import KnownFile
from clipsearch.store.tables.history import JudgementEdit


class Judged(NamedTuple):
    """The name of a category and the number of photos that were judged in it."""

    category: str
    photos: int


def judge(library: Library, category_id: int, photo_ids: Collection[int], is_member: bool | None) -> None:
    """Record that the user puts photos in (True), takes them out (False), or takes back what was said (None).

    Raises ClipsearchError for a category that is gone.
    """
    editing.get(library, category_id)
    library.catalog.labels.judge(category_id, photo_ids, is_member)


def move(library: Library, source_id: int, target_id: int, photo_ids: Collection[int]) -> None:
    """Take photos out of one category and put them into another, in one step. Raises ClipsearchError."""
    target = editing.get(library, target_id)
    if source_id == target_id:
        return
    out = [JudgementEdit(source_id, int(photo_id), False) for photo_id in photo_ids]
    into = [JudgementEdit(target_id, int(photo_id), True) for photo_id in photo_ids]
    library.catalog.labels.history.change(Action.MOVE, target.name, [*out, *into])


def assign(library: Library, name: str, paths: Sequence[Path]) -> Judged:
    """Put photos into a category, where the user wants them.

    All of them or none: raises ClipsearchError for an unknown category, and as `photos_at` does.
    """
    return _judge_files(library, name, paths, is_member=True)


def reject(library: Library, name: str, paths: Sequence[Path]) -> Judged:
    """Take photos out of a category, where the user does not want them. Raises as `assign` does."""
    return _judge_files(library, name, paths, is_member=False)


def take_back(library: Library, name: str, paths: Sequence[Path]) -> Judged:
    """Forget what the user said of photos. Raises as `assign` does."""
    return _judge_files(library, name, paths, is_member=None)


def photos_at(library: Library, paths: Sequence[Path]) -> list[int]:
    """Return the photos of these files, each known by its place or else by its content, in the order asked.

    Where a file has changed since it was looked at, another photo may lie there now; if its content is of none, it is
    that photo edited. Raises ClipsearchError for the first path at which no photo of the library lies.
    """
    known = _by_place(library, paths)
    unsure = [path for path in paths if path not in known or _has_changed(path, known[path])]
    found = {path: one.photo_id for path, one in known.items() if one.photo_id is not None}
    found |= _by_content(library, unsure)
    for path in paths:
        if path not in found:
            raise ClipsearchError("Photo not found", _why_unknown(path), path)
    return [found[path] for path in paths]


def _judge_files(library: Library, name: str, paths: Sequence[Path], *, is_member: bool | None) -> Judged:
    category, photos = editing.named(library, name), set(photos_at(library, paths))
    judge(library, category.id, photos, is_member)
    return Judged(category.name, len(photos))


def _by_place(library: Library, paths: Sequence[Path]) -> dict[Path, KnownFile]:
    """Return what the catalog knows of those paths at which it knows a photo."""
    folders = library.catalog.folders.all()
    places = {path: _places(path, folders) for path in paths}
    files = library.catalog.files.at([place for of_path in places.values() for place in of_path])
    found = {path: [files[place] for place in of_path if place in files] for path, of_path in places.items()}
    return {path: known[0] for path, known in found.items() if known}


def _has_changed(path: Path, known: KnownFile) -> bool:
    """Tell whether another file lies there now than the one that was looked at; one that is away has not changed."""
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, mtime_ns(status)) != (known.size_bytes, known.mtime_ns)


def _places(path: Path, folders: Sequence[Folder]) -> list[tuple[int, str]]:
    """Return where in the added folders a path is: folder id and relative path."""
    whole = Path(os.path.abspath(path))
    inside = [folder for folder in folders if whole.is_relative_to(folder.path)]
    return [(folder.id, whole.relative_to(folder.path).as_posix()) for folder in inside]


def _by_content(library: Library, paths: Sequence[Path]) -> dict[Path, int]:
    """Return the photos of those paths at which a copy of one lies; what cannot be read is left out."""
    contents: dict[Path, list[str]] = {}
    for path in paths:
        with suppress(OSError):
            contents[path] = list(_contents(path))
    photo_of = library.catalog.photos.by_content([one for of_path in contents.values() for one in of_path])
    found = {path: [photo_of[one] for one in of_path if one in photo_of] for path, of_path in contents.items()}
    return {path: photo_ids[0] for path, photo_ids in found.items() if photo_ids}


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
