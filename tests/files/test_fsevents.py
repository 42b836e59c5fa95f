"""What macOS tells of a folder, by words put into its mouth."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.files.watching.fsevents import FsEventReports

IS_FILE, IS_DIRECTORY, CREATED, REMOVED, RENAMED = 0x10000, 0x20000, 0x100, 0x200, 0x800


class Heard:
    """Takes the place of FolderEvents and keeps what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[object, ...]] = []

    def wrote(self, path: str) -> None:
        self.told.append(("wrote", path))

    def came(self, path: str) -> None:
        self.told.append(("came", path))

    def removed(self, path: str, is_file: bool | None) -> None:
        self.told.append(("removed", path, is_file))

    def appeared(self, path: str) -> None:
        self.told.append(("appeared", path))

    def lost(self) -> None:
        self.told.append(("lost",))


@pytest.fixture
def heard(folder: Path) -> Heard:
    (folder / "there").mkdir()
    (folder / "there" / "a.jpg").touch()
    return Heard(folder)


@pytest.mark.parametrize(
    ("name", "flags", "told"),
    [
        ("there/a.jpg", IS_FILE | CREATED, ("wrote", "there/a.jpg")),
        ("there/a.jpg", IS_FILE | CREATED | REMOVED, ("wrote", "there/a.jpg")),
        ("there/a.jpg", IS_FILE | RENAMED, ("came", "there/a.jpg")),
        ("there/gone.jpg", IS_FILE | RENAMED, ("removed", "there/gone.jpg", True)),
        ("there/", IS_DIRECTORY | CREATED, ("appeared", "there")),
        ("gone", IS_DIRECTORY | RENAMED, ("removed", "gone", False)),
        ("there", 0x1, ("appeared", "there")),
        ("", 0x1 | 0x4, ("appeared", "")),
        ("there", 0x40, ("appeared", "there")),
        ("", 0x20, ("lost",)),
    ],
)
def test_flags_are_understood(heard: Heard, folder: Path, name: str, flags: int, told: tuple[object, ...]) -> None:
    FsEventReports(heard).report([f"{folder}/{name}".encode()], [flags])
    assert heard.told == [told]


def test_real_paths_of_a_linked_folder_are_understood(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "a.jpg").touch()
    heard = Heard(tmp_path / "link")
    FsEventReports(heard).report([str(folder / "a.jpg"), str(tmp_path / "link" / "a.jpg")], [IS_FILE, IS_FILE])
    assert heard.told == [("wrote", "a.jpg")] * 2


def test_other_ways_to_write_a_name_are_understood(tmp_path: Path) -> None:
    composed, decomposed = tmp_path / "Fr\u00fchling", tmp_path / "fru\u0308hling"
    composed.mkdir()
    heard = Heard(composed)
    FsEventReports(heard).report([f"{decomposed}/u\u0308.jpg"], [IS_FILE | REMOVED])
    assert heard.told == [("removed", "u\u0308.jpg", True)]


def test_what_cannot_be_placed_concerns_the_whole_folder(heard: Heard) -> None:
    FsEventReports(heard).report(["/"], [0x1 | 0x2])
    assert heard.told == [("appeared", "")]


def test_nothing_is_told_after_the_end(heard: Heard, folder: Path) -> None:
    reports = FsEventReports(heard)
    reports.is_closed = True
    reports.report([str(folder)], [0x1])
    assert heard.told == []
