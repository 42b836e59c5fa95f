from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.encoder import unit
from clipsearch.records import FoundFile
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.intake import NewFile, StoredBatch
from clipsearch.store.vectors import VectorIndex

MODEL, DIM = "model-1", 8


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.folders.add(Path("/photos"))
    yield catalog
    catalog.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Fotos 🐶" / "model.faiss"


def vectors(numbers: range) -> np.ndarray:
    return unit(np.stack([np.random.default_rng(number).standard_normal(DIM).astype(np.float32) for number in numbers]))


def store(catalog: Catalog, numbers: range) -> StoredBatch:
    files = [
        NewFile(1, FoundFile(Path("/photos"), f"{number}.jpg", 1, 1), str(number), 1, 1, "", {MODEL: vector})
        for number, vector in zip(numbers, vectors(numbers), strict=True)
    ]
    return catalog.store({MODEL: DIM}, files)


def opened(path: Path, catalog: Catalog) -> VectorIndex:
    return VectorIndex(path, catalog, MODEL, DIM)


def assert_follows(index: VectorIndex, catalog: Catalog) -> None:
    assert np.sort(index.ids()).tolist() == catalog.embeddings.searchable_ids(MODEL).tolist()


def test_an_empty_index_finds_nothing(path: Path, catalog: Catalog) -> None:
    ((ids, scores),) = opened(path, catalog).search(vectors(range(1)), 5)
    assert len(ids) == len(scores) == 0
    assert opened(path, catalog).vectors([]).shape == (0, DIM)


def test_search_is_exact_inner_product_best_first(path: Path, catalog: Catalog) -> None:
    numbers = range(200)
    photo_ids = np.array(store(catalog, numbers).photo_ids)
    queries = vectors(range(900, 903))
    answers = opened(path, catalog).search(queries, 10)
    for query, (ids, scores) in zip(queries, answers, strict=True):
        exact = vectors(numbers) @ query
        order = np.argsort(-exact)[:10]
        assert ids.tolist() == photo_ids[order].tolist()
        assert np.allclose(scores, exact[order], atol=2e-3)


def test_no_more_hits_than_photos(path: Path, catalog: Catalog) -> None:
    store(catalog, range(3))
    ((ids, _),) = opened(path, catalog).search(vectors(range(1)), 100)
    assert len(ids) == 3


def test_a_batch_just_stored_is_added_without_asking_for_all(
    path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = opened(path, catalog)
    monkeypatch.setattr(catalog.embeddings, "searchable_ids", lambda _: pytest.fail("asked for all"))
    for start in (0, 5):
        stored = store(catalog, range(start, start + 5))
        index.add(stored)
        index.refresh()
    index.add(stored)
    assert len(index) == 10


def test_a_photo_replaced_by_a_batch_is_found_no_more(path: Path, catalog: Catalog) -> None:
    before = store(catalog, range(3))
    index = opened(path, catalog)
    file = NewFile(1, FoundFile(Path("/photos"), "1.jpg", 2, 2), "edited", 1, 1, "", {MODEL: vectors(range(7, 8))[0]})
    stored = catalog.store({MODEL: DIM}, [file])
    index.add(stored)
    index.refresh()
    assert before.photo_ids[1] not in index.ids()
    assert_follows(index, catalog)


def test_a_batch_another_process_stored_before_is_not_missed(path: Path, catalog: Catalog) -> None:
    index = opened(path, catalog)
    store(catalog, range(5))
    stored = store(catalog, range(5, 10))
    index.add(stored)
    index.refresh()
    assert len(index) == 10


def test_the_index_follows_removals(path: Path, catalog: Catalog) -> None:
    ids = store(catalog, range(5)).photo_ids
    index = opened(path, catalog)
    catalog.files.remove(1, ["0.jpg", "3.jpg"])
    index.refresh()
    assert sorted(index.ids().tolist()) == [ids[1], ids[2], ids[4]]
    with pytest.raises(KeyError):
        index.vectors([ids[0]])


def test_a_saved_index_is_read_again_not_made_again(
    path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = store(catalog, range(5)).photo_ids
    opened(path, catalog).save()
    with monkeypatch.context() as patch:
        patch.setattr(catalog.embeddings, "of", lambda *_: pytest.fail("read from the catalog"))
        again = opened(path, catalog)
    assert again.ids().tolist() == sorted(ids)
    assert len(again.wrong_ids()) == 0


def test_an_outdated_file_is_brought_up_to_date(path: Path, catalog: Catalog) -> None:
    store(catalog, range(5))
    opened(path, catalog).save()
    catalog.files.remove(1, ["2.jpg"])
    store(catalog, range(5, 8))
    assert_follows(opened(path, catalog), catalog)


def flip(content: bytes) -> bytes:
    middle = len(content) - 40
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [flip, lambda content: content[:-9], lambda _: b"", lambda _: b"[]\n", lambda _: b"\xff" * 99, lambda _: b"3\n"],
    ids=["flipped", "cut", "empty", "list", "rubbish", "number"],
)
def test_a_damaged_file_is_made_again(path: Path, catalog: Catalog, damage: Callable[[bytes], bytes]) -> None:
    ids = store(catalog, range(5)).photo_ids
    opened(path, catalog).save()
    path.write_bytes(damage(path.read_bytes()))
    index = opened(path, catalog)
    assert_follows(index, catalog)
    assert np.allclose(index.vectors(ids), vectors(range(5)), atol=2e-3)


def test_a_file_of_another_model_is_not_used(path: Path, catalog: Catalog) -> None:
    store(catalog, range(5))
    opened(path, catalog).save()
    assert len(VectorIndex(path, catalog, "model-2", DIM)) == 0


def test_a_file_of_another_catalog_is_not_used(path: Path, catalog: Catalog, tmp_path: Path) -> None:
    store(catalog, range(5))
    opened(path, catalog).save()
    fresh = Catalog(tmp_path / "fresh.sqlite")
    fresh.folders.add(Path("/photos"))
    ids = store(fresh, range(10, 17)).photo_ids
    assert np.allclose(opened(path, fresh).vectors(ids), vectors(range(10, 17)), atol=2e-3)
    fresh.close()


def test_a_file_newer_than_a_catalog_put_back_is_not_used(path: Path, catalog: Catalog, tmp_path: Path) -> None:
    store(catalog, range(3))
    catalog.close()
    before = (tmp_path / "catalog.sqlite").read_bytes()
    store(catalog, range(3, 9))
    opened(path, catalog).save()
    catalog.close()
    (tmp_path / "catalog.sqlite").write_bytes(before)
    index = opened(path, catalog)
    assert_follows(index, catalog)
    stored = store(catalog, range(20, 22))
    index.add(stored)
    assert np.allclose(index.vectors(stored.photo_ids), vectors(range(20, 22)), atol=2e-3)


def test_saving_leaves_no_scraps(path: Path, catalog: Catalog) -> None:
    store(catalog, range(5))
    opened(path, catalog).save()
    assert list(path.parent.iterdir()) == [path]


def test_an_index_that_cannot_be_written_still_answers(path: Path, catalog: Catalog) -> None:
    path.mkdir(parents=True)
    store(catalog, range(5))
    index = opened(path, catalog)
    index.save()
    assert len(index.search(vectors(range(1)), 5)[0][0]) == 5
    assert list(path.parent.iterdir()) == [path]


def test_an_open_index_follows_a_catalog_that_took_the_place_of_another(
    path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = store(catalog, range(5)).photo_ids
    index = opened(path, catalog)
    generation = catalog.changes.generation()
    monkeypatch.setattr(catalog.changes, "since", lambda _: (generation + (1 << 32), set()))
    monkeypatch.setattr(catalog.changes, "generation", lambda: generation + (1 << 32))
    catalog.files.remove(1, ["0.jpg"])
    index.refresh()
    assert index.ids().tolist() == ids[1:]
