from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from clipsearch.errors import CatalogError
from clipsearch.files.mounts.volume import Volume
from clipsearch.library import overview, roots
from clipsearch.library.library import Library
from clipsearch.library.roots import check, make_room, still_there
from clipsearch.records import Folder, FoundFile
from clipsearch.store.safety.sqlite_file import Access
from clipsearch.store.tables.folders import FolderPlace
from clipsearch.store.tables.intake import NewFile

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a mount table of POSIX systems")

NAMES = [f"{year}/{number}.jpg" for year in (2023, 2024) for number in range(5)]


class Mounts:
    """A mount table of our own: drives are folders beside each other, and mounting one moves it to its mount point."""

    def __init__(self, ground: Path) -> None:
        self._ground = ground
        self._volumes = [Volume("uuid:system", "System", Path("/"), "fixed")]
        self.is_silent = False

    def table(self) -> list[Volume]:
        return [] if self.is_silent else list(self._volumes)

    def mount(self, name: str, at: str, id_: str | None = None) -> Path:
        """Mount the drive `name` on the folder `at`, which is made; return the mount point."""
        point = self._ground / "media" / at
        shutil.rmtree(point, ignore_errors=True)
        point.parent.mkdir(exist_ok=True)
        drive = self._ground / "drives" / name
        drive.mkdir(parents=True, exist_ok=True)
        drive.rename(point)
        self._volumes.append(Volume(id_ or f"uuid:{name}", name, point, "removable"))
        return point

    def unmount(self, name: str, leave_mount_point: bool = True) -> None:
        (volume,) = [volume for volume in self._volumes if volume.name == name]
        self._volumes.remove(volume)
        volume.mount.rename(self._ground / "drives" / name)
        if leave_mount_point:
            volume.mount.mkdir()


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mounts:
    mounts = Mounts(tmp_path)
    monkeypatch.setattr(roots, "mounted", mounts.table)
    monkeypatch.setattr(roots, "_late", {})
    return mounts


@pytest.fixture
def disk(mounts: Mounts, colours: Library) -> Path:
    """A folder on the drive DISK, indexed and seen once."""
    path = photos_in(mounts.mount("DISK", "DISK") / "photos")
    add(colours, path)
    assert check(colours) == [Folder(1, path)]
    return path


def photos_in(path: Path, size: int = 1) -> Path:
    """Write ten files there, each of its own size."""
    for number, name in enumerate(NAMES):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x" * (size + number))
    return path


def add(library: Library, path: Path) -> Folder:
    """Put a folder into the catalog as it lies on the disk."""
    folder = library.catalog.folders.add(path)
    files = []
    for name in NAMES if path.exists() else []:
        stat = (path / name).stat()
        found = FoundFile(path, name, stat.st_size, stat.st_mtime_ns)
        files.append(NewFile(folder.id, found, f"{path}/{name}", 4, 3, "JPEG", {"m": np.ones(4, np.float32)}))
    library.catalog.store({"m": 4}, files)
    return folder


def place(library: Library, folder_id: int = 1) -> FolderPlace:
    return library.catalog.folders.places()[folder_id]


def file_count(library: Library) -> int:
    return library.catalog.files.count_in([folder.id for folder in library.catalog.folders.all()])


# Where a folder is


def test_a_folder_is_known_by_its_place_on_its_volume(disk: Path, colours: Library) -> None:
    assert place(colours) == FolderPlace(disk, "uuid:DISK", "DISK", "photos")


@pytest.mark.parametrize("leave_mount_point", [True, False])
def test_without_its_drive_a_folder_is_offline_until_it_comes_back(
    disk: Path, mounts: Mounts, colours: Library, leave_mount_point: bool
) -> None:
    mounts.unmount("DISK", leave_mount_point)
    if leave_mount_point:
        disk.mkdir()  # as after a run that was under way when the drive was pulled
    assert check(colours) == [Folder(1, disk, offline=True)]
    assert colours.catalog.folders.all() == [Folder(1, disk, offline=True)]
    assert file_count(colours) == len(NAMES)
    mounts.mount("DISK", "DISK")
    assert check(colours) == [Folder(1, disk)]
    assert not colours.catalog.folders.all()[0].offline


def test_the_path_follows_its_drive(disk: Path, mounts: Mounts, colours: Library) -> None:
    mounts.unmount("DISK")
    after = mounts.mount("DISK", "DISK1") / "photos"
    assert check(colours) == [Folder(1, after)]
    assert place(colours) == FolderPlace(after, "uuid:DISK", "DISK", "photos")
    (photo, *_) = colours.catalog.photos.get(colours.catalog.photos.ids())
    assert photo.path.is_relative_to(after)


def test_drives_may_change_places(mounts: Mounts, colours: Library) -> None:
    first, second = mounts.mount("ONE", "e"), mounts.mount("TWO", "f")
    for path in (photos_in(first, size=1), photos_in(second, size=500)):
        add(colours, path)
    check(colours)
    mounts.unmount("ONE")
    mounts.unmount("TWO")
    mounts.mount("ONE", "f")
    mounts.mount("TWO", "e")
    assert check(colours) == [Folder(2, first), Folder(1, second)]
    assert place(colours, 1) == FolderPlace(second, "uuid:ONE", "ONE", "")


def test_another_drive_in_the_same_place_is_another_folder(disk: Path, mounts: Mounts, colours: Library) -> None:
    mounts.unmount("DISK")
    photos_in(mounts.mount("OTHER", "DISK") / "photos", size=900)
    assert check(colours) == [Folder(1, disk, offline=True)]
    assert place(colours).volume_id == "uuid:DISK"


def test_a_copy_on_a_new_disk_takes_the_old_ones_place(disk: Path, mounts: Mounts, colours: Library) -> None:
    mounts.unmount("DISK")
    photos_in(mounts.mount("LARGER", "DISK") / "photos")  # of the same sizes, but later times
    for name in NAMES[:4]:
        (disk / name).unlink()  # not all of it need be there
    assert check(colours) == [Folder(1, disk)]
    assert place(colours) == FolderPlace(disk, "uuid:LARGER", "LARGER", "photos")


def test_of_two_volumes_of_one_id_that_with_the_files_is_taken(disk: Path, mounts: Mounts, colours: Library) -> None:
    mounts.unmount("DISK")
    (mounts.mount("CLONE", "clone", id_="uuid:DISK") / "photos").mkdir()
    after = mounts.mount("DISK", "DISK1") / "photos"
    assert check(colours) == [Folder(1, after)]


def test_two_sticks_may_share_a_mount_point(mounts: Mounts, colours: Library) -> None:
    point = photos_in(mounts.mount("ONE", "NO NAME"))
    add(colours, point)
    check(colours)
    mounts.unmount("ONE")
    photos_in(mounts.mount("TWO", "NO NAME"), size=900)
    make_room(colours, [point])
    assert add(colours, point).id == 2
    aside = Path("ONE (uuid:ONE)")
    assert check(colours) == [Folder(2, point), Folder(1, aside, offline=True)]
    mounts.unmount("TWO")
    mounts.mount("ONE", "NO NAME")
    assert check(colours) == [Folder(1, point), Folder(2, Path("TWO (uuid:TWO)"), offline=True)]
    mounts.mount("TWO", "NO NAME1")
    assert not any(folder.offline for folder in check(colours))
    assert place(colours, 2).path == point.with_name("NO NAME1")


def test_an_empty_mount_point_is_not_another_folder(mounts: Mounts, colours: Library) -> None:
    path = photos_in(mounts.mount("DISK", "DISK"))
    add(colours, path)
    check(colours)
    mounts.unmount("DISK")
    make_room(colours, [path])
    assert check(colours) == [Folder(1, path, offline=True)]
    after = mounts.mount("DISK", "DISK1")
    assert check(colours) == [Folder(1, after)]


def test_a_folder_that_is_gone_from_its_drive_is_offline(disk: Path, colours: Library) -> None:
    disk.rename(disk.with_name("renamed"))
    assert check(colours) == [Folder(1, disk, offline=True)]


def test_a_folder_does_not_follow_to_where_another_one_is(disk: Path, mounts: Mounts, colours: Library) -> None:
    mounts.unmount("DISK")
    after = mounts.mount("DISK", "DISK1") / "photos"
    add(colours, after)
    assert check(colours) == [Folder(1, disk, offline=True), Folder(2, after)]


# What the system does not tell


def test_where_volumes_are_not_told_the_path_decides(disk: Path, mounts: Mounts, colours: Library) -> None:
    mounts.is_silent = True
    assert check(colours) == [Folder(1, disk)]
    assert place(colours).volume_id == "uuid:DISK"
    disk.rename(disk.with_name("renamed"))
    assert check(colours) == [Folder(1, disk, offline=True)]


def test_the_volume_of_a_folder_indexed_long_ago_is_recorded_once_its_files_are_seen(
    mounts: Mounts, colours: Library
) -> None:
    path = photos_in(mounts.mount("DISK", "DISK"))
    add(colours, path)
    mounts.unmount("DISK")
    assert check(colours) == [Folder(1, path)]  # an empty folder, which the index run holds back
    assert place(colours).volume_id is None
    mounts.mount("DISK", "DISK")
    check(colours)
    assert place(colours).volume_id == "uuid:DISK"


def test_a_library_of_another_machine_works_where_its_photos_are(mounts: Mounts, colours: Library) -> None:
    path = photos_in(mounts.mount("HERE", "HERE"))
    add(colours, path)
    colours.catalog.folders.set_places({1: FolderPlace(path, "serial:1234-ABCD", "D:", "photos")})
    assert check(colours) == [Folder(1, path)]
    assert place(colours).volume_id == "uuid:HERE"


def test_a_folder_in_which_nothing_is_known_loses_nothing(mounts: Mounts, colours: Library) -> None:
    path = mounts.mount("DISK", "DISK")
    colours.catalog.folders.add(path)
    check(colours)
    mounts.unmount("DISK")
    assert check(colours) == [Folder(1, path)]
    assert place(colours).volume_id == "uuid:system"


# Folders that hang, libraries that may only be read


def test_a_share_that_hangs_is_offline_and_waited_for_once(
    disk: Path, mounts: Mounts, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = add(colours, photos_in(mounts.mount("WELL", "WELL")))
    may_answer, looks = threading.Event(), []

    def hang(path: Path) -> bool:
        if path == disk:
            looks.append(path)
            may_answer.wait(10)
        return real(path)

    real = os.path.isdir
    monkeypatch.setattr(roots.os.path, "isdir", hang)
    start = time.monotonic()
    assert {folder.id for folder in check(colours, limit_s=0.1) if folder.offline} == {1}
    assert {folder.id for folder in check(colours, limit_s=0.1) if folder.offline} == {1}
    assert time.monotonic() - start < 5
    assert looks == [disk]
    assert well.id in {folder.id for folder in check(colours, limit_s=0.1) if not folder.offline}
    may_answer.set()
    wait_until_nothing_looks()
    assert not any(folder.offline for folder in check(colours))


def wait_until_nothing_looks() -> None:
    for thread in threading.enumerate():
        if thread.name == "look at folder":
            thread.join(5)


def test_a_library_that_may_only_be_read_is_told_all_the_same(
    disk: Path, mounts: Mounts, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts.unmount("DISK")
    after = mounts.mount("DISK", "DISK1") / "photos"
    monkeypatch.setattr(colours.catalog._database, "_access", Access.READ)
    assert check(colours) == [Folder(1, after)]
    assert place(colours).path == disk


def test_what_cannot_be_recorded_for_another_reason_is_told(
    disk: Path, mounts: Mounts, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise CatalogError("the disk is full")

    mounts.unmount("DISK")
    mounts.mount("DISK", "DISK1")
    monkeypatch.setattr(colours.catalog.folders, "set_places", fail)
    with pytest.raises(CatalogError, match="full"):
        check(colours)


def test_a_look_that_fails_is_that_folders_alone(
    disk: Path, mounts: Mounts, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = add(colours, photos_in(mounts.mount("WELL", "WELL")))

    def fail(path: Path) -> bool:
        if path == disk:
            raise OverflowError
        return real(path)

    real = os.path.isdir
    monkeypatch.setattr(roots.os.path, "isdir", fail)
    assert check(colours) == [Folder(1, disk, offline=True), Folder(2, well.path)]
    assert not still_there(colours, Folder(1, disk))
    monkeypatch.setattr(roots.os.path, "isdir", real)
    assert {folder.id for folder in check(colours) if not folder.offline} == {1, 2}


def test_folders_may_be_checked_by_many_threads_at_once(disk: Path, mounts: Mounts, colours: Library) -> None:
    with ThreadPoolExecutor(8) as pool:
        looks = list(pool.map(lambda limit_s: check(colours, limit_s), [0.0, 20.0] * 40))
    assert {folder.id for folders in looks for folder in folders} == {1}
    wait_until_nothing_looks()
    assert check(colours) == [Folder(1, disk)]
    assert roots._late == {}


def test_a_look_at_what_is_as_it_was_writes_nothing(
    disk: Path, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colours.catalog.folders, "set_places", None)
    monkeypatch.setattr(colours.catalog.folders, "set_offline", None)
    assert check(colours) == [Folder(1, disk)]


def test_a_damaged_catalog_is_told(
    disk: Path, mounts: Mounts, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, int]:
        raise CatalogError("the file is damaged")

    mounts.unmount("DISK")
    disk.mkdir()
    monkeypatch.setattr(colours.catalog.files, "sample", fail)
    with pytest.raises(CatalogError, match="damaged"):
        check(colours)


def test_a_thumbnail_that_was_lost_is_not_made_from_what_is_out_of_reach(
    disk: Path, mounts: Mounts, colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts.unmount("DISK")
    check(colours)
    monkeypatch.setattr(overview, "content_hash", None)  # which would be called for each of its places
    (photo, *_) = colours.catalog.photos.get(colours.catalog.photos.ids())
    assert overview.thumbnail(colours, photo) is None


# After a scan


def test_after_a_scan_the_drive_must_be_the_same(disk: Path, mounts: Mounts, colours: Library) -> None:
    folder = Folder(1, disk)
    assert still_there(colours, folder)
    mounts.unmount("DISK")
    assert not still_there(colours, folder)
    disk.mkdir()
    assert not still_there(colours, folder)
    mounts.is_silent = True
    assert still_there(colours, folder)  # all that can be told is that the folder is there
    disk.rmdir()
    assert not still_there(colours, folder)


def test_a_folder_forgotten_meanwhile_is_not_there(disk: Path, colours: Library) -> None:
    colours.catalog.folders.remove(1)
    assert not still_there(colours, Folder(1, disk))


@pytest.fixture(autouse=True)
def no_look_is_left() -> Iterator[None]:
    yield
    wait_until_nothing_looks()
