"""Drives that come and go, with real file systems on loop devices; skipped where the tests may not mount."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library import overview, roots
from clipsearch.library.indexing import comparing
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.library import Library
from clipsearch.library.roots import check
from clipsearch.library.search import search_text
from clipsearch.library.verify import verify
from clipsearch.records import Folder, IndexCounts, Stage
from tests.conftest import Index
from tests.fakes import InlinePool
from tests.pictures import paint

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does"),
    pytest.mark.usefixtures("inline"),
]

MakeDrive = Callable[..., "Drive"]


class Drive:
    """A file system in an image file."""

    def __init__(self, image: Path) -> None:
        self._image = image
        self._points: list[Path] = []
        with image.open("wb") as stream:
            stream.truncate(8 << 20)
        run("mkfs.ext4", "-q", "-F", str(image))

    def mount(self, point: Path) -> Path:
        """Mount it on a folder, which is made if need be."""
        point.mkdir(parents=True, exist_ok=True)
        run("mount", "-o", "loop", str(self._image), str(point))
        if shutil.which("udevadm"):
            run("udevadm", "settle")  # which gives it its name
        self._points.append(point)
        return point

    def unmount(self) -> None:
        """Take it out, even while files on it are open; its mount point stays."""
        while self._points:
            run("umount", "-l", str(self._points.pop()))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def make_drive(tmp_path: Path) -> Iterator[MakeDrive]:
    """Makes drives, and takes them out in the end."""
    drives: list[Drive] = []

    def make(name: str = "DISK") -> Drive:
        try:
            drive = Drive(tmp_path / f"{name}.img")
            drives.append(drive)
            drive.mount(tmp_path / "trial")
            drive.unmount()
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"the tests may not mount here: {error}")
        return drive

    yield make
    for drive in drives:
        drive.unmount()


@pytest.fixture
def disk(make_drive: MakeDrive) -> Drive:
    return make_drive()


def paint_on(drive: Drive, point: Path) -> Path:
    """Mount the drive and put six photos into two folders of it."""
    folder = drive.mount(point) / "photos"
    for name, colour in (("red", "red"), ("green", "green"), ("blue", "blue")):
        for year in (2023, 2024):
            paint(folder / f"{year}/{name}.png", colour, size=(40 + year % 10, 30))
    return folder


def found(library: Library, text: str = "red") -> tuple[str, str, bool]:
    """Return the first two hits, and whether the first is offline."""
    first, second, *_ = search_text(library, text, 6)
    return first.photo.path.name, second.photo.path.name, first.photo.offline


def test_without_its_drive_every_photo_is_kept_and_found(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    folder = paint_on(disk, tmp_path / "media/DISK")
    assert index(colours, folder) == IndexCounts(added=6)
    disk.unmount()
    assert index(colours) == IndexCounts()
    assert check(colours) == [Folder(1, folder, offline=True)]
    assert found(colours) == ("red.png", "red.png", True)
    assert overview.status(colours).offline == 6
    photo = search_text(colours, "red", 1)[0].photo
    assert overview.thumbnail(colours, photo) is not None
    folder.mkdir()  # somebody makes it again on the disk below
    assert index(colours) == IndexCounts()
    assert overview.problems(colours) == []
    disk.mount(tmp_path / "media/DISK")
    InlinePool.items = 0
    assert index(colours) == IndexCounts(unchanged=6)
    assert InlinePool.items == 0
    assert found(colours) == ("red.png", "red.png", False)


def test_a_repair_forgets_nothing_of_a_drive_that_is_away(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    point = tmp_path / "media/DISK"
    paint_on(disk, point)
    index(colours, point)
    disk.unmount()
    assert verify(colours, repair=True).ok
    assert overview.status(colours).offline == 6


def test_to_index_an_empty_mount_point_is_refused_with_the_reason(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    point = tmp_path / "media/DISK"
    paint_on(disk, point)
    index(colours, point)
    disk.unmount()
    with pytest.raises(ClipsearchError, match="is not connected; its photos are kept"):
        index(colours, point)
    assert overview.status(colours).offline == 6


def test_a_drive_mounted_elsewhere_takes_its_photos_along(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    index(colours, paint_on(disk, tmp_path / "media/DISK"))
    before = overview.photos(colours, overview.photo_ids(colours))
    disk.unmount()
    folder = disk.mount(tmp_path / "media/DISK1") / "photos"
    InlinePool.items = 0
    assert index(colours) == IndexCounts(unchanged=6)
    assert InlinePool.items == 0
    after = overview.photos(colours, overview.photo_ids(colours))
    assert [photo.id for photo in after] == [photo.id for photo in before]
    assert all(photo.path.is_relative_to(folder) and photo.path.exists() for photo in after)
    assert found(colours) == ("red.png", "red.png", False)


@pytest.mark.parametrize("met", [0, 1, 4])
def test_a_drive_pulled_in_mid_scan_loses_nothing(
    met: int, disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    folder = paint_on(disk, tmp_path / "media/DISK")
    index(colours, folder)
    (folder / "2023/red.png").unlink()

    def scan_and_pull(*arguments: Any, **options: Any) -> Iterator[Any]:
        for number, one in enumerate(scan(*arguments, **options)):
            if number == met:
                disk.unmount()
            yield one

    scan = comparing.scan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "scan", scan_and_pull)
        assert index(colours).removed == 0
    assert overview.status(colours).files == 6
    assert check(colours)[0].offline
    assert found(colours) == ("red.png", "red.png", True)
    disk.mount(tmp_path / "media/DISK")
    assert index(colours) == IndexCounts(removed=1, unchanged=5)


def test_a_drive_pulled_just_before_the_scan_is_no_emptied_folder(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    point = tmp_path / "media/DISK"
    paint_on(disk, point)
    index(colours, point)

    def pull_and_scan(*arguments: Any, **options: Any) -> Iterator[Any]:
        disk.unmount()
        yield from scan(*arguments, **options)

    scan = comparing.scan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "scan", pull_and_scan)
        assert index(colours) == IndexCounts()
    assert overview.problems(colours) == []
    assert overview.status(colours).files == 6


def test_a_drive_pulled_while_photos_are_read_loses_nothing(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    folder = paint_on(disk, tmp_path / "media/DISK")
    index(colours, folder)
    for number in range(40):
        paint(folder / f"2025/{number}.png", (number, 90, 200))
    was_pulled = False
    for step in index_folders(colours):
        if step.stage is Stage.ENCODING and not was_pulled:
            disk.unmount()
            was_pulled = True
    assert was_pulled
    assert step.counts.removed == 0
    assert overview.status(colours).photos >= 6
    disk.mount(tmp_path / "media/DISK")
    index(colours)
    assert overview.status(colours).photos == 46
    assert overview.problems(colours) == []


def test_another_drive_at_the_same_mount_point_is_another_drive(
    disk: Drive, make_drive: MakeDrive, tmp_path: Path, colours: Library, index: Index
) -> None:
    point = tmp_path / "media/DISK"
    index(colours, paint_on(disk, point))
    disk.unmount()
    other = make_drive("OTHER")
    paint(other.mount(point) / "photos/2023/red.png", "green", size=(500, 400))
    assert index(colours) == IndexCounts()
    assert check(colours)[0].offline
    other.unmount()
    disk.mount(point)
    assert index(colours) == IndexCounts(unchanged=6)


def test_two_drives_may_share_a_mount_point(
    disk: Drive, make_drive: MakeDrive, tmp_path: Path, colours: Library, index: Index
) -> None:
    point = tmp_path / "media/NO NAME"
    paint_on(disk, point)
    assert index(colours, point) == IndexCounts(added=6)
    disk.unmount()
    other = make_drive("OTHER")
    paint(other.mount(point) / "other.png", "yellow", size=(500, 400))
    assert index(colours, point) == IndexCounts(added=1)
    other.unmount()
    disk.mount(point)
    assert index(colours) == IndexCounts(unchanged=6)
    status = overview.status(colours)
    assert (status.photos, status.offline) == (7, 1)


def test_a_copy_on_a_larger_drive_takes_its_place(
    disk: Drive, make_drive: MakeDrive, tmp_path: Path, colours: Library, index: Index
) -> None:
    point = tmp_path / "media/DISK"
    folder = paint_on(disk, point)
    index(colours, folder)
    shutil.copytree(folder, tmp_path / "copy")
    disk.unmount()
    shutil.copytree(tmp_path / "copy", make_drive("LARGER").mount(point) / "photos")
    assert index(colours) == IndexCounts(unchanged=6)
    assert check(colours) == [Folder(1, folder)]


def test_a_part_of_a_drive_that_is_bound_elsewhere_is_found_on_the_drive(
    disk: Drive, tmp_path: Path, colours: Library, index: Index
) -> None:
    folder = paint_on(disk, tmp_path / "media/DISK")
    bound = tmp_path / "year"
    bound.mkdir()
    run("mount", "--bind", str(folder / "2024"), str(bound))
    disk._points.append(bound)
    assert index(colours, bound) == IndexCounts(added=3)
    run("umount", str(disk._points.pop()))
    assert index(colours) == IndexCounts(unchanged=3)
    assert check(colours) == [Folder(1, folder / "2024")]


def test_photos_on_a_share_within_the_folder_are_kept_while_it_is_not_mounted(
    disk: Drive, tmp_path: Path, colours: Library, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "pictures/nas"
    for number in range(4):
        paint(tmp_path / f"pictures/{number}.png", (number, 99, 0))
    paint_on(disk, inner)
    table = [inner]
    monkeypatch.setattr(roots, "awaited", lambda: [point for point in table if not point.is_mount()])
    assert index(colours, tmp_path / "pictures") == IndexCounts(added=10)
    disk.unmount()
    assert index(colours) == IndexCounts(unchanged=4)
    assert overview.status(colours).files == 10
    table.clear()  # it is no longer to be mounted
    assert index(colours) == IndexCounts(unchanged=4, removed=6)


def test_a_file_system_in_memory_is_known_by_its_place(
    make_drive: MakeDrive, tmp_path: Path, colours: Library, index: Index
) -> None:
    make_drive()  # which tells whether the tests may mount
    point = tmp_path / "memory"
    point.mkdir()
    run("mount", "-t", "tmpfs", "tmpfs", str(point))
    try:
        paint(point / "a.png")
        assert index(colours, point) == IndexCounts(added=1)
        assert index(colours) == IndexCounts(unchanged=1)
    finally:
        run("umount", "-l", str(point))
    assert index(colours) == IndexCounts()
    assert check(colours) == [Folder(1, point, offline=True)]
