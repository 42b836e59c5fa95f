from __future__ import annotations

from dataclasses import replace

import pytest

from clipsearch.store.catalog import Catalog
from tests.store.rows import MODEL, new_file

NOON = "2024-05-01T12:00:00"


def test_judgements_are_kept_and_the_last_one_counts(filled: Catalog) -> None:
    photos = filled.store({MODEL: 4}, [new_file("a.jpg"), new_file("b.jpg")]).photo_ids
    dogs = filled.labels.add("Dogs")
    assert filled.labels.add("dogs") == dogs
    filled.labels.judge(dogs, photos, is_member=True)
    filled.labels.judge(dogs, photos[:1], is_member=False)
    filled.labels.judge(dogs, [], is_member=False)
    assert filled.labels.judgements(dogs) == {photos[0]: False, photos[1]: True}
    assert filled.labels.categories() == {"Dogs": dogs}
    assert filled.labels.counts() == {dogs: (1, 1)}
    filled.files.remove(1, ["b.jpg"])
    assert filled.labels.counts() == {dogs: (0, 1)}
    filled.labels.remove(dogs)
    assert filled.labels.categories() == {}


@pytest.mark.parametrize(
    ("was", "is_now", "kept"),
    [
        (None, None, True),
        (NOON, None, True),
        (None, NOON, True),
        (NOON, NOON, True),
        (NOON, "2025-01-01T00:00:00", False),
    ],
)
def test_an_edited_file_keeps_its_labels_and_another_shot_in_its_place_does_not(
    filled: Catalog, was: str | None, is_now: str | None, kept: bool
) -> None:
    before = filled.store({MODEL: 4}, [replace(new_file("a.jpg"), captured_at=was)]).photo_ids[0]
    dogs = filled.labels.add("dogs")
    filled.labels.judge(dogs, [before], is_member=True)
    edited = replace(new_file("a.jpg", content="edited"), captured_at=is_now)
    after = filled.store({MODEL: 4}, [edited]).photo_ids[0]
    assert filled.labels.judgements(dogs).get(after, False) == kept
    assert filled.labels.judgements(dogs)[before]


def test_photos_that_change_places_keep_their_own_labels(filled: Catalog) -> None:
    one, two = filled.store({MODEL: 4}, [new_file("a.jpg"), new_file("b.jpg")]).photo_ids
    dogs = filled.labels.add("dogs")
    filled.labels.judge(dogs, [one], is_member=True)
    filled.store({MODEL: 4}, [new_file("a.jpg", content="b.jpg"), new_file("b.jpg", content="a.jpg")])
    assert filled.labels.judgements(dogs) == {one: True}
    assert [photo.path.name for photo in filled.photos.get([one, two])] == ["b.jpg", "a.jpg"]


def test_a_photo_that_is_there_as_edited_only_teaches_no_more(filled: Catalog) -> None:
    """One picture in ever new forms is one example; one whose file is away, or gone, still is."""
    first, other = filled.store({MODEL: 4}, [new_file("a.jpg"), new_file("b.jpg")]).photo_ids
    dogs = filled.labels.add("dogs")
    filled.labels.judge(dogs, [first, other], is_member=True)
    (edited,) = filled.store({MODEL: 4}, [new_file("a.jpg", content="edited")]).photo_ids
    assert filled.labels.examples() == {dogs: {other: True, edited: True}}
    filled.files.remove(1, ["a.jpg", "b.jpg"])
    assert filled.labels.examples() == {dogs: {other: True, edited: True}}
    filled.store({MODEL: 4}, [new_file("copy of a.jpg", content="a.jpg")])
    assert filled.labels.examples() == {dogs: {first: True, other: True, edited: True}}


def test_an_edit_that_is_taken_back_lets_the_photo_itself_teach_again(filled: Catalog) -> None:
    (first,) = filled.store({MODEL: 4}, [new_file("a.jpg")]).photo_ids
    dogs = filled.labels.add("dogs")
    filled.labels.judge(dogs, [first], is_member=True)
    for content in ("edited", "a.jpg"):
        filled.store({MODEL: 4}, [new_file("a.jpg", content=content)])
    filled.files.remove(1, ["a.jpg"])
    assert filled.labels.examples() == {dogs: {first: True}}
