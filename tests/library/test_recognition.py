"""Which photo a file is: moves, copies and edits, large files, and files that belong together."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from clipsearch.files import decode, identity
from clipsearch.library import overview
from clipsearch.library.indexing import reading
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import verify
from clipsearch.records import Change, ChangeKind, IndexCounts
from tests.conftest import Index
from tests.fakes import InlinePool
from tests.pictures import jpeg, paint

pytestmark = pytest.mark.usefixtures("inline")


def ids(library: Library) -> dict[str, int]:
    """Return the photos by the names of their files, companions included."""
    photos = overview.photos(library, overview.photo_ids(library))
    return {path.name: photo.id for photo in photos for path in (*photo.paths, *photo.companions)}


def label(library: Library, name: str) -> int:
    """Put a photo into a category; return the category."""
    category = library.catalog.labels.add("kept")
    library.catalog.labels.judge(category, [ids(library)[name]], is_member=True)
    return category


def is_labelled(library: Library, name: str) -> bool:
    return library.catalog.labels.judgements(library.catalog.labels.categories()["kept"]).get(ids(library)[name], False)


# Moves, copies, edits


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were decoded."""
    names: list[str] = []
    prepare = reading.prepare

    def noting(pending, **options):  # type: ignore[no-untyped-def]
        result = prepare(pending, **options)
        if isinstance(result, reading.Prepared):
            names.append(pending.found.path.name)
        return result

    monkeypatch.setattr(reading, "prepare", noting)
    return names


def test_what_moved_or_was_copied_is_recognised_without_being_decoded(
    colours: Library, folder: Path, index: Index, undecoded: list[str]
) -> None:
    paint(folder / "a.png", "red")
    paint(folder / "b.png", "blue")
    index(colours, folder)
    undecoded.clear()
    (folder / "sub").mkdir()
    (folder / "a.png").rename(folder / "sub" / "renamed.png")
    shutil.copy(folder / "b.png", folder / "copy.png")
    paint(folder / "new.png", "lime")
    assert index(colours) == IndexCounts(added=2, moved=1, unchanged=1)
    assert undecoded == ["new.png"]
    assert search_text(colours, "red")[0].photo.path == folder / "sub" / "renamed.png"
    assert search_text(colours, "blue")[0].photo.paths == (folder / "b.png", folder / "copy.png")
    assert verify(colours).ok


def test_a_photo_keeps_its_labels_when_it_moves_is_edited_or_comes_back(
    colours: Library, folder: Path, index: Index, tmp_path: Path
) -> None:
    paint(folder / "a.png", "red")
    paint(folder / "other.png", "white")
    index(colours, folder)
    label(colours, "a.png")
    (folder / "a.png").rename(folder / "moved.png")
    index(colours)
    assert is_labelled(colours, "moved.png")
    paint(folder / "moved.png", (250, 10, 10), size=(60, 30))
    assert index(colours).updated == 1
    assert is_labelled(colours, "moved.png")
    (folder / "moved.png").rename(tmp_path / "away.png")
    assert index(colours).removed == 1
    (tmp_path / "away.png").rename(folder / "back.png")
    assert index(colours).added == 1
    assert is_labelled(colours, "back.png")


def test_changes_are_told_one_by_one(colours: Library, folder: Path, index: Index) -> None:
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "lime")):
        paint(folder / f"{name}.png", colour)
    index(colours, folder)
    (folder / "a.png").rename(folder / "moved.png")
    paint(folder / "b.png", "black")
    (folder / "c.png").unlink()
    (folder / "d.png").write_text("no picture")
    changes = [change for step in reading_steps(colours) for change in step]
    told = {change.kind: change for change in changes}
    assert len(changes) == 4
    assert told[ChangeKind.MOVED] == Change(ChangeKind.MOVED, folder / "moved.png", folder / "a.png")
    assert told[ChangeKind.UPDATED].path == folder / "b.png"
    assert told[ChangeKind.REMOVED].path == folder / "c.png"
    assert "not a picture" in told[ChangeKind.PROBLEM].reason


def reading_steps(library: Library) -> list[tuple[Change, ...]]:
    from clipsearch.library.indexing.run import index_folders

    return [step.changes for step in index_folders(library)]


# Large files, whose hash is of samples


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every file as large, and sample its first and last 8 bytes only."""
    monkeypatch.setattr(identity, "WHOLE_BYTES", 0)
    monkeypatch.setattr(identity, "_PIECE_BYTES", 8)
    monkeypatch.setattr(identity, "_PIECES", 2)


def bitmap(path: Path, colour: tuple[int, int, int]) -> Path:
    """Write an uncompressed picture that differs from others only in the middle: its edge is black."""
    from PIL import Image

    image = Image.new("RGB", (40, 40), "black")
    image.paste(colour, (1, 1, 39, 39))
    image.save(path)
    return path


@pytest.mark.usefixtures("large")
def test_large_files_that_differ_beyond_their_samples_are_two_photos(
    colours: Library, folder: Path, index: Index
) -> None:
    bitmap(folder / "a.bmp", (255, 0, 0))
    bitmap(folder / "b.bmp", (0, 0, 255))
    assert index(colours, folder) == IndexCounts(added=2)
    assert search_text(colours, "red")[0].photo.path.name == "a.bmp"
    bitmap(folder / "c.bmp", (0, 255, 0))
    shutil.copy(folder / "a.bmp", folder / "copy of a.bmp")
    shutil.copy(folder / "b.bmp", folder / "copy of b.bmp")
    assert index(colours) == IndexCounts(added=3, unchanged=2)
    photos = ids(colours)
    assert len(set(photos.values())) == 3
    assert photos["copy of a.bmp"] == photos["a.bmp"]
    assert photos["copy of b.bmp"] == photos["b.bmp"]
    assert search_text(colours, "green")[0].photo.path.name == "c.bmp"


@pytest.mark.usefixtures("large")
def test_a_large_file_edited_beyond_its_samples_is_seen_anew_and_keeps_its_labels(
    colours: Library, folder: Path, index: Index
) -> None:
    path = bitmap(folder / "a.bmp", (255, 0, 0))
    index(colours, folder)
    label(colours, "a.bmp")
    bitmap(path, (0, 0, 255))
    os.utime(path, (1, 1))
    assert index(colours) == IndexCounts(updated=1)
    assert search_text(colours, "blue")[0].score > 0.9
    assert is_labelled(colours, "a.bmp")
    os.utime(path, (2, 2))
    before = ids(colours)
    assert index(colours) == IndexCounts(updated=1)
    assert ids(colours) == before


@pytest.mark.usefixtures("large")
def test_a_large_file_that_moved_is_the_same_photo(
    colours: Library, folder: Path, index: Index, undecoded: list[str]
) -> None:
    bitmap(folder / "a.bmp", (255, 0, 0))
    index(colours, folder)
    before = ids(colours)["a.bmp"]
    (folder / "a.bmp").rename(folder / "b.bmp")
    assert index(colours) == IndexCounts(moved=1)
    assert ids(colours) == {"b.bmp": before}
    assert undecoded == ["a.bmp"]


# RAW files beside their pictures


def test_a_raw_beside_its_picture_is_a_companion(
    colours: Library, folder: Path, index: Index, inline: type[InlinePool]
) -> None:
    paint(folder / "a.jpg", "red")
    (folder / "A.NEF").write_bytes(b"of the sensor")
    assert index(colours, folder) == IndexCounts(added=2)
    assert inline.items == 1
    (photo,) = overview.photos(colours, overview.photo_ids(colours))
    assert (photo.paths, photo.companions) == ((folder / "a.jpg",), (folder / "A.NEF",))
    assert index(colours) == IndexCounts(unchanged=2)
    paint(folder / "a.jpg", "blue")
    assert index(colours) == IndexCounts(updated=1, unchanged=1)
    (photo,) = overview.photos(colours, overview.photo_ids(colours))
    assert photo.companions == (folder / "A.NEF",)
    (folder / "sub").mkdir()
    for name in ("a.jpg", "A.NEF"):
        (folder / name).rename(folder / "sub" / name)
    assert index(colours) == IndexCounts(moved=2)
    (folder / "sub" / "A.NEF").unlink()
    assert index(colours) == IndexCounts(removed=1, unchanged=1)
    assert verify(colours).ok


def test_a_raw_stands_for_itself_while_its_picture_cannot_be_read(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "is_raw", lambda _: False)  # the RAW here is a JPEG
    (folder / "a.nef").write_bytes(jpeg("red"))
    (folder / "a.jpg").write_text("spoilt")
    assert index(colours, folder) == IndexCounts(added=1, problems=1)
    label(colours, "a.nef")
    assert index(colours) == IndexCounts(unchanged=1, problems=1)
    paint(folder / "a.jpg", "blue")
    index(colours)
    assert ids(colours)["a.nef"] == ids(colours)["a.jpg"]
    assert is_labelled(colours, "a.jpg")
    (folder / "a.jpg").unlink()
    index(colours)
    assert search_text(colours, "red")[0].photo.path.name == "a.nef"
    assert is_labelled(colours, "a.nef")
    assert verify(colours).ok


@pytest.mark.usefixtures("large")
def test_a_large_file_that_was_edited_and_then_moved_is_its_edited_form(
    colours: Library, folder: Path, index: Index
) -> None:
    path = bitmap(folder / "a.bmp", (255, 0, 0))
    index(colours, folder)
    bitmap(path, (0, 0, 255))
    os.utime(path, (1, 1))
    index(colours)
    path.rename(folder / "b.bmp")
    assert index(colours) == IndexCounts(moved=1)
    assert search_text(colours, "blue")[0].score > 0.9


def test_labels_outlast_a_moment_in_which_the_photo_could_not_be_read(
    colours: Library, folder: Path, index: Index
) -> None:
    path = paint(folder / "a.png", "red")
    index(colours, folder)
    label(colours, "a.png")
    for broken in (b"", b"half written"):
        path.write_bytes(broken)
        assert index(colours) == IndexCounts(problems=1)
    paint(path, (200, 0, 0))
    assert index(colours) == IndexCounts(added=1)
    assert is_labelled(colours, "a.png")


def test_labels_go_back_with_an_edit_that_is_undone(colours: Library, folder: Path, index: Index) -> None:
    path = paint(folder / "a.png", "red")
    original = path.read_bytes()
    index(colours, folder)
    paint(path, "blue")
    index(colours)
    label(colours, "a.png")
    path.write_bytes(original)
    assert index(colours) == IndexCounts(updated=1)
    assert is_labelled(colours, "a.png")


def test_a_raw_that_was_indexed_alone_keeps_what_its_picture_was_labelled(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "is_raw", lambda _: False)  # the RAW here is a JPEG
    (folder / "a.nef").write_bytes(jpeg("red"))
    index(colours, folder)
    paint(folder / "a.jpg", "blue")
    index(colours)
    label(colours, "a.nef")
    (folder / "a.jpg").unlink()
    index(colours)
    assert is_labelled(colours, "a.nef")
