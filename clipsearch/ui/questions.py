"""The questions a user can ask the library; each knows how to ask itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clipsearch.records import Hit, Photo, Relevance
from clipsearch.ui.library_access import LibraryAccess

LIMIT = 200


class Question(Protocol):
    """Something that hits answer."""

    def ask(self, library: LibraryAccess) -> list[Hit]:
        """Return the hits, best first. Blocks: call it through Tasks."""
        ...


@dataclass(frozen=True, slots=True)
class TextQuestion:
    """Photos of what `text` describes."""

    text: str

    def ask(self, library: LibraryAccess) -> list[Hit]:
        return library.search_text(self.text, LIMIT)


@dataclass(frozen=True, slots=True)
class PhotoQuestion:
    """Photos like one of the library's own."""

    photo: Photo

    def ask(self, library: LibraryAccess) -> list[Hit]:
        return library.search_photo(self.photo.id, LIMIT)


@dataclass(frozen=True, slots=True)
class BurstQuestion:
    """The photos shot in one go with one of the library's own, in order of capture; none is surer than another."""

    photo: Photo

    def ask(self, library: LibraryAccess) -> list[Hit]:
        photos = library.burst(self.photo.id)
        return [Hit(rank, photo, 1.0, Relevance.STRONG) for rank, photo in enumerate(photos, 1)]


@dataclass(frozen=True, slots=True)
class PictureQuestion:
    """Photos like a picture file from anywhere."""

    path: Path

    def ask(self, library: LibraryAccess) -> list[Hit]:
        return library.search_image(self.path, LIMIT)
