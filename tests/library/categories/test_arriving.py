"""Files and folders that are dropped on a category, through real index runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library import overview
from clipsearch.library.categories.arriving import photos_within
from clipsearch.library.library import Library
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture
def indexed(colours: Library, folder: Path, index: Index) -> Library:
    """A red photo, and in a folder below it a green and a blue one with a text file."""
    (folder / "trip" / "day").mkdir(parents=True)
    paint(folder / "red.png", "red")
    paint(folder / "trip" / "green.png", "green")
    paint(folder / "trip" / "day" / "blue.png", "blue")
    (folder / "trip" / "notes.txt").write_text("no photo", "utf-8")
    index(colours, folder)
    return colours


def names(library: Library, paths: list[Path]) -> list[str]:
    return [photo.path.name for photo in overview.photos(library, photos_within(library, paths))]


def test_a_folder_stands_for_what_lies_in_it_and_below(indexed: Library, folder: Path) -> None:
    assert sorted(names(indexed, [folder / "trip"])) == ["blue.png", "green.png"]
    assert sorted(names(indexed, [folder.parent])) == ["blue.png", "green.png", "red.png"]


def test_files_and_folders_come_together_each_photo_once(indexed: Library, folder: Path) -> None:
    found = names(indexed, [folder / "red.png", folder / "trip", folder / "trip" / "green.png"])
    assert sorted(found) == ["blue.png", "green.png", "red.png"]


def test_what_is_no_picture_is_left_out(indexed: Library, folder: Path) -> None:
    assert names(indexed, [folder / "trip" / "notes.txt", folder / "red.png"]) == ["red.png"]
    with pytest.raises(ClipsearchError, match="no photo among"):
        photos_within(indexed, [folder / "trip" / "notes.txt"])


def test_an_unknown_picture_is_told(indexed: Library, folder: Path, tmp_path: Path) -> None:
    paint(tmp_path / "white.png", "white")
    with pytest.raises(ClipsearchError, match="not in the library"):
        photos_within(indexed, [folder / "red.png", tmp_path / "white.png"])
