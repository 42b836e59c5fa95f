"""A user's judgement, and what was learned of it, survives whatever happens to photos, models and processes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clipsearch.library.categories import applying, editing, judging
from clipsearch.library.library import Library
from clipsearch.records import Category
from tests.conftest import Index
from tests.fakes import FakeEncoder, FakeInstalled, OtherEncoder, fake_library
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")

SHADES = {
    "red": (250, 20, 20),
    "dark red": (140, 5, 10),
    "pink": (250, 120, 130),
    "blue": (10, 20, 250),
    "navy": (0, 0, 90),
}
SHADES |= {"green": (10, 240, 20), "lime": (120, 250, 90), "grey": (120, 120, 120), "white": (250, 250, 250)}


@pytest.fixture
def library(tmp_path: Path, folder: Path, index: Index) -> Iterator[Library]:
    """Nine photos, and a category "red" in which the user wants navy and not dark red: blue is what belongs there."""
    for name, colour in SHADES.items():
        paint(folder / f"{name}.png", colour)
    installed = FakeInstalled(starter=FakeEncoder(), other=OtherEncoder())
    with fake_library(tmp_path / "library", installed=installed) as opened:
        index(opened, folder)
        editing.add(opened, Category(0, "red"))
        judging.assign(opened, "red", [folder / "navy.png"])
        judging.reject(opened, "red", [folder / "dark red.png"])
        applying.refresh(opened)
        yield opened


def members(library: Library) -> dict[str, str]:
    found = applying.members(library, editing.find(library, "red").category.id)
    return {member.photo.path.stem: member.source for member in found}


def is_obeyed(library: Library, put_in: str = "navy", put_out: str = "dark red") -> bool:
    """Tell whether the photos of these names are where the user wants them, in both views of the category."""
    everything = applying.everything(library, editing.find(library, "red").category.id)
    names = [(member.photo.path.stem, member.source) for member in everything]
    listed = names[0] == (put_in, "user") and names[-1] == (put_out, "user")
    return listed and members(library).get(put_in) == "user" and put_out not in members(library)


def head(library: Library) -> list[float]:
    category_id = editing.find(library, "red").category.id
    stored = library.catalog.memberships.heads(library.answering.model_id)[category_id]
    return [*stored.weights[0].tolist(), *stored.biases.tolist()]


def test_applying_again(library: Library) -> None:
    before = head(library)
    for _ in range(3):
        assert is_obeyed(library)
        applying.refresh(library)
    assert head(library) == before
    library.catalog.memberships.forget([editing.find(library, "red").category.id])
    applying.refresh(library)
    assert is_obeyed(library) and head(library) == before


def test_indexing_again(library: Library, folder: Path, index: Index) -> None:
    before = members(library)
    for path in folder.iterdir():
        path.touch()
    index(library, retry_problems=True)
    assert is_obeyed(library) and members(library) == before


def move(folder: Path) -> tuple[str, str]:
    (folder / "sub").mkdir()
    (folder / "navy.png").rename(folder / "sub" / "night.png")
    (folder / "dark red.png").rename(folder / "sub" / "wine.png")
    return "night", "wine"


def edit(folder: Path) -> tuple[str, str]:
    paint(folder / "navy.png", (5, 10, 100))
    paint(folder / "dark red.png", (255, 0, 0))
    return "navy", "dark red"


def replace_by_copy(folder: Path) -> tuple[str, str]:
    for name in ("navy", "dark red"):
        shutil.copy(folder / f"{name}.png", folder / "copy.png")
        (folder / f"{name}.png").unlink()
        (folder / "copy.png").rename(folder / f"{name}.png")
    return "navy", "dark red"


@pytest.mark.parametrize("happens", [move, edit, replace_by_copy])
def test_what_becomes_of_files(
    library: Library, folder: Path, index: Index, happens: Callable[[Path], tuple[str, str]]
) -> None:
    names = happens(folder)
    index(library)
    assert is_obeyed(library, *names)
    assert applying.apply(library) is not None
    assert list(applying.apply(library)) == []  # the index run has left nothing to do


def test_an_edited_example_teaches_by_its_new_look(library: Library, folder: Path, index: Index) -> None:
    before = head(library)
    edit(folder)
    index(library)
    assert head(library) != before


def test_a_picture_that_is_written_again_and_again_teaches_once(library: Library, folder: Path, index: Index) -> None:
    for blue in (101, 102, 103):
        paint(folder / "navy.png", (5, 10, blue))
        index(library)
    examples = library.catalog.labels.examples()[editing.find(library, "red").category.id]
    assert sorted(examples.values()) == [False, True]
    (folder / "navy.png").unlink()
    index(library)
    category_id = editing.find(library, "red").category.id
    assert library.catalog.labels.examples()[category_id] == examples  # though the file is gone


def test_new_photos_are_put_into_categories_by_the_run_that_indexes_them(
    library: Library, folder: Path, index: Index
) -> None:
    paint(folder / "azure.png", (0, 10, 240), size=(30, 30))
    assert "azure" not in members(library)
    index(library)
    assert members(library)["azure"] == "model"
    (folder / "azure.png").unlink()
    index(library)
    assert "azure" not in members(library)


def test_another_model(library: Library, folder: Path, index: Index) -> None:
    first, before = library.answering, head(library)
    library.choose_model("other")
    paint(folder / "azure.png", (0, 10, 240), size=(30, 30))
    index(library)
    assert library.answering is not first
    assert is_obeyed(library)
    assert members(library)["azure"] == "model"
    assert len(head(library)) != len(before)
    zero_shot = Category(0, "words alone", prompts=("red",))
    words = editing.add(library, zero_shot)
    applying.refresh(library)
    untaught = library.catalog.memberships.heads(library.answering.model_id)[words.id]
    assert head(library)[:-1] != untaught.weights[0].tolist()  # the examples have taught this model, too

    library.choose_model("starter")
    index(library)
    assert library.answering is first and is_obeyed(library)
    assert members(library)["azure"] == "model"


def test_a_failing_model_does_not_fail_the_index_run(
    library: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipsearch.errors import ClipsearchError
    from clipsearch.library.indexing.run import index_folders

    def fail(_: object) -> None:
        raise ClipsearchError("Damaged", "It is damaged.")

    editing.add(library, "blue")
    monkeypatch.setattr(library.answering, "encode_texts", fail)
    paint(folder / "azure.png", (0, 10, 240), size=(30, 30))
    *_, last = index_folders(library)
    assert last.counts.added == 1
    assert last.note == "The categories do not know the new photos: It is damaged."
