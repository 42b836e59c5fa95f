from __future__ import annotations

import os
from pathlib import Path

from clipsearch.records import FoundFile, Unreadable
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.files import KnownFile
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


def test_what_is_known_of_places_is_what_lies_there(filled: Catalog) -> None:
    strange = os.fsdecode(b"x/caf\xe9.jpg")
    names = ["a.jpg", "x/b.jpg", "x/y/c.jpg", "x0.jpg", "x 2/d.jpg", strange]
    filled.store({MODEL: 4}, [new_file(name, ascii(name)) for name in names])
    filled.files.store_problem(1, "x", 0, -1, "no permission")
    known = filled.files.known
    assert set(known(1)) == {*names, "x"}
    assert set(known(1, [("x", True)])) == {"x", "x/b.jpg", "x/y/c.jpg", strange}
    assert set(known(1, [("x", False)])) == {"x", "x/b.jpg", strange}
    assert set(known(1, [("", False), ("x/y", True)])) == {"a.jpg", "x", "x0.jpg", "x/y/c.jpg"}


def test_only_a_photo_that_is_as_it_was_is_known_again(filled: Catalog) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    (a, b, _, _) = filled.store({MODEL: 4}, [new_file(name) for name in names]).photo_ids
    filled.files.store_problem(1, "c.jpg", 10, 1, "The reader crashed.", keep_file=True)
    filled.files.accompany(1, [FoundFile(PHOTOS, "a.nef", 9, 9, partner="a.jpg")])
    known = filled.files.known(1)
    found = [FoundFile(PHOTOS, name, 10, 1) for name in names]
    assert known.meet(found) == [a, b, None, filled.files.known(1)["d.jpg"].photo_id]
    others = [FoundFile(PHOTOS, "a.jpg", 11, 1), FoundFile(PHOTOS, "a.jpg", 10, 2), FoundFile(PHOTOS, "e.jpg", 10, 1)]
    others += [FoundFile(PHOTOS, "a.nef", 9, 9, "a.jpg"), FoundFile(PHOTOS, "b.jpg", 10, 1, "a.jpg")]
    assert known.meet([*others, Unreadable(PHOTOS, "a.jpg", "")]) == [None] * 6
    assert known["c.jpg"].has_problem
    assert known["a.nef"].is_companion
    assert (len(known), "e.jpg" in known) == (5, False)
    assert known.unmet() == []


def test_what_was_not_met_is_told(filled: Catalog) -> None:
    strange = os.fsdecode(b"caf\xe9.jpg")
    filled.store({MODEL: 4}, [new_file(name, ascii(name)) for name in ("b.jpg", "a.jpg", strange)])
    filled.files.store_problem(1, "c.jpg", 10, 1, "damaged")
    known = filled.files.known(1)
    assert known.unmet() == ["a.jpg", "b.jpg", "c.jpg", strange]
    known.meet([FoundFile(PHOTOS, name, 99, 1) for name in ("a.jpg", strange, "new.jpg")])
    assert known.unmet() == ["b.jpg", "c.jpg"]
    known.meet([FoundFile(PHOTOS, "c.jpg", 10, 1), Unreadable(PHOTOS, "b.jpg", "")])
    assert known.unmet() == []
