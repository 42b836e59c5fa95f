from __future__ import annotations

import os
from pathlib import Path

import pytest

from clipsearch.files.scan import is_picture, scan
from clipsearch.records import FoundFile, Unreadable

needs_posix = pytest.mark.skipif(os.name == "nt", reason="names and files that Windows does not have")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(folder: Path) -> list[str]:
    return [found.relative_path for found in scan(folder)]


def test_pictures_come_by_name_with_those_of_a_folder_before_its_subfolders(folder: Path) -> None:
    touch(folder, "b.png", "a.jpg", "sub/c.webp", "sub/deep/d.tiff", "another/e.gif")
    assert paths(folder) == ["a.jpg", "b.png", "another/e.gif", "sub/c.webp", "sub/deep/d.tiff"]


def test_a_found_file_carries_size_and_time(folder: Path) -> None:
    touch(folder, "sub/a.jpg")
    stat = (folder / "sub/a.jpg").stat()
    assert list(scan(folder)) == [FoundFile(folder, "sub/a.jpg", 1, stat.st_mtime_ns)]


def test_hidden_places_and_other_files_are_passed_over(folder: Path) -> None:
    touch(folder, ".hidden.jpg", ".git/a.jpg", "notes.txt", "jpg", "film.mp4", "ok.jpg")
    assert paths(folder) == ["ok.jpg"]


@pytest.mark.parametrize("name", ["A.JPG", "b.JpEg", "c.tar.png", "d.AVIF"])
def test_a_suffix_counts_in_any_case(name: str) -> None:
    assert is_picture(name)


def test_a_folder_named_like_a_picture_is_a_folder(folder: Path) -> None:
    touch(folder, "album.jpg/a.png")
    assert paths(folder) == ["album.jpg/a.png"]


@needs_posix
@pytest.mark.parametrize("name", ["🐶 in the sun.jpg", "two\nlines.jpg", os.fsdecode(b"caf\xe9.jpg"), "a'%?#&.jpg"])
def test_any_name_is_found(folder: Path, name: str) -> None:
    touch(folder, name)
    assert paths(folder) == [name]


@needs_posix
def test_links_to_folders_are_not_followed_and_links_to_files_are(folder: Path, tmp_path: Path) -> None:
    touch(folder, "a.jpg")
    (folder / "round").symlink_to(folder)
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    (folder / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert paths(folder) == ["a.jpg", "link.jpg"]


@needs_posix
def test_a_link_to_itself_is_a_problem_with_a_reason(folder: Path) -> None:
    (folder / "self.jpg").symlink_to(folder / "self.jpg")
    (found,) = scan(folder)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith("The file cannot be looked at")


@needs_posix
def test_a_pipe_named_like_a_picture_is_no_picture(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert paths(folder) == []


def test_a_missing_folder_is_told_not_raised(tmp_path: Path) -> None:
    (found,) = scan(tmp_path / "gone")
    assert isinstance(found, Unreadable)
    assert found.relative_path == ""
    assert "cannot be opened" in found.reason


def test_a_folder_that_refuses_costs_only_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(folder, "a.jpg", "closed/b.jpg", "open/c.jpg")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list(scan(folder))
    assert found[1] == Unreadable(folder, "closed", "You do not have permission to open this folder.")
    assert [each.relative_path for each in found] == ["a.jpg", "closed", "open/c.jpg"]


def test_the_folder_to_leave_out_is_not_entered(folder: Path) -> None:
    touch(folder, "a.jpg", "library/thumbnails/b.jpg", "library 2/c.jpg")
    found = [each.relative_path for each in scan(folder, leave_out=folder / "library")]
    assert found == ["a.jpg", "library 2/c.jpg"]


def test_a_time_beyond_64_bits_is_cut(folder: Path) -> None:
    touch(folder, "a.jpg")
    try:
        os.utime(folder / "a.jpg", (0, 2**34 - 2**32))  # the year 2378, where the file system knows it
    except (OSError, OverflowError):
        pytest.skip("the file system does not keep such times")
    (found,) = scan(folder)
    assert isinstance(found, FoundFile)
    assert found.mtime_ns <= 2**63 - 1


def test_a_raw_file_beside_a_picture_of_its_name_is_passed_over(folder: Path) -> None:
    touch(folder, "a.CR2", "A.jpg", "b.nef", "c.dng", "c.heic", "sub/b.jpg", "d.arw", "d.txt")
    assert paths(folder) == ["A.jpg", "b.nef", "c.heic", "d.arw", "sub/b.jpg"]
