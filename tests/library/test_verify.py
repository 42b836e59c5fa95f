from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from clipsearch.errors import DamagedCatalogError, LibraryBusyError
from clipsearch.library import overview, upkeep
from clipsearch.library.indexing.lock import indexing_lock
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import repair, verify
from clipsearch.records import Verification
from tests.conftest import Index
from tests.fakes import fake_library
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture
def library(colours: Library, folder: Path, index: Index) -> Library:
    for colour in ("red", "lime", "blue"):
        paint(folder / f"{colour}.png", colour)
    index(colours, folder)
    return colours


def assert_mended(library: Library, folder: Path, index: Index) -> None:
    outcome = verify(library, repair=True)
    assert outcome.ok, outcome.findings
    assert outcome.repaired
    index(library, folder)
    status = overview.status(library)
    assert (status.photos, status.pending) == (status.embedded, 0)
    assert verify(library).ok


def test_a_sound_library_agrees(library: Library) -> None:
    outcome = verify(library, repair=True)
    assert (outcome.findings, outcome.repaired) == ([], ())


def test_files_gone_and_changed_are_named(library: Library, folder: Path, index: Index) -> None:
    (folder / "red.png").unlink()
    paint(folder / "blue.png", "navy", (99, 99))
    gone, changed = verify(library).findings
    assert gone == f"1 file in {folder} is no longer there, such as red.png."
    assert "1 file in" in changed
    assert "blue.png" in changed
    assert_mended(library, folder, index)
    assert overview.status(library).photos == 2


def test_files_whose_folder_became_a_file_are_gone(library: Library, folder: Path, index: Index) -> None:
    path = paint(folder / "sub" / "a.png", "white")
    index(library)
    path.unlink()
    (folder / "sub").rmdir()
    (folder / "sub").touch()
    assert "no longer there" in verify(library).findings[0]


def test_a_file_to_be_read_again_that_is_gone_is_named_and_forgotten(
    library: Library, folder: Path, index: Index
) -> None:
    paint(folder / "blue.png", "navy", (99, 99))
    paint(folder / "red.png", "navy", (98, 98))
    assert verify(library, repair=True).ok  # both wait for the next indexing run
    (folder / "red.png").unlink()
    assert verify(library).findings == [f"1 file in {folder} is no longer there, such as red.png."]
    assert_mended(library, folder, index)
    assert overview.status(library).photos == 2


def test_a_repair_answers_the_question_whether_many_files_are_gone(
    library: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    for number in range(9):
        paint(folder / f"{number}.png", (20 * number, 0, 99))
    index(library)
    for path in list(folder.iterdir()):
        path.rename(tmp_path / path.name)
    assert index(library).problems == 1
    assert [problem.path for problem in library.catalog.files.problems()] == [folder]
    assert verify(library, repair=True).repaired[0] == f"Forgot 12 files in {folder}: no longer there."
    assert library.catalog.files.problems() == []
    assert overview.status(library).photos == 0


def test_a_folder_that_is_away_is_no_disagreement(library: Library, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    assert verify(library).ok


def test_wrong_vectors_in_the_index_are_found(library: Library, folder: Path, index: Index) -> None:
    faiss_index, ids = library.index_of(library.encoder)._index, library.index_of(library.encoder).ids()
    faiss_index.remove(ids[:1])
    faiss_index.add(ids[:1], np.eye(1, 4))
    assert verify(library).findings == ["The search index of fake-1-p1 has wrong vectors for 1 photo."]
    assert_mended(library, folder, index)


def test_photos_missing_in_the_index_are_found(library: Library, folder: Path, index: Index) -> None:
    library.index_of(library.encoder)._index.remove(library.index_of(library.encoder).ids()[:1])
    assert verify(library).findings == ["The search index of fake-1-p1 holds 2 photos, the catalog 3."]
    assert_mended(library, folder, index)


def test_a_damaged_vector_in_the_catalog_is_found_and_made_again(
    library: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    with library.catalog._database.write() as connection:
        connection.exec_driver_sql("UPDATE vector SET data = x'00' WHERE photo_id = 1")
    with fake_library(tmp_path / "library") as again:
        assert "1 vector of fake-1-p1 is damaged." in verify(again).findings
        assert_mended(again, folder, index)
        assert len(search_text(again, "red")) == 3


def test_a_changed_file_keeps_its_labels_through_a_repair(library: Library, folder: Path, index: Index) -> None:
    category = library.catalog.labels.add("Sea")
    (blue,) = [photo.id for photo in overview.photos(library, overview.photo_ids(library)) if "blue" in str(photo.path)]
    library.catalog.labels.judge(category, [blue], True)
    paint(folder / "blue.png", "navy", (99, 99))
    assert_mended(library, folder, index)
    (judged,) = library.catalog.labels.judgements(category).keys() - {blue}
    assert overview.photo(library, judged).path == folder / "blue.png"  # type: ignore[union-attr]


def test_a_flipped_byte_in_a_vector_is_found_and_made_again(
    library: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    with library.catalog._database.write() as connection:
        data = bytearray(connection.exec_driver_sql("SELECT data FROM vector WHERE photo_id = 1").scalar_one())
        data[1] ^= 0x40
        connection.exec_driver_sql("UPDATE vector SET data = ? WHERE photo_id = 1", (bytes(data),))
    with fake_library(tmp_path / "library") as again:
        assert "1 vector of fake-1-p1 is damaged." in verify(again).findings
        assert_mended(again, folder, index)


@pytest.mark.parametrize("damage", ["header", "page", "zero length", "cut", "index"])
def test_a_damaged_catalog_is_repaired_and_completed(
    library: Library, folder: Path, tmp_path: Path, index: Index, damage: str
) -> None:
    library.catalog.labels.judge(library.catalog.labels.add("Sea"), [1], True)
    assert upkeep.back_up(library) == ""
    library.close()
    damage_catalog(tmp_path / "library" / "catalog.sqlite", damage)
    assert damage_is_told(tmp_path / "library")
    outcome = repair(tmp_path / "library", lambda: fake_library(tmp_path / "library"))
    assert outcome.ok
    assert outcome.repaired[0].startswith("The catalog was damaged; it is kept as catalog.damaged-")
    with fake_library(tmp_path / "library") as again:
        assert index(again).problems == 0
        assert verify(again).ok
        status = overview.status(again)
        assert (status.photos, status.embedded, status.pending) == (3, 3, 0)
        assert search_text(again, "blue")[0].photo.path == folder / "blue.png"
        assert list(again.catalog.labels.judgements(again.catalog.labels.categories()["Sea"])) == [1]


def damage_is_told(folder: Path) -> bool:
    try:
        with fake_library(folder) as library:
            return not verify(library).ok
    except DamagedCatalogError as error:
        return "`clipsearch verify --repair`" in error.message


def damage_catalog(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    match damage:
        case "header":
            content[:100] = bytes(100)
        case "page":
            content[8 * 4096 : 9 * 4096] = bytes(4096)
        case "zero length":
            content.clear()
        case "cut":
            del content[9 * 4096 :]
        case "index":
            with closing(sqlite3.connect(path)) as connection:
                name = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_file_photo_id'"
                page = connection.execute(name).fetchone()[0]
            content[page * 4096 - 40 : page * 4096] = bytes(40)
    path.write_bytes(content)


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_lost_catalog_without_a_backup_is_told_and_begun_anew(
    library: Library, folder: Path, tmp_path: Path, index: Index, is_gone: bool
) -> None:
    index_file = library.folder / "index" / "fake-1-p1.faiss"
    assert len(search_text(library, "red")) == 3
    library.close()
    assert index_file.exists()
    catalog = tmp_path / "library" / "catalog.sqlite"
    for file in catalog.parent.glob("catalog.sqlite-*"):
        file.unlink()
    if is_gone:
        catalog.unlink()
    else:
        catalog.write_bytes(b"")
    assert damage_is_told(tmp_path / "library")
    outcome = repair(tmp_path / "library", lambda: fake_library(tmp_path / "library"))
    assert outcome.ok
    assert any("the library is empty now" in sentence for sentence in outcome.repaired)
    (folder / "red.png").unlink()  # so that the numbers of the photos mean others than in the old index
    with fake_library(tmp_path / "library") as again:
        index(again, folder)
        assert overview.status(again).photos == 2
        assert verify(again).ok
        assert search_text(again, "blue")[0].photo.path == folder / "blue.png"


def test_a_repair_waits_for_nobody(library: Library, tmp_path: Path) -> None:
    with indexing_lock(tmp_path / "library", "window"), pytest.raises(LibraryBusyError, match="The window"):
        repair(tmp_path / "library", lambda: fake_library(tmp_path / "library"))


def test_a_sound_library_is_not_rescued(library: Library, tmp_path: Path) -> None:
    assert repair(tmp_path / "library", lambda: fake_library(tmp_path / "library")) == Verification([], [])
    assert not list((tmp_path / "library").glob("catalog.damaged*"))
