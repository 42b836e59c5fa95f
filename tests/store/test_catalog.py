from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clipsearch.records import FoundFile, Problem
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.intake import NewFile, StoredBatch
from clipsearch.store.tables.models import KnownModel

MODEL, DIM = "model-1", 4
NOT_UTF8 = os.fsdecode(b"caf\xe9.jpg")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    yield catalog
    catalog.close()


def new_file(folder_id: int, name: str, content: str = "a", vector: bool = True, mtime_ns: int = 1) -> NewFile:
    found = FoundFile(Path("/photos"), name, 10, mtime_ns)
    vectors = {MODEL: np.full(DIM, len(content) / 2, np.float32)} if vector else {}
    return NewFile(folder_id, found, content, 40, 30, "JPEG", vectors)


def store(catalog: Catalog, *files: NewFile) -> StoredBatch:
    return catalog.store({MODEL: DIM}, files)


def paths(catalog: Catalog) -> list[list[str]]:
    return [[path.as_posix() for path in photo.paths] for photo in catalog.photos.get(catalog.photos.ids())]


def test_a_stored_file_comes_back_as_a_photo(catalog: Catalog, tmp_path: Path) -> None:
    folder = catalog.folders.add(tmp_path)
    (photo_id,) = store(catalog, new_file(folder.id, "sub/a.jpg", mtime_ns=7)).photo_ids
    (photo,) = catalog.photos.get([photo_id])
    assert photo.paths == (tmp_path / "sub/a.jpg",)
    assert (photo.width, photo.height, photo.format, photo.mtime_ns) == (40, 30, "JPEG", 7)


def test_copies_are_one_photo_in_two_places(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    store(catalog, new_file(folder.id, "b.jpg"), new_file(folder.id, "a.jpg"))
    assert paths(catalog) == [["/photos/a.jpg", "/photos/b.jpg"]]


def test_the_newest_file_comes_first(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    files = [new_file(folder.id, name, name, mtime_ns=mtime) for name, mtime in (("old", 1), ("new", 9), ("mid", 5))]
    store(catalog, *files)
    assert paths(catalog) == [["/photos/new"], ["/photos/mid"], ["/photos/old"]]


@pytest.mark.parametrize("name", ["🐶.jpg", "two\nlines.jpg", "'; DROP TABLE file; --.jpg", NOT_UTF8])
def test_any_name_can_be_stored_found_and_forgotten(catalog: Catalog, name: str) -> None:
    folder = catalog.folders.add(Path("/", name))
    assert catalog.folders.all()[0].path == Path("/", name)
    (photo_id,) = store(catalog, new_file(folder.id, name)).photo_ids
    assert catalog.photos.get([photo_id])[0].paths == (Path("/", name, name),)
    catalog.files.store_problem(folder.id, name, 0, 0, "gone bad")
    assert catalog.files.problems() == [Problem(Path("/", name, name), "gone bad")]
    catalog.files.remove(folder.id, [name])
    assert catalog.files.known(folder.id) == {}


def test_thousands_of_names_fit_into_one_question(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    names = [f"{number}.jpg" for number in range(1500)]
    stored = store(catalog, *(new_file(folder.id, name, name) for name in names))
    assert len(catalog.photos.get(stored.photo_ids)) == 1500
    assert sum(len(ids) for ids, _ in catalog.embeddings.of(MODEL, stored.photo_ids)) == 1500
    catalog.files.remove(folder.id, names)
    assert catalog.photos.get(stored.photo_ids) == []


def test_a_problem_ends_with_a_good_file_and_the_reverse(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    catalog.files.store_problem(folder.id, "a.jpg", 1, 1, "bad")
    store(catalog, new_file(folder.id, "a.jpg"))
    assert (catalog.files.problems(), len(catalog.photos.ids())) == ([], 1)
    catalog.files.store_problem(folder.id, "a.jpg", 1, 1, "bad again")
    assert (len(catalog.files.problems()), catalog.photos.ids()) == (1, [])


def test_a_problem_may_be_listed_beside_a_photo_that_stays(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    (photo_id,) = store(catalog, new_file(folder.id, "a.jpg")).photo_ids
    assert not catalog.files.known(folder.id)["a.jpg"].has_problem
    catalog.files.store_problem(folder.id, "a.jpg", 1, 1, "too slow", keep_file=True)
    known = catalog.files.known(folder.id)["a.jpg"]
    assert (known.photo_id, known.has_problem, len(catalog.files.problems())) == (photo_id, True, 1)
    assert catalog.embeddings.searchable_ids(MODEL).tolist() == [photo_id]
    catalog.files.remove(folder.id, ["a.jpg"])
    assert (catalog.files.known(folder.id), catalog.files.problems()) == ({}, [])


def test_a_photo_whose_files_are_gone_keeps_its_vector_for_a_return(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    (before,) = store(catalog, new_file(folder.id, "a.jpg")).photo_ids
    catalog.files.remove(folder.id, ["a.jpg"])
    assert catalog.embeddings.searchable_ids(MODEL).tolist() == []
    assert catalog.embeddings.known(MODEL, ["a", "b"]) == {"a"}
    assert store(catalog, new_file(folder.id, "elsewhere.jpg", vector=False)).photo_ids == [before]
    assert catalog.embeddings.searchable_ids(MODEL).tolist() == [before]


def test_vectors_belong_to_their_model(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    (photo_id,) = store(catalog, new_file(folder.id, "a.jpg")).photo_ids
    assert catalog.embeddings.lacking("model-2") == {photo_id}
    assert catalog.embeddings.lacking(MODEL) == set()
    assert list(catalog.embeddings.of("model-2", [photo_id])) == []
    ((ids, data),) = catalog.embeddings.of(MODEL, [photo_id, 99])
    assert (ids, data.dtype, data.tolist()) == ([photo_id], np.float16, [[0.5] * DIM])


def test_counts_tell_photos_from_files(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    store(catalog, new_file(folder.id, "a"), new_file(folder.id, "copy"), new_file(folder.id, "b", "b", vector=False))
    catalog.files.store_problem(folder.id, "bad", 0, 0, "bad")
    counts = catalog.counts(MODEL)
    assert (counts.photos, counts.files, counts.embedded, counts.problems) == (2, 3, 1, 1)


def test_a_stored_batch_names_the_photos_it_replaced_for_good(catalog: Catalog) -> None:
    folder, other = catalog.folders.add(Path("/photos")), catalog.folders.add(Path("/other"))
    old = store(catalog, new_file(folder.id, "a"), new_file(folder.id, "b", "b"), new_file(other.id, "b", "c"))
    assert old.lost_ids == []
    assert store(catalog, new_file(folder.id, "a"), new_file(folder.id, "copy of a")).lost_ids == []
    assert store(catalog, new_file(folder.id, "a", "new")).lost_ids == []
    assert store(catalog, new_file(folder.id, "b", "new"), new_file(folder.id, "copy of a", "new")).lost_ids == sorted(
        old.photo_ids[:2]
    )


def test_every_change_of_what_is_searchable_moves_the_generation(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    seen = [catalog.changes.generation()]
    seen.append(store(catalog, new_file(folder.id, "a"), new_file(folder.id, "b")).generation)
    catalog.files.store_problem(folder.id, "a", 0, 0, "bad")
    seen.append(catalog.changes.generation())
    catalog.files.remove(folder.id, ["b"])
    seen.append(catalog.changes.generation())
    catalog.folders.remove(folder.id)
    seen.append(catalog.changes.generation())
    assert seen == sorted(set(seen))


def test_a_folder_within_a_known_one_is_the_known_one(catalog: Catalog) -> None:
    outer = catalog.folders.add(Path("/photos"))
    assert catalog.folders.add(Path("/photos/2024/summer")) == outer
    assert catalog.folders.add(Path("/photos 2")).id != outer.id


@pytest.mark.parametrize("name", ["a.jpg", NOT_UTF8])
def test_a_folder_takes_in_those_within_it(catalog: Catalog, name: str) -> None:
    inner = catalog.folders.add(Path("/photos/2024/summer"))
    apart = catalog.folders.add(Path("/photos 2"))
    store(catalog, new_file(inner.id, name), new_file(apart.id, "b.jpg", "bb"))
    catalog.files.store_problem(inner.id, "", 0, -1, "closed")
    outer = catalog.folders.add(Path("/photos"))
    assert [folder.path.as_posix() for folder in catalog.folders.all()] == ["/photos", "/photos 2"]
    assert set(catalog.files.known(outer.id)) == {f"2024/summer/{name}", "2024/summer"}
    assert sorted(paths(catalog)) == [["/photos 2/b.jpg"], [f"/photos/2024/summer/{name}"]]


def test_removing_a_folder_forgets_its_files_and_problems(catalog: Catalog) -> None:
    one, two = catalog.folders.add(Path("/one")), catalog.folders.add(Path("/two"))
    store(catalog, new_file(one.id, "a.jpg"), new_file(two.id, "copy.jpg"))
    catalog.files.store_problem(one.id, "bad.jpg", 0, 0, "bad")
    catalog.folders.remove(one.id)
    assert paths(catalog) == [["/two/copy.jpg"]]
    assert catalog.files.problems() == []


def test_a_vector_of_the_wrong_length_is_told_passed_over_and_removed(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    ids = store(catalog, new_file(folder.id, "a"), new_file(folder.id, "b", "b")).photo_ids
    with catalog._database.write() as connection:
        connection.exec_driver_sql("UPDATE vector SET data = substr(data, 1, 3) WHERE photo_id = ?", (ids[0],))
    assert catalog.integrity() == ["1 vector of model-1 is damaged."]
    assert [found for found, _ in catalog.embeddings.of(MODEL, ids)] == [[ids[1]]]
    assert catalog.embeddings.remove_wrong() == 1
    assert catalog.integrity() == []
    assert catalog.embeddings.lacking(MODEL) == {ids[0]}


def test_threads_may_write_and_read_at_once(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))

    def work(number: int) -> int:
        store(catalog, new_file(folder.id, str(number), str(number)))
        return len(catalog.photos.ids())

    with ThreadPoolExecutor(8) as threads:
        assert max(threads.map(work, range(40))) == 40


# The choice of model


def test_the_choice_of_model_is_kept_and_seen_by_the_generation(catalog: Catalog, tmp_path: Path) -> None:
    assert catalog.models.chosen() is None
    before = catalog.changes.generation()
    for name in ("one", "another"):
        catalog.models.choose(name)
    again = Catalog(tmp_path / "catalog.sqlite")
    assert again.models.chosen() == "another"
    assert again.changes.generation() > before
    again.close()


def test_models_that_caught_up_come_first_the_latest_at_the_top(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    store(catalog, new_file(folder.id, "a"))
    for model in ("model-2", "model-3"):
        catalog.models.set_caught_up(model, 6, True)
    before = catalog.changes.generation()
    catalog.models.set_caught_up("model-2", 6, True)
    assert catalog.changes.generation() > before
    assert catalog.models.known() == [
        KnownModel("model-2", 6, True),
        KnownModel("model-3", 6, True),
        KnownModel(MODEL, DIM, False),
    ]
    catalog.models.set_caught_up("model-2", 6, False)
    assert [model.name for model in catalog.models.known() if model.caught_up] == ["model-3"]


def test_a_batch_holds_vectors_of_several_models(catalog: Catalog) -> None:
    folder = catalog.folders.add(Path("/photos"))
    both = replace(
        new_file(folder.id, "a"),
        vectors={MODEL: np.eye(DIM, dtype=np.float32)[0], "big": np.eye(7, dtype=np.float32)[0]},
    )
    photo_ids = catalog.store({MODEL: DIM, "big": 7}, [both, new_file(folder.id, "b", "b")]).photo_ids
    assert catalog.embeddings.searchable_ids("big").tolist() == photo_ids[:1]
    assert catalog.embeddings.searchable_ids(MODEL).tolist() == photo_ids
    assert (catalog.embeddings.count("big"), catalog.embeddings.count(MODEL), catalog.embeddings.count("none")) == (
        1,
        2,
        0,
    )
    assert catalog.integrity() == []


def test_photos_without_vector_may_be_asked_for_some_folders(catalog: Catalog) -> None:
    here, there = catalog.folders.add(Path("/here")), catalog.folders.add(Path("/there"))
    one, two = store(catalog, new_file(here.id, "a", "a", False), new_file(there.id, "b", "b", False)).photo_ids
    assert catalog.embeddings.lacking(MODEL) == {one, two}
    assert catalog.embeddings.lacking(MODEL, [there.id]) == {two}
    assert catalog.embeddings.lacking(MODEL, []) == set()
