"""Which photos belong where, when the user said no to an outer category."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.library.categories import applying, editing, judging
from clipsearch.library.categories.exchange.folders import export
from clipsearch.library.categories.exchange.placement import placed
from clipsearch.library.categories.exchange.sidecars import write_xmp
from clipsearch.library.library import Library
from clipsearch.records import Category
from tests.library.categories.exchange.conftest import find, finished, id_of


def places(library: Library, *names: str, mine: bool = False) -> dict[str, set[str]]:
    """Return the files of each category, by its name with those around it."""
    ids = [id_of(library, name) for name in names] or None
    return {
        group.name: {member.photo.path.stem for member in group.members(library)}
        for group in placed(library, ids, mine=mine)
    }


def shown(library: Library, name: str) -> set[str]:
    return {member.photo.path.stem for member in applying.members(library, id_of(library, name))}


def test_what_is_no_animal_is_no_bird_either(animals: Library, folder: Path, tmp_path: Path) -> None:
    find(animals, "Birds", "three")
    assert "three" in places(animals)["Animals|Birds"]
    judging.reject(animals, "Animals", [folder / "a/three.png"])
    assert "three" not in shown(animals, "Animals")
    assert "three" not in shown(animals, "Birds")
    for found in (places(animals), places(animals, "Animals"), places(animals, "Birds")):
        assert not any("three" in names for names in found.values())
    finished(write_xmp(animals))
    assert not (folder / "a/three.png.xmp").exists()
    finished(export(animals, [id_of(animals, "Animals")], tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("three*"))


def test_two_judgements_that_say_otherwise_both_stand(animals: Library, folder: Path, tmp_path: Path) -> None:
    judging.assign(animals, "Birds", [folder / "a/three.png"])
    judging.reject(animals, "Animals", [folder / "a/three.png"])
    assert "three" in shown(animals, "Birds")
    assert "three" not in shown(animals, "Animals")
    assert places(animals) == {"Animals": {"two"}, "Animals|Birds": {"one"}, "Birds": {"three"}}
    assert places(animals, mine=True) == places(animals)
    assert places(animals, "Animals") == {"Animals": {"two"}, "Animals|Birds": {"one"}}
    assert "three" in places(animals, "Birds")["Birds"]
    finished(export(animals, [id_of(animals, "Birds")], tmp_path / "birds"))
    assert {path.name for path in (tmp_path / "birds" / "Birds").iterdir()} == {"one.png", "one (2).png", "three.png"}
    told = {change.path.name: change.added for change in finished(write_xmp(animals)).changes}
    assert told["three.png.xmp"] == ("Birds",)


@pytest.mark.parametrize(
    ("out_of", "put_into", "expected"),
    [
        ("Animals", None, None),
        ("Birds", None, "Animals"),
        ("Animals", "Gulls", "Birds|Gulls"),
        ("Animals", "Birds", "Birds|Gulls"),
        ("Birds", "Gulls", "Gulls"),
    ],
)
def test_a_photo_stands_below_the_innermost_no(
    out_of: str, put_into: str | None, expected: str | None, animals: Library, folder: Path
) -> None:
    editing.add(animals, Category(0, "Gulls", id_of(animals, "Birds")))
    find(animals, "Gulls", "three")
    judging.reject(animals, out_of, [folder / "a/three.png"])
    if expected == "Animals":
        find(animals, "Animals", "three")
    if put_into:
        judging.assign(animals, put_into, [folder / "a/three.png"])
    assert [name for name, names in places(animals).items() if "three" in names] == ([expected] if expected else [])


def test_a_bar_in_a_name_is_no_nesting(animals: Library, folder: Path) -> None:
    editing.add(animals, "Q|R")
    judging.assign(animals, "Q|R", [folder / "a/three.png"])
    assert places(animals, "Q|R") == {"Q/R": {"three"}}
