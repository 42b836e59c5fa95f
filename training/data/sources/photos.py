"""Pairs from the user's own library: photos, and what people said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories.exchange.reading import Places, keywords_of
from clipsearch.library.library import Library
from clipsearch.records import Category, Photo
from training.data.pairs import BadPairError, Pair
from training.data.sources.descriptions import description_of, text_of
from training.data.sources.source import Broken, Source
from training.data.strings import Strings
from training.errors import TrainingError


class Photos(Source):
    """The photos of which something is said: a description, keywords, categories into which the user put them.

    Of nested keywords and categories the outer ones come first. What a model found does not count, as it would learn
    from itself, nor what this program wrote into sidecars. Photos of which nothing is said are counted and told.
    """

    def __init__(self, path: Path) -> None:
        """Read the library, which is not kept open, and what its photos' files say, without their pictures.

        Raises TrainingError where there is no library, no photo in it, or nothing said of any.
        """
        if not (path / "catalog.sqlite").is_file():
            raise TrainingError(f"There is no clipsearch library in {path}.")
        try:
            with Library.open(path) as library:
                names = _categories_of_photos(library)
                photos = library.catalog.photos.get(sorted(library.catalog.photos.ids()))
        except ClipsearchError as error:
            raise TrainingError(error.message) from error
        there, broken = _within_reach(photos)
        if not there:
            raise TrainingError(f"The library in {path} has no photos within reach.")
        self._paths, self._texts = Strings(), Strings()
        for photo in there:
            try:
                self._texts.append(_said_of(photo, names.get(photo.id, ())))
                self._paths.append(str(photo.path))
            except BadPairError as error:
                broken.add(str(error))
        self.count, self.told = len(self._paths), broken.told()
        if not self.count:
            raise TrainingError(f"Nothing is said of any photo of the library in {path} ({self.told[0]}).")

    def pair(self, number: int) -> Pair:
        path = Path(self._paths[number])
        if not path.is_file():
            raise BadPairError(f"{path}: The file is no longer there.")
        return Pair(path, self._texts[number], str(path))


def _within_reach(photos: Iterable[Photo]) -> tuple[list[Photo], Broken]:
    there, broken = [], Broken()
    for photo in photos:
        if photo.offline:
            broken.add(f"{photo.path}: it lies in a folder that is not connected now.")
        else:
            there.append(photo)
    return there, broken


def _said_of(photo: Photo, categories: Iterable[str]) -> str:
    """Return a photo's description, keywords and categories as a text. Raises BadPairError where there are none."""
    tagged = keywords_of(Places(photo.id, (photo.path,), ()))
    keywords = (part for path in tagged.paths for part in path)
    if text := text_of(description_of(photo.path), (*keywords, *categories)):
        return text
    unreadable = (problem.reason for problem in tagged.problems)
    why = next(unreadable, "it has no description, no keywords and no category.")
    raise BadPairError(f"{photo.path}: {why}")


def _categories_of_photos(library: Library) -> dict[int, list[str]]:
    """Return the names of the categories of each photo in one."""
    names = _names(library.catalog.labels.all())
    found: dict[int, dict[str, None]] = {}
    for category_id, said in sorted(library.catalog.labels.all_judgements(present=True).items()):
        for photo_id in (photo_id for photo_id, is_member in said.items() if is_member):
            found.setdefault(photo_id, {}).update(dict.fromkeys(names.get(category_id, ())))
    return {photo_id: list(words) for photo_id, words in found.items()}


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
