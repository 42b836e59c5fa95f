from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.library import overview
from clipsearch.library.display import open_upright
from clipsearch.library.library import Library
from clipsearch.records import Status
from tests.conftest import Index
from tests.pictures import paint, quarters

pytestmark = pytest.mark.usefixtures("inline")


def test_an_empty_library_is_empty(colours: Library) -> None:
    assert overview.status(colours) == Status(0, 0, 0, 0, 0, 0, "fake-1-p1", "fake-1-p1")
    assert overview.folders(colours) == overview.photo_ids(colours) == overview.problems(colours) == []
    assert overview.photo(colours, 1) is None


def test_the_engine_is_told_without_loading_it(colours: Library) -> None:
    assert overview.engine(colours) == "a fake, which needs no model."


def test_status_counts_photos_files_and_problems(colours: Library, folder: Path, index: Index) -> None:
    for name in ("a", "copy of a"):
        paint(folder / f"{name}.png")
    (folder / "bad.jpg").touch()
    index(colours, folder)
    assert overview.status(colours) == Status(1, 2, 1, 0, 1, 0, "fake-1-p1", "fake-1-p1")


def test_photos_come_in_the_order_asked_without_those_gone(colours: Library, folder: Path, index: Index) -> None:
    for colour in ("red", "lime", "blue"):
        paint(folder / f"{colour}.png", colour)
    index(colours, folder)
    ids = overview.photo_ids(colours)
    (folder / "lime.png").unlink()
    index(colours)
    wanted = list(reversed(ids))
    found = overview.photos(colours, [*wanted, 999])
    assert len(found) == 2
    assert [photo.id for photo in found] == [photo_id for photo_id in wanted if photo_id in {p.id for p in found}]


def test_a_thumbnail_is_small_and_made_again_when_lost(colours: Library, folder: Path, index: Index) -> None:
    quarters((1200, 800)).save(folder / "a.png")
    index(colours, folder)
    (photo,) = overview.photos(colours, overview.photo_ids(colours))
    for _ in range(2):
        path = overview.thumbnail(colours, photo)
        assert path is not None
        with Image.open(path) as image:
            assert max(image.size) <= 320
        path.unlink()
    (folder / "a.png").unlink()
    assert overview.thumbnail(colours, photo) is None


def test_a_photo_opens_at_the_size_of_the_screen(folder: Path) -> None:
    quarters((1200, 800)).save(folder / "a.png")
    assert open_upright(folder / "a.png", 600).size == (600, 400)
    assert open_upright(folder / "a.png", 9000).size == (1200, 800)
    with pytest.raises(UnreadablePhotoError):
        open_upright(folder / "missing.png", 600)
