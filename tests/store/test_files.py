from __future__ import annotations

from pathlib import Path

from clipsearch.records import FoundFile
from clipsearch.store.catalog import Catalog
from clipsearch.store.files import KnownFile
from tests.store.rows import MODEL, PHOTOS, new_file


def test_a_companion_is_a_place_of_its_partner_s_photo(filled: Catalog) -> None:
    photo_id = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids[0]
    raw = FoundFile(PHOTOS, "a.nef", 9, 9, partner="a.jpg")
    lone = FoundFile(PHOTOS, "b.nef", 9, 9, partner="b.jpg")
    assert filled.files.accompany(1, [raw, lone]) == {"a.nef": photo_id}
    (photo,) = filled.photos.get([photo_id])
    assert (photo.paths, photo.companions) == ((Path("/photos/a.jpg"),), (Path("/photos/a.nef"),))
    assert filled.files.known(1)["a.nef"] == KnownFile(9, 9, photo_id, False, True)
    filled.files.remove(1, ["a.jpg"])
    (photo,) = filled.photos.get([photo_id])
    assert photo.paths == (Path("/photos/a.nef"),)


def test_files_wait_until_they_are_read(filled: Catalog) -> None:
    filled.files.wait(1, ["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    assert filled.counts(MODEL).waiting == 4
    filled.store({MODEL: 4}, [new_file("a.jpg")])
    filled.files.store_problem(1, "b.jpg", 1, 1, "damaged")
    filled.files.remove(1, ["c.jpg"])
    assert filled.files.waiting() == 1
    filled.files.wait(1, [])
    assert filled.files.waiting() == 0
