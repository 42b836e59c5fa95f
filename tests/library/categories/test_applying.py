"""From heads to memberships: what belongs, what the user's word does to it, and what is looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clipsearch.errors import CatalogError, ClipsearchError, PackageError
from clipsearch.library.calibration import calibrated
from clipsearch.library.categories import applying, editing, heads, history, judging, updating
from clipsearch.library.library import Library
from clipsearch.records import Action, ApplyCounts, ApplyProgress, Category
from clipsearch.store.tables.history import CategoryEdit
from tests.library.categories.stand import DIM, TEXTS, TextsByLot, library_of, vectors_of
from tests.store.filled import clustered_vectors, fill, remove

PHOTOS = 600


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with library_of(tmp_path / "library", PHOTOS) as opened:
        yield opened


def add(library: Library, name: str, **told: object) -> Category:
    """Add a category that finds something, since texts by lot may lie far from all photos."""
    return editing.add(library, replace(Category(0, name), **{"threshold": 0.01, **told}))


def counts(library: Library, *category_ids: int) -> ApplyCounts:
    steps = applying.apply(library, category_ids or None)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def make_anew(library: Library, category: Category) -> None:
    """Look at all photos again, with the same head."""
    model = library.answering.model_id
    stored = library.catalog.memberships.all(model)[category.id]
    library.catalog.memberships.store(model, DIM, [replace(stored, digest="")])
    assert counts(library, category.id).photos > PHOTOS / 2


def stored_digests(library: Library) -> dict[int, str]:
    return {id_: head.digest for id_, head in library.catalog.memberships.heads(library.answering.model_id).items()}


def test_without_examples_the_order_is_that_of_the_words(library: Library) -> None:
    category = add(library, "sea", prompts=("sea", "shore"), templates="default")
    words = library.answering.encode_texts(["a photo of a sea.", "a photo of a shore."]).mean(axis=0)
    expected = np.argsort(-(vectors_of(PHOTOS).astype(np.float32) @ words), kind="stable") + 1
    ids, scores = applying.all_scores(library, category.id)
    assert ids.tolist() == expected.tolist()
    assert (np.diff(scores) <= 0).all()

    background = library.backgrounds.of(library.answering)
    (head,) = calibrated((words / np.linalg.norm(words))[None], background)
    (made,) = library.catalog.memberships.heads(library.answering.model_id).values()
    assert np.allclose(made.weights[0], head.weights, rtol=1e-5) and made.biases[0] == pytest.approx(head.bias)


def test_members_are_those_that_reach_the_threshold(library: Library) -> None:
    categories = [add(library, f"thing {number}") for number in range(5)]
    assert counts(library).categories == 5
    for category in categories:
        ids, scores = applying.all_scores(library, category.id)
        found, probabilities = applying.member_ids(library, category.id)
        reached = scores >= category.threshold
        assert found.tolist() == ids[reached].tolist()
        assert np.allclose(probabilities, scores[reached], rtol=1e-5)
    assert sum(info.found for info in editing.categories(library)) > 0
    editing.change(library, replace(categories[0], threshold=0.6))
    applying.refresh(library)
    assert (applying.member_ids(library, categories[0].id)[1] >= 0.6).all()


def test_the_users_word_counts_whatever_the_model_says(library: Library) -> None:
    category = add(library, "sea")
    ids, _ = applying.all_scores(library, category.id)
    best, worst = ids[:3].tolist(), ids[-3:].tolist()
    judging.judge(library, category.id, best, False)
    judging.judge(library, category.id, worst, True)
    for _ in range(2):  # before anything is learned, and after
        found, scores = applying.member_ids(library, category.id)
        assert found[:3].tolist() == sorted(worst) and scores[:3].tolist() == [1, 1, 1]
        assert not set(best) & set(found.tolist())
        ordered, scores = applying.all_scores(library, category.id)
        assert set(ordered[:3].tolist()) == set(worst) and scores[:3].tolist() == [1, 1, 1]
        assert set(ordered[-3:].tolist()) == set(best) and scores[-3:].tolist() == [0, 0, 0]
        assert sorted(ordered.tolist()) == list(range(1, PHOTOS + 1))
        applying.refresh(library)
    sources = {member.photo.id: member.source for member in applying.everything(library, category.id)}
    assert {photo_id for photo_id, source in sources.items() if source == "user"} == {*best, *worst}


def test_examples_teach(library: Library) -> None:
    category = add(library, "sea")
    ids, _ = applying.all_scores(library, category.id)
    subject = vectors_of(PHOTOS).astype(np.float32)[ids[200] - 1]
    alike = (np.argsort(-(vectors_of(PHOTOS) @ subject)) + 1).tolist()
    before = {photo_id: place for place, photo_id in enumerate(ids.tolist())}
    judging.judge(library, category.id, alike[:8], True)
    judging.judge(library, category.id, alike[-20:], False)
    after = {photo_id: place for place, photo_id in enumerate(applying.all_scores(library, category.id)[0].tolist())}
    unseen = alike[8:18]
    assert sum(after[one] for one in unseen) < sum(before[one] for one in unseen)
    recognition = editing.find(library, "sea").recognition
    assert recognition is not None
    assert (recognition.put_in, recognition.taken_out) == (8, 20)
    assert recognition.found >= 4 > recognition.mistaken
    editing.change(library, replace(category, threshold=0.999999))
    strict = editing.find(library, "sea").recognition
    assert strict is not None
    assert strict.found < recognition.found


def test_nothing_is_told_of_too_few_examples(library: Library) -> None:
    category = add(library, "sea", exclusive_group="landscape")
    other = add(library, "hill", exclusive_group="landscape")
    judging.judge(library, category.id, [1, 2, 3], True)
    judging.judge(library, other.id, range(10, 15), True)
    applying.refresh(library)
    assert editing.find(library, "sea").recognition is None  # what lies in the other was not taken out by the user
    hill = editing.find(library, "hill").recognition
    assert hill is not None
    assert (hill.put_in, hill.taken_out, hill.mistaken) == (5, 0, 0)


def test_only_what_has_changed_is_looked_at(library: Library) -> None:
    first, second = add(library, "sea"), add(library, "hill")
    assert counts(library).photos == PHOTOS
    encoder = library.answering
    encoded, digests = encoder.texts, stored_digests(library)
    assert counts(library).photos == 0
    judging.judge(library, first.id, [1, 2], True)
    assert counts(library).photos == PHOTOS
    assert encoder.texts == encoded
    assert {id_ for id_, digest in stored_digests(library).items() if digest != digests[id_]} == {first.id}

    fill(library.catalog, clustered_vectors(7, DIM, 6), PHOTOS + 1)
    remove(library.catalog, [3])
    assert counts(library).photos == 7
    for category in (first, second):
        followed = applying.member_ids(library, category.id)
        make_anew(library, category)
        anew = applying.member_ids(library, category.id)
        assert followed[0].tolist() == anew[0].tolist()
        assert np.allclose(followed[1], anew[1], rtol=1e-5)
        assert 3 not in followed[0]


def test_a_journal_that_does_not_reach_back_means_looking_at_all(library: Library) -> None:
    add(library, "sea")
    applying.refresh(library)
    library.catalog.models.set_caught_up("another", 4, True)
    assert counts(library).photos == 0
    library.catalog.embeddings.remove_wrong()  # which notes that any photo may have changed
    assert counts(library).photos == PHOTOS


def found(library: Library, category: Category) -> list[tuple[int, float]]:
    ids, scores = applying.member_ids(library, category.id)
    return list(zip(ids.tolist(), scores.tolist(), strict=True))


def test_the_same_words_find_the_same_whenever_they_are_said(library: Library) -> None:
    first = add(library, "sea", prompts=("shore",))
    applying.refresh(library)
    fill(library.catalog, clustered_vectors(PHOTOS // 3, DIM, 6), PHOTOS + 1)
    second = add(library, "beach", prompts=("shore",))
    applying.refresh(library)
    assert found(library, first) == found(library, second) != []


def test_editing_and_undoing_brings_back_the_same_members(library: Library) -> None:
    category = add(library, "sea")
    judging.judge(library, category.id, [1, 2, 3], True)
    applying.refresh(library)
    fill(library.catalog, clustered_vectors(PHOTOS // 3, DIM, 6), PHOTOS + 1)
    applying.refresh(library)
    before = found(library, category)
    editing.change(library, replace(category, prompts=("hill",)))
    judging.judge(library, category.id, [9], True)
    applying.refresh(library)
    assert found(library, category) != before
    for _ in range(2):
        history.undo(library)
    applying.refresh(library)
    assert found(library, category) == before


def test_a_library_that_has_become_another_is_learned_anew_as_a_whole(library: Library) -> None:
    first, second = add(library, "sea"), add(library, "hill")
    applying.refresh(library)
    digests = stored_digests(library)
    fill(library.catalog, clustered_vectors(PHOTOS, DIM, 6), PHOTOS + 1)
    applying.refresh(library, [first.id])
    assert stored_digests(library) == digests  # none of them before the others
    applying.refresh(library)
    assert all(stored_digests(library)[one.id] != digests[one.id] for one in (first, second))


def test_categories_that_exclude_each_other(library: Library) -> None:
    alone, other = add(library, "sea"), add(library, "hill")
    applying.refresh(library)
    before = dict(zip(*map(np.ndarray.tolist, applying.all_scores(library, alone.id)), strict=True))
    for one in (alone, other):
        editing.change(library, replace(one, exclusive_group="landscape"))
    after = dict(zip(*map(np.ndarray.tolist, applying.all_scores(library, alone.id)), strict=True))
    rival = dict(zip(*map(np.ndarray.tolist, applying.all_scores(library, other.id)), strict=True))
    assert all(after[one] <= before[one] + 1e-6 and after[one] + rival[one] < 1 + 1e-6 for one in before)
    assert after != before

    digest = stored_digests(library)[other.id]
    judging.judge(library, alone.id, [5, 6], True)
    applying.refresh(library, [alone.id])
    assert stored_digests(library)[other.id] != digest  # what lies in one is an example against the other


def test_of_a_group_a_photo_is_in_one_category_only(library: Library) -> None:
    low = [add(library, name, exclusive_group="landscape", threshold=0.05) for name in ("sea", "hill")]
    alone = [add(library, f"the {one.name}", prompts=(one.name,), threshold=0.05) for one in low]
    applying.refresh(library)
    both = [set(applying.member_ids(library, one.id)[0].tolist()) for one in low]
    assert both[0] and both[1]
    assert not both[0] & both[1]
    freely = [set(applying.member_ids(library, one.id)[0].tolist()) for one in alone]
    assert freely[0] & freely[1]
    taken = next(iter(both[0]))
    judging.judge(library, low[1].id, [taken], True)
    applying.refresh(library)
    assert taken not in applying.member_ids(library, low[0].id)[0]


def test_negatives_take_photos_away(library: Library) -> None:
    category = add(library, "sea")
    before = dict(zip(*map(np.ndarray.tolist, applying.all_scores(library, category.id)), strict=True))
    editing.change(library, replace(category, negatives=("hill", "tree")))
    after = dict(zip(*map(np.ndarray.tolist, applying.all_scores(library, category.id)), strict=True))
    assert all(after[one] <= before[one] + 1e-6 for one in before)
    assert after != before


def test_the_inner_belong_to_the_outer(library: Library) -> None:
    outer, inner, innermost = add(library, "animals"), add(library, "birds"), add(library, "owls")
    editing.nest(library, inner.id, outer.id)
    editing.nest(library, innermost.id, inner.id)
    applying.refresh(library)
    own = {one.id: set(applying.member_ids(library, one.id)[0].tolist()) for one in (outer, inner, innermost)}
    assert own[innermost.id] <= own[inner.id] <= own[outer.id]

    strangers = [one for one in range(1, PHOTOS + 1) if one not in own[outer.id]]
    judging.judge(library, innermost.id, strangers[:2], True)
    ids, scores = applying.member_ids(library, outer.id)
    assert ids[:2].tolist() == strangers[:2] and scores[:2].tolist() == [1, 1]
    judging.judge(library, inner.id, strangers[:1], False)
    judging.judge(library, outer.id, strangers[1:2], False)
    assert not set(strangers[:2]) & set(applying.member_ids(library, outer.id)[0].tolist())
    assert strangers[1] in applying.member_ids(library, inner.id)[0]
    assert [(one.name, source) for one, _, source in applying.categories_of(library, strangers[0])] == [
        ("owls", "user")
    ]

    everything = applying.all_scores(library, outer.id)
    assert sorted(everything[0].tolist()) == list(range(1, PHOTOS + 1))
    assert everything[0][-1] == strangers[1]
    info = editing.find(library, "animals")
    assert info.members == len(applying.member_ids(library, outer.id)[0])


def test_categories_nested_deeper_than_allowed_do_no_harm(library: Library) -> None:
    """As another program's catalog may have them: a thousand, each in the one before."""
    names = [CategoryEdit(-number, Category(0, f"{number}", 1 - number or None)) for number in range(1, 1001)]
    outermost, *_, innermost = library.catalog.labels.history.change(Action.IMPORT, "1", names)
    judging.judge(library, innermost, [7], True)
    judging.judge(library, outermost, [8], True)
    ids, _ = applying.member_ids(library, outermost)
    assert set(ids.tolist()) == {7, 8}
    assert editing.find(library, "1").found == 1
    with pytest.raises(ClipsearchError, match="at most 32 categories"):
        editing.add(library, Category(0, "one more", innermost))


def test_a_circle_does_no_harm(library: Library) -> None:
    one, other = add(library, "sea"), add(library, "hill")
    with library.catalog._database.write() as connection:
        connection.exec_driver_sql("UPDATE category SET parent_id = 3 - id")
    applying.refresh(library)
    assert set(applying.member_ids(library, one.id)[0].tolist()) == set(
        applying.member_ids(library, other.id)[0].tolist()
    )
    assert len(applying.all_scores(library, one.id)[0]) == PHOTOS


def test_it_can_be_stopped_and_goes_on(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating, "_AT_ONCE", 100)
    for number in range(3):
        add(library, f"thing {number}")
    with closing(applying.apply(library)) as steps:
        next(steps)
    assert len(stored_digests(library)) == 1
    with closing(applying.apply(library)) as steps:
        looked = [step for step in steps if step.total][:2]
    assert looked == [ApplyProgress(100, PHOTOS), ApplyProgress(200, PHOTOS)]
    assert len(stored_digests(library)) == 3
    applying.refresh(library)
    assert sum(info.found for info in editing.categories(library)) > 0


def test_nothing_is_loaded_without_categories(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads.Truth, "of", lambda *_: pytest.fail("there is nothing to do"))
    assert counts(library) == ApplyCounts(0, 0, 0)


def test_a_damaged_model_hands_over_to_the_next(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    category = add(library, "sea")
    broken = library.answering
    whole = TextsByLot()
    monkeypatch.setattr(broken, "encode_texts", lambda texts: (_ for _ in ()).throw(PackageError("It is damaged.")))
    with pytest.raises(PackageError):
        applying.refresh(library)
    library.choice._installed.encoders["other"] = whole  # type: ignore[attr-defined]
    library.choice._damaged.clear()
    whole.model_id = "other-model"
    assert counts(library).photos == 0
    assert applying.all_scores(library, category.id)[0].tolist() == []
    assert whole.texts > 0


def test_a_library_that_may_only_be_read_is_left_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    category = add(library, "sea")
    monkeypatch.setattr(type(library.catalog._database), "read_only", property(lambda _: True))
    applying.refresh(library)
    assert applying.member_ids(library, category.id)[0].tolist() == []
    assert len(applying.all_scores(library, category.id)[0]) == PHOTOS
    with pytest.raises(CatalogError):
        counts(library)


def test_a_text_is_encoded_once(library: Library, tmp_path: Path) -> None:
    add(library, "sea", prompts=("sea", "shore"), negatives=("hill",))
    applying.refresh(library)
    encoded = library.answering.texts
    category = editing.find(library, "sea").category
    editing.change(library, replace(category, prompts=("shore", "sea")))
    applying.refresh(library)
    assert library.answering.texts == encoded
    assert len(TEXTS) > 0
