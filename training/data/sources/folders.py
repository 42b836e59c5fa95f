"""Pairs from a folder of pictures, at any depth: those with a caption file, or all, with what they hold of text."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from clipsearch.files.kinds import is_picture
from training.data.pairs import Pair
from training.data.sources.captions import SUFFIXES, keyword_caption, read_caption
from training.data.sources.source import Broken, Source
from training.data.strings import Strings
from training.errors import TrainingError


class Folder(Source):
    """The pictures of a folder, by path; hidden files and folders are passed over, and links to folders.

    If any picture has a caption file, those without one are counted and told; if none has, descriptions and keywords
    in the pictures are read, when it is their turn.
    """

    def __init__(self, path: Path) -> None:
        """Look through the folder. Raises TrainingError for one that cannot be read or holds no picture."""
        self._folder = path.resolve()
        found = sorted(_pictures(self._folder))
        broken = Broken()
        self._is_captioned = any(caption for _, caption in found)
        if self._is_captioned:
            for name, _ in (one for one in found if not one[1]):
                broken.add(f"{name}: it has no caption file, unlike others in {path.name}.")
            found = [one for one in found if one[1]]
        if not found:
            raise TrainingError(f"{path} holds no pictures.")
        self.count, self.told = len(found), broken.told()
        self._names, self._captions = Strings(name for name, _ in found), Strings(caption for _, caption in found)

    def pair(self, number: int) -> Pair:
        name = self._names[number]
        picture = self._folder / name
        text = read_caption(self._folder / self._captions[number]) if self._is_captioned else keyword_caption(picture)
        return Pair(picture, text, name)


def _pictures(folder: Path) -> list[tuple[str, str]]:
    """Return the relative paths of the pictures and of their caption files ("" where there is none)."""
    found: list[tuple[str, str]] = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        there, relative = set(names), Path(place).relative_to(folder)
        for name in names:
            if is_picture(name) and not name.startswith("."):
                caption = _caption_of(name, there)
                found.append(((relative / name).as_posix(), (relative / caption).as_posix() if caption else ""))
    return found


def _caption_of(name: str, there: Collection[str]) -> str:
    stems = (name.rpartition(".")[0], name)
    return next((stem + suffix for stem in stems for suffix in SUFFIXES if stem + suffix in there), "")


def _refuse(error: OSError) -> None:
    raise TrainingError(f"{error.filename} cannot be read: {error.strerror or error}.") from error
