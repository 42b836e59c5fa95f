"""Samples of a library: random, the same each time, and following the library as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clipsearch.library.categories.background import Sample
from clipsearch.library.library import Library
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


def test_the_era_ends_when_the_library_has_doubled(library: Library) -> None:
    era = library.backgrounds.era(library.answering)
    fill(library.catalog, clustered_vectors(20, DIM, 8), PHOTOS + 1)
    assert library.backgrounds.era(library.answering) == era
    fill(library.catalog, clustered_vectors(PHOTOS, DIM, 9), PHOTOS + 21)
    assert library.backgrounds.era(library.answering) != era
