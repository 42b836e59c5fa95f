"""Keywords of other programs as categories."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.files.xmp.merging import new
from clipsearch.files.xmp.packet import Keywords
from clipsearch.library.categories import editing, history, judging
from clipsearch.library.categories.exchange import folders
from clipsearch.library.categories.exchange.importing import import_keywords, survey
from clipsearch.library.categories.exchange.reading import paths_of
from clipsearch.library.categories.exchange.sidecars import write_xmp
from clipsearch.library.library import Library
from clipsearch.records import Action, Category, FoundKeyword, KeywordSurvey
from tests.conftest import Index
from tests.library.categories.exchange.conftest import finished, id_of
from tests.pictures import paint

TAGGED = Path(__file__).parents[3] / "files" / "tagged"


def found(library: Library) -> dict[str, int]:
    return {keyword.name: keyword.photos for keyword in finished(survey(library)).keywords}


@pytest.fixture
def tagged(colours: Library, folder: Path, index: Index) -> Library:
    """Photos with keywords in their files, and one with a sidecar."""
    for name in ("xmp.jpg", "iptc.jpg", "xp.jpg", "latin.jpg"):
        shutil.copy(TAGGED / name, folder / name)
    paint(folder / "plain.png", "red")
    (folder / "plain.png.xmp").write_bytes(new(Keywords(("birds", "Rome"), ("Places|Italy|Rome",))))
    index(colours, folder)
    return colours


def names_in(library: Library, name: str) -> set[str]:
    judged = library.catalog.labels.judgements(id_of(library, name))
    photos = library.catalog.photos.get([photo_id for photo_id, put_in in judged.items() if put_in])
    return {photo.path.name for photo in photos}


def test_keywords_are_found_wherever_they_are(tagged: Library) -> None:
    survey_ = finished(survey(tagged))
    assert survey_.problems == ()
    assert {keyword.name: keyword.photos for keyword in survey_.keywords} == {
        "Übung": 4,
        "Birds": 3,
        "Animals|Birds": 1,
        "Places|Italy|Rome": 1,
    }
    assert survey_.keywords[0].name == "Übung"


def test_keywords_become_categories_in_one_step(tagged: Library) -> None:
    report = import_keywords(tagged, finished(survey(tagged)).keywords)
    assert set(report.categories) == {"Animals", "Birds", "Places", "Italy", "Rome", "Übung"}
    assert (report.photos, report.kept) == (5, 0)
    known = {one.id: one for one in tagged.catalog.labels.all()}
    parents = {one.name: known[one.parent_id].name if one.parent_id else None for one in known.values()}
    assert parents == {
        "Animals": None,
        "Birds": "Animals",
        "Places": None,
        "Italy": "Places",
        "Rome": "Italy",
        "Übung": None,
    }
    assert names_in(tagged, "Birds") == {"xmp.jpg", "iptc.jpg", "xp.jpg", "plain.png"}
    assert names_in(tagged, "Rome") == {"plain.png"}
    assert names_in(tagged, "Italy") == set()
    step = history.undo(tagged)
    assert step
    assert step.action is Action.IMPORT
    assert tagged.catalog.labels.all() == []
    assert history.undo(tagged) is None


def test_importing_again_changes_nothing(tagged: Library) -> None:
    keywords = finished(survey(tagged)).keywords
    import_keywords(tagged, keywords)
    before = tagged.catalog.labels.all(), tagged.catalog.labels.all_judgements()
    again = import_keywords(tagged, keywords)
    assert (again.categories, again.photos, again.judgements, again.kept) == ((), 0, 0, 0)
    assert (tagged.catalog.labels.all(), tagged.catalog.labels.all_judgements()) == before


def test_the_users_word_stands(tagged: Library, folder: Path) -> None:
    editing.add(tagged, "BIRDS")
    judging.reject(tagged, "Birds", [folder / "iptc.jpg"])
    report = import_keywords(tagged, finished(survey(tagged)).keywords)
    assert report.kept == 1
    assert "Birds" not in report.categories
    assert names_in(tagged, "Birds") == {"xmp.jpg", "xp.jpg", "plain.png"}


def test_one_name_in_two_places_is_two_categories(colours: Library, folder: Path, index: Index) -> None:
    for number, name in enumerate(("Places|Turkey", "Food|Turkey", "Turkey"), 1):
        paint(folder / f"{number}.png", (number * 80, 0, 0))
        (folder / f"{number}.png.xmp").write_bytes(new(Keywords((), (name,))))
    index(colours, folder)
    keywords = finished(survey(colours)).keywords
    for _ in range(2):
        import_keywords(colours, keywords)
        names = {one.name for one in colours.catalog.labels.all()}
        assert names == {"Places", "Food", "Turkey", "Turkey (Places)"}
    assert names_in(colours, "Turkey") == {"2.png", "3.png"}
    assert names_in(colours, "Turkey (Places)") == {"1.png"}


def test_a_category_stays_where_the_user_has_put_it(tagged: Library) -> None:
    outer = editing.add(tagged, "Wings")
    editing.add(tagged, Category(0, "Übung", outer.id))
    editing.add(tagged, "Birds")
    import_keywords(tagged, finished(survey(tagged)).keywords)
    parents = {one.name: one.parent_id for one in tagged.catalog.labels.all()}
    assert (parents["Übung"], parents["Birds"]) == (outer.id, None)
    assert "Animals" not in parents  # around a category that stays where it is there is nothing to make
    assert len(names_in(tagged, "Birds")) == 4


def test_what_this_program_wrote_is_not_the_users_keyword(animals: Library, folder: Path) -> None:
    finished(write_xmp(animals))
    (folder / "a/three.png.xmp").write_bytes(new(Keywords(("Mine",))))
    assert found(animals) == {"Mine": 1}


def test_sidecars_bring_back_what_a_lost_library_knew(animals: Library, folder: Path, index: Index) -> None:
    editing.add(animals, "this|that")
    judging.assign(animals, "this|that", [folder / "a/three.png"])
    finished(write_xmp(animals))
    (folder / "a/three.png").with_suffix(".xmp").write_bytes(new(Keywords(("Mine",))))
    for name in ("Animals", "Birds"):
        editing.remove(animals, name)  # as a new library would not know them
    survey_ = finished(survey(animals))
    assert {(keyword.name, keyword.photos, keyword.own) for keyword in survey_.keywords} == {
        ("Animals|Birds", 2, True),
        ("Animals", 1, True),
        ("Mine", 1, False),
    }
    import_keywords(animals, [keyword for keyword in survey_.keywords if keyword.own])
    known = {one.name: one for one in animals.catalog.labels.all()}
    assert known.keys() == {"Animals", "Birds", "this|that"}
    assert known["Birds"].parent_id == known["Animals"].id
    assert names_in(animals, "Birds") == {"one.png"}
    assert found(animals) == {"Mine": 1}
    editing.remove(animals, "this|that")
    import_keywords(animals, finished(survey(animals)).keywords)
    assert names_in(animals, "this/that") == names_in(animals, "Mine") == {"three.png"}


def test_a_keyword_that_is_not_only_ours_is_told_once(animals: Library, folder: Path) -> None:
    finished(write_xmp(animals))
    sidecar = folder / "a/one.png.xmp"
    sidecar.with_suffix("").with_suffix(".xmp").write_bytes(new(Keywords((), ("Animals|Birds",))))
    for name in ("Animals", "Birds"):
        editing.remove(animals, name)
    told = {(keyword.name, keyword.photos, keyword.own) for keyword in finished(survey(animals)).keywords}
    assert told == {("Animals|Birds", 1, False), ("Animals|Birds", 1, True), ("Animals", 1, True)}


def test_new_categories_look_for_what_their_names_suggest(colours: Library) -> None:
    editing.add(colours, "Cats")
    keywords = [FoundKeyword(("Food", "Turkeys & geese"), ()), FoundKeyword(("Cats",), ()), FoundKeyword(("x",), ())]
    keywords += [FoundKeyword(("Places", "Turkeys & geese"), ())]
    import_keywords(colours, keywords)
    prompts = {one.name: one.prompts for one in colours.catalog.labels.all()}
    assert prompts["Cats"] == ()
    assert prompts["x"] == ("x",)
    assert prompts["Turkeys & geese"] == prompts["Turkeys & geese (Places)"]
    assert {"turkeys", "turkey", "geese"} <= set(prompts["Turkeys & geese"])


def test_bad_files_and_those_out_of_reach_are_told(tagged: Library, folder: Path) -> None:
    (folder / "iptc.jpg").write_bytes(b"rubbish")
    (folder / "plain.png.xmp").write_bytes(b"<broken")
    (folder / "xp.jpg").unlink()
    result: KeywordSurvey = finished(survey(tagged))
    assert {problem.path.name for problem in result.problems} == {"iptc.jpg", "plain.png.xmp", "xp.jpg"}
    assert found(tagged) == {"Übung": 2, "Animals|Birds": 1}
    folder.rename(folder.with_name("away"))
    result = finished(survey(tagged))
    assert {problem.reason for problem in result.problems} == {folders.AWAY}
    assert (len(result.problems), result.keywords) == (5, ())


def test_it_stops_between_photos(tagged: Library) -> None:
    with closing(survey(tagged)) as run:
        step = next(run)
    assert (step.done, step.total) == (1, 5)


@pytest.mark.parametrize(
    ("flat", "nested", "paths"),
    [
        (("Birds", "Animals", "Sea"), ("Animals|Birds",), [("Animals", "Birds"), ("Sea",)]),
        (("a|b",), (), [("a", "b")]),
        (("birds", "BIRDS"), (), [("birds",)]),
        (("||", " \t ", "\0"), ("|a||b|",), [("a", "b")]),
        (("two\nlines  here",), (), [("two lines here",)]),
        (("n" * 200,), (), [("n" * 100,)]),
        (("e\u0301",), (), [("\u00e9",)]),
    ],
)
def test_keywords_become_paths(flat: tuple[str, ...], nested: tuple[str, ...], paths: list[tuple[str, ...]]) -> None:
    assert paths_of([Keywords(flat, nested)]) == paths


def test_nothing_is_nested_too_deep(colours: Library) -> None:
    deep = paths_of([Keywords((), ("|".join(f"k{level}" for level in range(50)),))])
    assert [len(path) for path in deep] == [32]
    outer = editing.add(colours, "outer")
    editing.add(colours, Category(0, "k0", outer.id))
    with pytest.raises(ClipsearchError, match="32"):
        import_keywords(colours, [FoundKeyword(tuple(f"k{level}" for level in range(33)), ())])
    assert len(colours.catalog.labels.all()) == 2


def test_names_are_made_to_fit(colours: Library) -> None:
    long = "n" * 100
    report = import_keywords(colours, [FoundKeyword((long, long, "x"), ()), FoundKeyword(("y", long), ())])
    assert all(len(name) <= 100 for name in report.categories)
    for name in report.categories:
        assert editing.find(colours, name).name == name
