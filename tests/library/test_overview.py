from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.library import overview
from clipsearch.library.display import open_upright
from clipsearch.library.indexing import removing
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


def test_a_burst_comes_in_order_of_capture(colours: Library, folder: Path, index: Index) -> None:
    for number, colour in enumerate(("red", "lime", "blue", "white")):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Make", "Model"
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:01 12:00:{[2, 0, 1, 30][number]:02}"
        Image.new("RGB", (48, 32), colour).save(folder / f"{colour}.jpg", exif=exif)
    index(colours, folder)
    shot = {photo.path.stem: photo for photo in overview.photos(colours, overview.photo_ids(colours))}
    assert [photo.path.stem for photo in overview.burst(colours, shot["red"].id)] == ["lime", "blue", "red"]
    assert overview.burst(colours, shot["white"].id) == []


def test_a_folder_that_lost_all_its_photos_is_held_back_until_that_is_confirmed(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "_EMPTIED", 1)
    for colour in ("red", "lime"):
        paint(folder / f"{colour}.png", colour)
    index(colours, folder)
    for path in folder.iterdir():
        path.unlink()
    index(colours)
    assert [held.path for held in overview.held_back(colours)] == [folder]
    assert len(overview.photo_ids(colours)) == 2
    index(colours, folder, removals_confirmed=True)
    assert overview.held_back(colours) == overview.photo_ids(colours) == []


def test_the_photos_of_one_folder_can_be_listed(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    paint(folder / "red.png", "red")
    other = paint(tmp_path / "other" / "blue.png", "blue").parent
    index(colours, folder, other)
    (there,) = [known for known in overview.folders(colours) if known.path == other]
    listed = overview.photos(colours, overview.photo_ids(colours, there.id))
    assert [photo.path for photo in listed] == [other / "blue.png"]
    assert len(overview.photo_ids(colours)) == 2
