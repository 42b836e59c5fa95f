from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.folders import FolderPlace
from tests.store.rows import MODEL, PHOTOS, new_file


def test_a_folder_takes_its_files_to_its_new_place(filled: Catalog) -> None:
    (photo_id,) = filled.store({MODEL: 4}, [new_file("sub/a.jpg")]).photo_ids
    place = FolderPlace(Path("/media/DISK1/photos"), "uuid:1", "DISK", "photos")
    filled.folders.set_places({1: place})
    assert filled.folders.places() == {1: place}
    assert filled.photos.get([photo_id])[0].paths == (Path("/media/DISK1/photos/sub/a.jpg"),)


def test_two_folders_may_change_places(filled: Catalog) -> None:
    other = filled.folders.add(Path("/other"))
    swapped = {1: FolderPlace(Path("/other"), "uuid:1"), other.id: FolderPlace(PHOTOS, "uuid:2")}
    filled.folders.set_places(swapped)
    assert filled.folders.places() == swapped


def test_what_is_offline_is_known_without_a_look(filled: Catalog) -> None:
    assert filled.folders.offline() == set()
    filled.folders.set_offline(1, True)
    assert filled.folders.offline() == {1}
    filled.folders.set_offline(1, False)
    assert filled.folders.offline() == set()


def test_a_sample_is_of_one_folder(filled: Catalog) -> None:
    filled.folders.add(Path("/other"))
    filled.store({MODEL: 4}, [new_file(f"{number}.jpg") for number in range(30)])
    drawn = filled.files.sample(1, 8)
    assert len(drawn) == 8
    assert drawn.items() <= {f"{number}.jpg": 10 for number in range(30)}.items()
    assert filled.files.sample(2, 8) == {}


@pytest.mark.skipif(os.name == "nt", reason="links need no permission elsewhere")
def test_a_folder_by_another_name_is_no_other_folder(filled: Catalog, tmp_path: Path) -> None:
    (tmp_path / "photos" / "in").mkdir(parents=True)
    (tmp_path / "Photos").symlink_to("photos")  # as on a disk that takes large letters for small ones
    inner = filled.folders.add(tmp_path / "Photos" / "in")
    assert filled.folders.add(tmp_path / "photos" / "in") == inner
    filled.store({MODEL: 4}, [replace(new_file("a.jpg"), folder_id=inner.id)])
    outer = filled.folders.add(tmp_path / "photos")
    assert {folder.id for folder in filled.folders.all()} == {1, outer.id}
    assert set(filled.files.known(outer.id)) == {"in/a.jpg"}
