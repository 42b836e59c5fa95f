"""Pairs from the user's own library: photos, and the categories that the user put them into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.library.library import Library
from clipsearch.records import Category, Photo
from training.data.pairs import BadPairError, Pair
from training.data.sources.captions import keyword_caption
from training.data.sources.source import Broken, Source
from training.data.strings import Strings
from training.errors import TrainingError


class Photos(Source):
    """The photos that the user put into categories, whose names, outer ones first, are the caption.

    What a model found does not count, as it would learn from itself. If there is no such photo, all are taken, with
    the keywords that other programs gave them.
    """

    def __init__(self, path: Path) -> None:
        """Read the library; it is not kept open. Raises TrainingError where there is none, or no photo in it."""
        if not (path / "catalog.sqlite").is_file():
            raise TrainingError(f"There is no clipsearch library in {path}.")
        try:
            with Library.open(path) as library:
                captions = _captions(library)
                photos = library.catalog.photos.get(sorted(captions) or sorted(library.catalog.photos.ids()))
        except ClipsearchError as error:
            raise TrainingError(error.message) from error
        there, broken = _within_reach(photos)
        if not there:
            raise TrainingError(f"The library in {path} has no photos within reach.")
        self.count, self.told = len(there), broken.told()
        self._paths = Strings(str(photo.path) for photo in there)
        self._texts = Strings(captions.get(photo.id, "") for photo in there)

    def pair(self, number: int) -> Pair:
        path, text = Path(self._paths[number]), self._texts[number]
        if not path.is_file():
            raise BadPairError(f"{path}: The file is no longer there.")
        return Pair(path, text or keyword_caption(path), str(path))


def _within_reach(photos: Iterable[Photo]) -> tuple[list[Photo], Broken]:
    there, broken = [], Broken()
    for photo in photos:
        if photo.offline:
            broken.add(f"{photo.path}: it lies in a folder that is not connected now.")
        else:
            there.append(photo)
    return there, broken


def _captions(library: Library) -> dict[int, str]:
    """Return what the categories say of each photo in one."""
    names = _names(library.catalog.labels.all())
    found: dict[int, dict[str, None]] = {}
    for category_id, said in sorted(library.catalog.labels.all_judgements(present=True).items()):
        for photo_id in (photo_id for photo_id, is_member in said.items() if is_member):
            found.setdefault(photo_id, {}).update(dict.fromkeys(names.get(category_id, ())))
    return {photo_id: ", ".join(words) for photo_id, words in found.items() if words}


def _names(categories: Iterable[Category]) -> Mapping[int, list[str]]:
    """Return for each category the names of those around it, and its own last."""
    known = {category.id: category for category in categories}
    return {id_: _path(id_, known) for id_ in known}


def _path(category_id: int, known: Mapping[int, Category]) -> list[str]:
    path: dict[int, str] = {}
    at = known.get(category_id)
    while at and at.id not in path:
        path[at.id] = at.name
        at = known.get(at.parent_id or 0)
    return list(path.values())[::-1]
