from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clipsearch.library import overview
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import verify
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
    assert gone == f"1 files in {folder} are no longer there, such as red.png."
    assert "1 files" in changed
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


def test_a_folder_that_is_away_is_no_disagreement(library: Library, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    assert verify(library).ok


def test_wrong_vectors_in_the_index_are_found(library: Library, folder: Path, index: Index) -> None:
    faiss_index, ids = library.index_of(library.encoder)._index, library.index_of(library.encoder).ids()
    faiss_index.remove(ids[:1])
    faiss_index.add(ids[:1], np.eye(1, 4))
    assert verify(library).findings == ["The search index of fake-1-p1 has wrong vectors for 1 photos."]
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
        assert "1 vectors of fake-1-p1 are damaged." in verify(again).findings
        assert_mended(again, folder, index)
        assert len(search_text(again, "red")) == 3
