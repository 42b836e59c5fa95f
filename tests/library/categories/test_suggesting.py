"""Prompts for a name, and the photos to judge next."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.library.categories import applying, editing, judging, suggesting
from clipsearch.library.library import Library
from tests.library.categories.stand import library_of


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ("birthday party", ["birthday party"]),
        ("Birthday Party 2019", ["Birthday Party"]),
        ("2019-07-14 Beach", ["beach"]),
        ("Cats & dogs", ["cats", "cat", "dogs", "dog"]),
        ("berries, churches and boxes", ["berries", "berry", "churches", "church", "boxes", "box"]),
        ("Glass", ["glass"]),
        ("bus", ["bus"]),
        ("NASA", ["NASA"]),
        ("sandcastle", ["sandcastle"]),
        ("old_trains", ["old trains", "old train"]),
        ("生日", ["生日"]),
        ("2020", ["2020"]),
    ],
)
def test_prompts_for_a_name(colours: Library, name: str, prompts: list[str]) -> None:
    assert suggesting.prompts_for(colours, name) == prompts


def test_the_photos_to_judge_next_are_unsure_and_not_judged(tmp_path: Path) -> None:
    with library_of(tmp_path / "library", 400) as library:
        category = editing.add(library, "sea")
        ids, scores = applying.all_scores(library, category.id)
        first = suggesting.to_judge(library, category.id)
        assert len(first) == len(set(first)) == 10
        place = dict(zip(ids.tolist(), abs(scores - 0.5), strict=True))
        assert sum(place[one] for one in first) / 10 < sum(place.values()) / len(place)

        judging.judge(library, category.id, first[:5], True)
        judging.judge(library, category.id, first[5:], False)
        assert not set(suggesting.to_judge(library, category.id)) & set(first)
        assert len(suggesting.to_judge(library, category.id, 1000)) == 390
        assert suggesting.to_judge(library, 99) == []
