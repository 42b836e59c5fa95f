"""Samples of a library: random, the same each time, and following the library as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clipsearch.library.categories.background import Backgrounds, Sample
from clipsearch.library.library import Library
from clipsearch.store.tables.changes import note_change
from tests.library.categories.stand import DIM, library_of, vectors_of
from tests.store.filled import clustered_vectors, fill, remove

PHOTOS, SIZE = 1000, 200


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with library_of(tmp_path / "library", PHOTOS) as opened:
        yield opened


def sampled(library: Library, size: int = SIZE) -> Sample:
    return library.backgrounds.sample(library.answering, size)


def test_a_sample_is_spread_over_the_library(library: Library, tmp_path: Path) -> None:
    sample = sampled(library)
    assert len(set(sample.ids.tolist())) == SIZE and not sample.is_whole
    assert (sample.vectors == vectors_of(PHOTOS)[sample.ids - 1]).all()
    assert abs(np.sort(sample.ids) - np.linspace(1, PHOTOS, SIZE)).max() < 100
    with library_of(tmp_path / "the same", PHOTOS) as other:
        assert sampled(other).ids.tolist() == sample.ids.tolist()
        assert sampled(other, 50).ids.tolist() == sample.ids[:50].tolist()


def test_it_is_kept_while_the_library_is_much_the_same(library: Library) -> None:
    sample = sampled(library)
    fill(library.catalog, clustered_vectors(50, DIM, 8), PHOTOS + 1)
    assert sampled(library).vectors is sample.vectors
    fill(library.catalog, clustered_vectors(100, DIM, 9), PHOTOS + 51)
    grown = sampled(library)
    assert grown.photos == PHOTOS + 150
    assert len(set(grown.ids.tolist()) & set(sample.ids.tolist())) > 0.7 * SIZE


def test_all_of_a_small_library_is_always_up_to_date(library: Library) -> None:
    assert sampled(library, PHOTOS).is_whole
    fill(library.catalog, clustered_vectors(1, DIM, 8), PHOTOS + 1)
    assert len(sampled(library, 2 * PHOTOS).ids) == PHOTOS + 1
    remove(library.catalog, [7])
    assert set(sampled(library, 2 * PHOTOS).ids.tolist()) == set(range(1, PHOTOS + 2)) - {7}


def test_photos_without_a_file_are_not_drawn(library: Library) -> None:
    gone = sampled(library).ids[:SIZE:2].tolist()
    remove(library.catalog, gone)
    library.backgrounds._samples.clear()
    sample = sampled(library)
    assert len(sample.ids) == SIZE and not set(sample.ids.tolist()) & set(gone)


def settled(library: Library, *, may_replace: bool = True) -> str:
    """Return the mark of the background after the library was applied, as another process sees it."""
    library.backgrounds.settle(library.answering, may_replace=may_replace)
    return Backgrounds(library.catalog, library.classifiers).mark(library.answering)


def test_the_stored_sample_is_that_which_was_drawn_in_memory(library: Library) -> None:
    before = library.backgrounds.mark(library.answering)
    assert settled(library) == before
    assert (library.backgrounds.of(library.answering).sample == vectors_of(PHOTOS)[library_ids(library) - 1]).all()


def library_ids(library: Library) -> np.ndarray:
    stored = library.catalog.memberships.sample(library.answering.model_id)
    assert stored is not None
    return stored.photo_ids


def test_it_stays_until_the_library_has_grown_or_shrunk_by_more_than_half(library: Library) -> None:
    mark = settled(library)
    fill(library.catalog, clustered_vectors(PHOTOS // 2, DIM, 8), PHOTOS + 1)
    remove(library.catalog, library_ids(library).tolist()[:300])
    assert settled(library) == mark
    fill(library.catalog, clustered_vectors(1, DIM, 9), 2 * PHOTOS)
    assert settled(library, may_replace=False) == mark
    grown = settled(library)
    assert grown != mark
    assert library.backgrounds.mark(library.answering) == grown
    with library.catalog._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM vector WHERE photo_id > 700")
    assert settled(library) != grown


def test_vectors_that_come_back_are_seen(library: Library) -> None:
    mark = settled(library)
    with library.catalog._database.write() as connection:
        connection.exec_driver_sql("INSERT INTO model (id, name, dim) VALUES (2, 'another', 16)")
        connection.exec_driver_sql("UPDATE vector SET model_id = 2 WHERE photo_id <= 300")
    library.backgrounds._kept = None
    assert library.backgrounds.mark(library.answering) != mark
    with library.catalog._database.write() as connection:
        connection.exec_driver_sql("UPDATE vector SET model_id = 1")
        note_change(connection)
    assert library.backgrounds.mark(library.answering) == mark
