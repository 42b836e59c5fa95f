"""What vanishes at once is held back; what goes one by one is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.files.scan import Place
from clipsearch.library import overview
from clipsearch.library.indexing import comparing, removing
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import verify
from clipsearch.records import FoundFile, IndexCounts
from clipsearch.store.tables.intake import NewFile
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removing, "_MANY_MISSING", 4)


@pytest.fixture
def library(colours: Library, folder: Path, index: Index) -> Library:
    """A library with ten photos, five of them in a subfolder."""
    for number in range(10):
        paint(folder / ("sub" if number % 2 else "") / f"{number}.png", (20 * number, 0, 99))
    index(colours, folder)
    return colours


def delete(folder: Path, count: int) -> None:
    for path in sorted(folder.rglob("*.png"))[:count]:
        path.unlink()


def test_a_few_are_taken_as_deleted(library: Library, folder: Path, index: Index) -> None:
    delete(folder, 3)
    assert index(library) == IndexCounts(removed=3, unchanged=7)


def test_many_at_once_stay_until_that_is_confirmed(library: Library, folder: Path, index: Index) -> None:
    delete(folder, 4)
    for _ in range(2):
        assert index(library) == IndexCounts(unchanged=6, problems=1)
    assert overview.status(library).files == 10
    assert len(search_text(library, "blue")) == 10
    (problem,) = overview.problems(library)
    assert problem.path == folder
    assert "4 of 10 photos are missing" in problem.reason
    assert index(library, folder, removals_confirmed=True) == IndexCounts(removed=4, unchanged=6)
    assert overview.problems(library) == []
    assert verify(library).ok


def test_verify_confirms_it_too(library: Library, folder: Path, index: Index) -> None:
    delete(folder, 4)
    index(library)
    assert verify(library, repair=True).ok
    assert index(library) == IndexCounts(unchanged=6)
    assert overview.problems(library) == []


def test_what_comes_back_is_no_problem_any_more(library: Library, folder: Path, index: Index) -> None:
    (folder / "sub").rename(folder.parent / "away")
    assert index(library).problems == 1
    (folder.parent / "away").rename(folder / "sub")
    assert index(library) == IndexCounts(unchanged=10)
    assert overview.problems(library) == []


def test_what_only_moved_is_not_missing(library: Library, folder: Path, index: Index) -> None:
    (folder / "sub").rename(folder / "elsewhere")
    assert index(library) == IndexCounts(moved=5, unchanged=5)
    assert overview.problems(library) == []


def test_what_moved_to_another_folder_is_not_missing(
    library: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    (tmp_path / "other").mkdir()
    (folder / "sub").rename(tmp_path / "other" / "sub")
    assert index(library, folder, tmp_path / "other") == IndexCounts(moved=5, unchanged=5)


def test_a_run_at_some_places_removes_nothing_elsewhere(library: Library, folder: Path) -> None:
    (folder / "0.png").unlink()
    (folder / "sub" / "1.png").unlink()
    paint(folder / "sub" / "deep" / "new.png", "white")

    def run(*places: Place) -> IndexCounts:
        return list(index_folders(library, places={folder: places}))[-1].counts

    assert run(Place("sub", deep=False)) == IndexCounts(removed=1, unchanged=4)
    assert run(Place("", deep=False)) == IndexCounts(removed=1, unchanged=4)
    assert run(Place("sub")) == IndexCounts(added=1, unchanged=4)
    (folder / "sub" / "deep" / "new.png").unlink()
    (folder / "sub" / "deep").rmdir()
    assert run(Place("sub/deep")) == IndexCounts(removed=1)
    assert list(index_folders(library))[-1].counts == IndexCounts(unchanged=8)


def test_videos_are_not_gone_because_the_extra_for_them_is(
    library: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = NewFile(1, FoundFile(folder, "film.mp4", 9, 9), "film", 1, 1, "MP4", {})
    library.catalog.store({}, [film])
    monkeypatch.setattr(comparing, "can_read_videos", lambda: False)
    assert index(library) == IndexCounts(unchanged=10)
    monkeypatch.setattr(comparing, "can_read_videos", lambda: True)
    assert index(library) == IndexCounts(removed=1, unchanged=10)


def test_the_last_photos_of_a_small_folder_may_go(colours: Library, folder: Path, index: Index) -> None:
    for number in range(3):
        paint(folder / f"{number}.png", (number, 0, 0))
    index(colours, folder)
    delete(folder, 3)
    assert index(colours) == IndexCounts(removed=3)


def test_what_is_to_be_passed_over_from_now_on_is_not_missing(library: Library, folder: Path, index: Index) -> None:
    (folder / ".clipsearchignore").write_text("sub/\n")
    assert index(library) == IndexCounts(removed=5, unchanged=5)
    (folder / ".clipsearchignore").write_text("*\n")
    assert index(library) == IndexCounts(removed=5)
    assert overview.problems(library) == []
