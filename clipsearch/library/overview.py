"""What a library holds: counts, folders, photos, problems, thumbnails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clipsearch.errors import ClipsearchError, UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.identity import content_hash
from clipsearch.files.scan import PICTURE_SUFFIXES
from clipsearch.library.choice import Models
from clipsearch.library.library import Library
from clipsearch.nouns import noun
from clipsearch.paths import way_to
from clipsearch.records import Folder, Photo, Problem, Status

__all__ = [
    "PICTURE_SUFFIXES",
    "added_folder",
    "burst",
    "engine",
    "folders",
    "held_back",
    "photo",
    "photo_ids",
    "photos",
    "problems",
    "remove_folder",
    "status",
    "thumbnail",
]


def status(library: Library) -> Status:
    """Return the counts, for the model that is filled; `offline` counts the files that cannot be reached."""
    models = library.choice.models()
    counts = library.catalog.counts(models.filling.model_id)
    away = [folder.id for folder in library.catalog.folders.all() if folder.offline]
    return Status(
        photos=counts.photos,
        files=counts.files,
        embedded=counts.embedded,
        pending=counts.photos - counts.embedded + counts.waiting,
        problems=counts.problems,
        offline=library.catalog.files.count_in(away) if away else 0,
        model=models.answering.model_id,
        chosen=models.filling.model_id,
        note=models.note or _catching_up(models, counts.photos - counts.embedded, bool(away)),
    )


def _catching_up(models: Models, pending: int, away: bool) -> str:
    """Say which model answers for which, and for how long; nothing when the chosen one answers."""
    answering, chosen = models.answering, models.filling
    if answering is chosen:
        return ""
    to_go = f"{pending:,} {noun(pending, 'photo')} to go"
    sentence = f"{answering.package.name} answers until {chosen.package.name} has caught up: {to_go}."
    return f"{sentence} Those in folders that are away need to be connected and indexed." if away else sentence


def engine(library: Library) -> str:
    """Return which engine encodes photos, and why; "" until that is known. Takes no time and loads nothing."""
    return library.encoder.engine_known


def folders(library: Library) -> list[Folder]:
    """Return the folders that the user added, by path."""
    return library.catalog.folders.all()


def added_folder(library: Library, path: Path) -> Folder:
    """Return the added folder at this path, whether it can be reached or not.

    Raises ClipsearchError where none was added there.
    """
    path = Path(os.path.abspath(path))
    ways = {folder: way_to(folder.path, path) for folder in folders(library)}
    found = next((folder for folder, way in ways.items() if way == ""), None)
    if found is None:
        around = next((folder for folder, way in ways.items() if way), None)
        hint = f" It lies in {around.path}, which is." if around else " `clipsearch folders list` shows those."
        raise ClipsearchError("Folder not found", f"The folder {path} is not one that you added.{hint}", path)
    return found


def remove_folder(library: Library, folder_id: int) -> None:
    """Forget a folder. Its files stay on the disk."""
    library.catalog.folders.remove(folder_id)


def photo_ids(library: Library, folder_id: int | None = None) -> list[int]:
    """Return every photo that has a file, in one of the added folders or anywhere, the newest first."""
    return library.catalog.photos.ids(folder_id)


def photo(library: Library, photo_id: int) -> Photo | None:
    """Return a photo, None if no file of it is left."""
    return next(iter(library.catalog.photos.get([photo_id])), None)


def photos(library: Library, ids: Sequence[int]) -> list[Photo]:
    """Return photos in the order asked; those gone are left out."""
    return library.catalog.photos.get(ids)


def burst(library: Library, photo_id: int) -> list[Photo]:
    """Return the photos shot in one go with this one, itself included, by capture time; [] for one shot alone."""
    return photos(library, library.catalog.photos.burst(photo_id))


def problems(library: Library) -> list[Problem]:
    """Return what could not be read and why, by path."""
    return library.catalog.files.problems()


def held_back(library: Library) -> list[Folder]:
    """Return the folders from which so many photos are missing that the user is asked whether they were deleted."""
    from clipsearch.library.indexing.removing import MISSING

    asked = {problem.path for problem in problems(library) if MISSING in problem.reason}
    return [folder for folder in folders(library) if folder.path in asked]


def thumbnail(library: Library, photo: Photo) -> Path | None:
    """Return the photo's thumbnail (JPEG, upright), made again if it was lost; None if the photo is out of reach."""
    path = library.thumbnails.path(photo.content_hash)
    if not path.exists():
        _make_thumbnail(library, photo)
    return path if path.exists() else None


def _make_thumbnail(library: Library, photo: Photo) -> None:
    """Make it from a place where the photo still lies; where there is none, or no room, it stays away.

    A place out of reach is not looked at, since a share that is gone may hang.
    """
    if photo.offline:
        return
    side, limit = library.settings.thumbnail_px, library.settings.max_megapixels
    for place in photo.paths:
        with suppress(OSError, UnreadablePhotoError):
            if content_hash(place) == photo.content_hash:
                library.thumbnails.write(photo.content_hash, decode(place, side, limit).image)
                return
