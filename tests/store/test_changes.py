from __future__ import annotations

import pytest

from clipsearch.store.catalog import Catalog
from clipsearch.store.tables import changes
from tests.store.rows import MODEL, new_file


def test_the_journal_tells_which_photos_changed_after_a_generation(filled: Catalog) -> None:
    before = filled.changes.generation()
    first = filled.store({MODEL: 4}, [new_file("a.jpg"), new_file("b.jpg")])
    second = filled.store({MODEL: 4}, [new_file("c.jpg")])
    filled.files.remove(1, ["a.jpg"])
    now = filled.changes.generation()
    assert filled.changes.since(now) == (now, set())
    assert filled.changes.since(before) == (now, {*first.photo_ids, *second.photo_ids})
    assert filled.changes.since(second.generation) == (now, {first.photo_ids[0]})


def test_a_journal_that_does_not_reach_back_says_so(filled: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_KEPT", 3)
    before = filled.changes.generation()
    for number in range(10):
        last = filled.store({MODEL: 4}, [new_file(f"{number}.jpg")])
    now, changed = filled.changes.since(last.generation - 2)
    assert (now, len(changed or ())) == (last.generation, 2)
    assert filled.changes.since(before) == (now, None)
    filled.folders.remove(1)
    assert filled.changes.since(now)[1] is None
