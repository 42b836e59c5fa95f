from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError, UnreadablePhotoError
from clipsearch.library import overview
from clipsearch.library.library import Library
from clipsearch.library.search import search_image, search_photo, search_text, search_texts
from clipsearch.records import Relevance
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture
def library(colours: Library, folder: Path, index: Index) -> Library:
    """A red, an orange, a green and a blue photo."""
    for name, colour in {"red": "red", "orange": (255, 90, 0), "green": "lime", "blue": "blue"}.items():
        paint(folder / f"{name}.png", colour)
    index(colours, folder)
    return colours


def stems(hits: list) -> list[str]:
    return [hit.photo.path.stem for hit in hits]


def test_the_best_comes_first(library: Library) -> None:
    hits = search_text(library, "red")
    assert stems(hits)[:2] == ["red", "orange"]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_the_limit_is_kept(library: Library) -> None:
    assert stems(search_text(library, "blue", 1)) == ["blue"]
    assert search_text(library, "blue", 0) == []


def test_relevance_falls_with_the_score(library: Library) -> None:
    order = list(Relevance)
    relevances = [hit.relevance for hit in search_text(library, "red")]
    assert relevances == sorted(relevances, key=order.index)
    assert relevances[0] != Relevance.WEAK
    assert relevances[-1] == Relevance.WEAK


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_blank_question_is_told(library: Library, text: str) -> None:
    with pytest.raises(ClipsearchError, match="Please type"):
        search_text(library, text)


def test_many_questions_are_answered_as_each_alone(library: Library) -> None:
    queries = ["red", "green", "blue"] * 15
    answers = list(search_texts(library, queries, 2))
    assert [query for query, _ in answers] == queries
    assert all(hits == search_text(library, query, 2) for query, hits in answers[:3])


def test_an_outside_picture_finds_its_like(library: Library, tmp_path: Path) -> None:
    assert stems(search_image(library, paint(tmp_path / "leaf.jpg", (10, 200, 10)), 1)) == ["green"]
    with pytest.raises(UnreadablePhotoError, match="no longer there"):
        search_image(library, tmp_path / "missing.jpg")


def test_a_photo_finds_others_but_not_itself(library: Library, folder: Path) -> None:
    (red,) = [photo.id for photo in overview.photos(library, overview.photo_ids(library)) if photo.path.stem == "red"]
    hits = search_photo(library, red, 2)
    assert stems(hits)[0] == "orange"
    assert [hit.rank for hit in hits] == [1, 2]


def test_a_photo_that_is_not_indexed_is_told(library: Library) -> None:
    with pytest.raises(ClipsearchError, match="not been indexed"):
        search_photo(library, 999)


@pytest.mark.parametrize("background", [True, False])
def test_an_empty_library_has_no_hits(colours: Library, background: bool) -> None:
    if not background:
        colours.encoder.background = colours.encoder.background[:0]
    assert search_text(colours, "red") == []


def test_without_background_the_librarys_own_photos_are_the_measure(
    library: Library, folder: Path, index: Index
) -> None:
    library.encoder.background = library.encoder.background[:0]
    for shade in range(30):
        paint(folder / f"sea{shade}.png", (10, 100 + shade, 250 - 3 * shade))
    index(library, folder)
    hits = search_text(library, "red")
    assert hits[0].relevance != Relevance.WEAK
    assert hits[-1].relevance == Relevance.WEAK


def test_what_another_process_changed_is_seen(library: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    from tests.fakes import fake_library

    search_text(library, "red")
    (folder / "red.png").unlink()
    paint(folder / "sky.png", (0, 0, 200))
    with fake_library(tmp_path / "library") as other:
        index(other)
    assert "red" not in stems(search_text(library, "red"))
    assert "sky" in stems(search_text(library, "blue"))


def test_a_search_may_stay_inside_a_directory(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    paint(folder / "red.png", (255, 0, 0))
    paint(folder / "sub" / "dark.png", (99, 0, 0))
    paint(folder / "sub" / "deep" / "darker.png", (40, 9, 0))
    paint(folder / "sub2" / "other.png", (200, 9, 9))
    index(colours, folder)

    def found(inside: Path) -> set[str]:
        texts = search_text(colours, "red", inside=inside)
        images = search_image(colours, folder / "red.png", inside=inside)
        assert {hit.photo.id for hit in texts} == {hit.photo.id for hit in images}
        return {hit.photo.path.name for hit in texts}

    assert found(folder / "sub") == {"dark.png", "darker.png"}
    assert found(folder / "sub" / "deep") == {"darker.png"}
    assert len(found(folder)) == 4
    assert found(folder / "nothing here") == set()
    with pytest.raises(ClipsearchError, match="No folder that you added"):
        search_text(colours, "red", inside=tmp_path / "elsewhere")
