"""Categories by the user's own judgements: what is put in or taken out is the photo, whatever becomes of its files."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.identity import content_hash, is_sampled, whole_hash
from clipsearch.library.library import Library
from clipsearch.records import CategoryInfo, Member

_LONGEST_NAME = 100
_BY_USER = "user"


def categories(library: Library) -> list[CategoryInfo]:
    """Return the categories in the order in which they were added."""
    counts = library.catalog.labels.counts()
    return [CategoryInfo(name, *counts.get(key, (0, 0))) for name, key in library.catalog.labels.categories().items()]


def add(library: Library, name: str) -> str:
    """Add a category; return its name, which may be in other letters if it was there before ("Dogs" for "dogs").

    Raises ClipsearchError for a name that is blank, too long or not printable.
    """
    name = _checked(name)
    known = _known_as(library, name)
    if known is None:
        library.catalog.labels.add(name)
    return known or name


def remove(library: Library, name: str) -> CategoryInfo:
    """Forget a category with the user's judgements; return what it was. Raises ClipsearchError for an unknown name."""
    info = find(library, name)
    library.catalog.labels.remove(library.catalog.labels.categories()[info.name])
    return info


def find(library: Library, name: str) -> CategoryInfo:
    """Return a category by its name, upper or lower case. Raises ClipsearchError, which offers near names."""
    known = _known_as(library, _tidy(name))
    found = next((info for info in categories(library) if info.name == known), None)
    if found is None:
        raise ClipsearchError("Category not found", f"There is no category {name!r}.{_hint(library, name)}")
    return found


def assign(library: Library, name: str, paths: Sequence[Path]) -> str:
    """Put photos into a category, where the user wants them; return its name. See `_judge` for what it raises."""
    return _judge(library, name, paths, is_member=True)


def reject(library: Library, name: str, paths: Sequence[Path]) -> str:
    """Take photos out of a category, where the user does not want them; return its name. Raises as `assign` does."""
    return _judge(library, name, paths, is_member=False)


def members(library: Library, name: str, limit: int | None = None) -> list[Member]:
    """Return the photos that the user put in, the newest file first. Raises ClipsearchError for an unknown name."""
    category = library.catalog.labels.categories()[find(library, name).name]
    judgements = library.catalog.labels.judgements(category)
    photos = library.catalog.photos.get([photo_id for photo_id, is_member in judgements.items() if is_member])
    newest = sorted(photos, key=lambda photo: (-photo.mtime_ns, photo.path))
    return [Member(photo, 1.0, _BY_USER) for photo in newest[:limit]]


def _judge(library: Library, name: str, paths: Sequence[Path], is_member: bool) -> str:
    """Record the user's judgement of the photos at `paths`, all of them or none.

    Raises ClipsearchError for an unknown category, or a path at which no photo of the library lies.
    """
    name = find(library, name).name
    photo_ids = {_photo_at(library, path) for path in paths}
    library.catalog.labels.judge(library.catalog.labels.categories()[name], photo_ids, is_member)
    return name


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


def _known_as(library: Library, name: str) -> str | None:
    """Return the category's name as the catalog has it, None where there is no such category."""
    by_letters = {known.casefold(): known for known in library.catalog.labels.categories()}
    return by_letters.get(name.casefold())


def _hint(library: Library, name: str) -> str:
    known = {one.casefold(): one for one in library.catalog.labels.categories()}
    near = [known[one] for one in difflib.get_close_matches(_tidy(name).casefold(), known, n=3, cutoff=0.5)]
    if near:
        return f" The nearest names are {', '.join(near)}."
    return f" `clipsearch categories {'list` shows those there are' if known else 'add` makes one'}."


def _checked(name: str) -> str:
    """Return the name as it is stored. Raises ClipsearchError."""
    name = _tidy(name)
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        message = f"A category needs a name of 1 to {_LONGEST_NAME} characters that can be printed on one line."
        raise ClipsearchError("Category not added", message)
    return name


def _tidy(name: str) -> str:
    """Return the name in one form of its letters (NFC), since an accent may be typed in two ways."""
    return unicodedata.normalize("NFC", name.strip())
