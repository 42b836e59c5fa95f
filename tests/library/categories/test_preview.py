"""The preview of a category against what the category holds once it is saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from clipsearch.library.categories import applying, editing, judging, preview
from clipsearch.library.library import Library
from clipsearch.records import Category, Preview
from tests.library.categories.stand import DIM, library_of
from tests.store.filled import clustered_vectors, fill

PHOTOS = 2000
TOLD = Category(0, "sea", prompts=("sea", "shore"), negatives=("hill",), threshold=0.1)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with library_of(tmp_path / "library", PHOTOS) as opened:
        yield opened


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the library be too large to be in the sample as a whole."""
    monkeypatch.setattr(preview, "_SAMPLE", 500)
    monkeypatch.setattr(preview, "_BEST", 60)


def saved(library: Library, told: Category) -> tuple[list[int], np.ndarray]:
    category = editing.change(library, told) if told.id else editing.add(library, told)
    applying.refresh(library)
    ids, scores = applying.all_scores(library, category.id)
    return ids.tolist(), scores


def assert_hits(shown: Preview, ids: list[int], scores: np.ndarray, limit: int) -> None:
    assert [hit.photo_id for hit in shown.hits] == ids[:limit]
    assert np.allclose([hit.probability for hit in shown.hits], scores[:limit], rtol=1e-4)


def assert_bins(shown: Preview) -> None:
    edges = [(one[0], one[1]) for one in shown.histogram]
    assert edges[0][0] == 0 and edges[-1][1] == 1
    assert all(before[1] == after[0] for before, after in pairwise(edges))


def test_a_small_library_is_counted(library: Library) -> None:
    shown = preview.preview(library, TOLD, limit=30)
    ids, scores = saved(library, TOLD)
    assert_hits(shown, ids, scores, 30)
    assert (shown.count, shown.is_estimate, shown.threshold) == ((scores >= 0.1).sum(), False, 0.1)
    assert shown.count > 0
    assert_bins(shown)
    expected, _ = np.histogram(scores, len(shown.histogram), (0, 1))
    assert [count for *_, count in shown.histogram] == expected.tolist()


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("negatives", [(), ("hill",)])
def test_few_members_of_a_large_library_are_counted(library: Library, negatives: tuple[str, ...]) -> None:
    told = replace(TOLD, negatives=negatives)
    scores = np.sort(saved(library, replace(told, name="the same"))[1])
    few = replace(told, threshold=float(scores[-25]) - 1e-6)
    shown = preview.preview(library, few, limit=20)
    assert (shown.count, shown.is_estimate) == (25, False)
    ids, scores = saved(library, few)
    assert_hits(shown, ids, scores, 20)


@pytest.mark.usefixtures("sampled")
def test_many_members_of_a_large_library_are_estimated(library: Library) -> None:
    scores = np.sort(saved(library, replace(TOLD, name="the same"))[1])
    many = replace(TOLD, threshold=float(scores[PHOTOS // 2]))
    shown = preview.preview(library, many, limit=20)
    assert shown.is_estimate
    assert 0.4 * PHOTOS < shown.count < 0.6 * PHOTOS
    assert_bins(shown)
    assert sum(count for *_, count in shown.histogram) == pytest.approx(PHOTOS, rel=0.02)


def test_the_users_word_counts_in_the_preview(library: Library) -> None:
    ids, _ = saved(library, TOLD)
    category = editing.find(library, "sea").category
    judging.judge(library, category.id, ids[:2], False)
    judging.judge(library, category.id, ids[-2:], True)
    shown = preview.preview(library, replace(category, prompts=("coast",)), limit=PHOTOS)
    assert {hit.photo_id for hit in shown.hits[:2]} == set(ids[-2:])
    assert [hit.probability for hit in shown.hits[:2]] == [1, 1]
    assert not {hit.photo_id for hit in shown.hits} & set(ids[:2])
    expected = saved(library, replace(category, prompts=("coast",)))
    assert_hits(shown, *expected, PHOTOS - 2)
    assert shown.count == len(applying.member_ids(library, category.id)[0])


def test_rivals_of_the_group_take_part(library: Library) -> None:
    editing.add(library, Category(0, "hill", exclusive_group="land"))
    in_group = replace(TOLD, exclusive_group="land")
    shown = preview.preview(library, in_group, limit=10)
    assert_hits(shown, *saved(library, in_group), 10)


def test_new_photos_are_seen_at_once(library: Library) -> None:
    assert sum(count for *_, count in preview.preview(library, TOLD, 1).histogram) == PHOTOS
    fill(library.catalog, clustered_vectors(10, DIM, 8), PHOTOS + 1)
    assert sum(count for *_, count in preview.preview(library, TOLD, 1).histogram) == PHOTOS + 10


def test_typing_leaves_nothing_behind(library: Library) -> None:
    preview.preview(library, TOLD, 10)
    made = sorted(library.folder.glob("classifiers/*"))
    for end in range(1, 4):
        preview.preview(library, replace(TOLD, prompts=("sea"[:end],)), 10)
    assert sorted(library.folder.glob("classifiers/*")) == made
    assert library.catalog.labels.all() == [] and library.catalog.memberships.heads("model-1") == {}
    encoded = library.answering.texts
    preview.preview(library, replace(TOLD, prompts=("sea",), threshold=0.3), 10)
    assert library.answering.texts == encoded


def test_an_empty_library(tmp_path: Path) -> None:
    with library_of(tmp_path / "empty", 0) as library:
        shown = preview.preview(library, TOLD, 10)
    assert (list(shown.hits), shown.count, shown.is_estimate) == ([], 0, False)
