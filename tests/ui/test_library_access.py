"""What the window asks of a real library, where the hand-written one would not tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipsearch.errors import LibraryBusyError
from clipsearch.library.indexing import removing
from clipsearch.library.library import Library
from clipsearch.ui.library_access import LibraryAccess
from tests.fakes import fake_library
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture
def access(tmp_path: Path) -> Iterator[LibraryAccess]:
    access = LibraryAccess(tmp_path / "library")
    access._opened = fake_library(tmp_path / "library")
    yield access
    access.close()


@pytest.fixture
def photos(access: LibraryAccess, tmp_path: Path) -> Path:
    for colour in ("red", "lime"):
        paint(tmp_path / "photos" / f"{colour}.png", colour)
    list(access.index([tmp_path / "photos"]))
    return tmp_path / "photos"


def opened(access: LibraryAccess) -> Library:
    assert access._opened is not None
    return access._opened


def test_missing_photos_are_held_back_and_forgotten_once_that_is_confirmed(
    access: LibraryAccess, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "_EMPTIED", 1)
    for path in photos.iterdir():
        path.unlink()
    list(access.index(None))
    overview = access.overview()
    assert [folder.path for folder in overview.held_back] == [photos]
    assert [problem.path for problem in overview.problems] == [photos]
    assert len(overview.photo_ids) == 2
    *_, last = access.confirm_removals([photos])
    assert last.counts.removed == 2
    overview = access.overview()
    assert not overview.held_back and not overview.problems and not overview.photo_ids


def test_the_photos_of_a_folder_are_listed_alone(access: LibraryAccess, photos: Path, tmp_path: Path) -> None:
    list(access.index([paint(tmp_path / "other" / "blue.png", "blue").parent]))
    other, _ = sorted(access.overview().folders, key=lambda folder: folder.path)
    overview = access.overview(other)
    assert overview.folder == other
    assert [photo.path.name for photo in access.photos(overview.photo_ids)] == ["blue.png"]


def test_the_folder_that_the_user_looks_at_is_preferred(access: LibraryAccess, photos: Path) -> None:
    access.prefer(photos)
    assert opened(access).priority.preferred == photos
    access.prefer(None)
    assert opened(access).priority.preferred is None


def test_other_processes_are_told_that_the_window_indexes(access: LibraryAccess, photos: Path) -> None:
    run = access.index(None)
    next(run)
    with pytest.raises(LibraryBusyError, match="The window"):
        next(access.confirm_removals([photos]))
    run.close()
