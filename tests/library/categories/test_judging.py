"""The user's judgements, through real index runs: they belong to the photo and outlast what becomes of its files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.files import identity
from clipsearch.library import overview
from clipsearch.library.categories import applying, editing, judging
from clipsearch.library.library import Library
from clipsearch.records import Member
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture
def judged(colours: Library, folder: Path, index: Index) -> Library:
    """A library of four photos: a red and a green one are warm by the user's word, the blue one is not."""
    for colour in ("red", "green", "blue", "white"):
        paint(folder / f"{colour}.png", colour)
    index(colours, folder)
    editing.add(colours, "Warm")
    judging.assign(colours, "warm", [folder / "red.png", folder / "green.png"])
    judging.reject(colours, "WARM", [folder / "blue.png"])
    return colours


def in_warm(library: Library) -> set[str]:
    return {path.name for member in warm_members(library) if member.source == "user" for path in member.photo.paths}


def warm_members(library: Library, limit: int | None = None) -> list[Member]:
    return applying.members(library, editing.find(library, "Warm").category.id, limit)


def test_the_users_word_counts_and_the_last_one_holds(judged: Library, folder: Path) -> None:
    assert [(info.name, info.members, info.rejected) for info in editing.categories(judged)] == [("Warm", 2, 1)]
    members = warm_members(judged)
    assert {member.photo.path.name: (member.score, member.source) for member in members} == {
        "red.png": (1.0, "user"),
        "green.png": (1.0, "user"),
    }
    assert len(warm_members(judged, limit=1)) == 1
    judging.reject(judged, "Warm", [folder / "red.png"])
    assert in_warm(judged) == {"green.png"}


def rename(folder: Path) -> None:
    (folder / "red.png").rename(folder / "other.png")


def move(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "red.png").rename(folder / "sub" / "red.png")


def touch(folder: Path) -> None:
    os.utime(folder / "red.png", (1, 1))


def edit(folder: Path) -> None:
    paint(folder / "red.png", "orange")


def copy(folder: Path) -> None:
    shutil.copy(folder / "red.png", folder / "copy.png")


def replace_by_known(folder: Path) -> None:
    (folder / "white.png").replace(folder / "red.png")


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (rename, {"other.png", "green.png"}),
        (move, {"red.png", "green.png"}),
        (touch, {"red.png", "green.png"}),
        (edit, {"red.png", "green.png"}),
        (copy, {"red.png", "copy.png", "green.png"}),
        (replace_by_known, {"green.png"}),
    ],
)
def test_the_judgement_is_the_photos(
    judged: Library, folder: Path, index: Index, happens: Callable[[Path], None], expected: set[str]
) -> None:
    happens(folder)
    index(judged)
    assert in_warm(judged) == expected
    assert editing.categories(judged)[0].rejected == 1


def test_it_survives_an_edit_of_a_moved_file_and_a_move_of_an_edited_one(
    judged: Library, folder: Path, index: Index
) -> None:
    rename(folder)
    index(judged)
    paint(folder / "other.png", "orange")
    index(judged)
    (folder / "other.png").rename(folder / "third.png")
    index(judged)
    assert in_warm(judged) == {"third.png", "green.png"}


def test_it_survives_a_move_to_another_folder(judged: Library, folder: Path, index: Index, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.move(folder / "red.png", tmp_path / "elsewhere" / "red.png")
    index(judged, tmp_path / "elsewhere")
    index(judged)
    (member,) = [member for member in warm_members(judged) if member.photo.path.name == "red.png"]
    assert member.photo.paths == (tmp_path / "elsewhere" / "red.png",)


def test_it_waits_for_a_file_that_is_removed(judged: Library, folder: Path, index: Index, tmp_path: Path) -> None:
    shutil.move(folder / "red.png", tmp_path / "red.png")
    index(judged)
    assert in_warm(judged) == {"green.png"}
    assert [(info.assigned, info.rejected) for info in editing.categories(judged)] == [(1, 1)]
    shutil.move(tmp_path / "red.png", folder / "back under another name.png")
    index(judged)
    assert in_warm(judged) == {"back under another name.png", "green.png"}


def test_it_waits_for_a_folder_that_is_removed(judged: Library, folder: Path, index: Index) -> None:
    (known,) = overview.folders(judged)
    overview.remove_folder(judged, known.id)
    assert in_warm(judged) == set()
    index(judged, folder)
    assert in_warm(judged) == {"red.png", "green.png"}


def test_it_holds_for_a_file_that_becomes_unreadable_and_is_mended(judged: Library, folder: Path, index: Index) -> None:
    whole = (folder / "red.png").read_bytes()
    (folder / "red.png").write_bytes(whole[:40])
    index(judged)
    assert in_warm(judged) == {"green.png"}
    (folder / "red.png").write_bytes(whole)
    index(judged)
    assert in_warm(judged) == {"red.png", "green.png"}


def test_a_photo_is_known_by_its_content_where_its_place_is_not(
    judged: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copy(folder / "white.png", tmp_path / "copy elsewhere.png")
    judging.assign(judged, "Warm", [copied])
    assert "white.png" in in_warm(judged)
    monkeypatch.chdir(folder)
    judging.reject(judged, "Warm", [Path("white.png"), Path("..", "photos", "green.png")])
    assert in_warm(judged) == {"red.png"}


def test_a_large_file_is_known_by_samples_of_its_content(
    judged: Library, folder: Path, tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "WHOLE_BYTES", 10)
    paint(folder / "large.bmp", "yellow", (400, 300))
    index(judged)
    judging.assign(judged, "Warm", [shutil.copy(folder / "large.bmp", tmp_path / "copy.bmp")])
    assert "large.bmp" in in_warm(judged)


def test_files_that_changed_places_are_known_by_their_content(judged: Library, folder: Path) -> None:
    (folder / "red.png").rename(folder / "away.png")
    (folder / "white.png").rename(folder / "red.png")
    (folder / "away.png").rename(folder / "white.png")
    judging.take_back(judged, "Warm", [folder / "white.png"])  # what is red
    assert in_warm(judged) == {"green.png"}


def test_an_edited_file_that_was_not_indexed_yet_is_known_by_its_place(judged: Library, folder: Path) -> None:
    paint(folder / "red.png", "orange")
    judging.take_back(judged, "Warm", [folder / "red.png"])
    assert in_warm(judged) == {"green.png"}


def test_a_file_that_is_away_is_known_by_its_place(judged: Library, folder: Path) -> None:
    folder.rename(folder.with_name("unplugged"))
    judging.assign(judged, "Warm", [folder / "white.png"])
    assert in_warm(judged) == {"red.png", "green.png", "white.png"}


def test_all_files_are_judged_or_none(judged: Library, folder: Path, tmp_path: Path) -> None:
    stranger = paint(tmp_path / "stranger.png", "pink")
    for path, reason in {
        stranger: "is not in the library, so nothing was changed; `clipsearch index` its folder",
        tmp_path / "nothing.png": "is not there",
        folder: "is a folder",
    }.items():
        with pytest.raises(ClipsearchError, match=reason) as caught:
            judging.assign(judged, "Warm", [folder / "white.png", path])
        assert caught.value.path == path
    assert in_warm(judged) == {"red.png", "green.png"}


def test_files_are_looked_up_together(judged: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(judged.catalog.files, "at", lambda places: asked.append(places) or {})
    copies = [shutil.copy(folder / f"{colour}.png", folder.parent / f"{colour}.png") for colour in ("red", "blue")]
    found = judging.photos_at(judged, [folder / "white.png", *map(Path, copies), folder / "white.png"])
    names = [judged.catalog.photos.get([photo_id])[0].path.name for photo_id in found]
    assert names == ["white.png", "red.png", "blue.png", "white.png"]
    assert len(asked) == 1


def test_what_was_said_is_taken_back(judged: Library, folder: Path) -> None:
    judging.take_back(judged, "Warm", [folder / "red.png", folder / "blue.png"])
    assert in_warm(judged) == {"green.png"}
    assert editing.find(judged, "Warm").rejected == 0


def test_nothing_is_judged_in_a_category_that_is_gone(judged: Library) -> None:
    category = editing.remove(judged, "Warm").category
    with pytest.raises(ClipsearchError, match="This category is gone"):
        judging.judge(judged, category.id, [1], True)


def test_photos_move_in_one_step(judged: Library, folder: Path) -> None:
    warm, cold = editing.find(judged, "Warm").category, editing.add(judged, "Cold")
    (red,) = judging.photos_at(judged, [folder / "red.png"])
    judging.move(judged, warm.id, cold.id, [red])
    judging.move(judged, cold.id, cold.id, [red])
    assert judged.catalog.labels.judgements(cold.id) == {red: True}
    assert judged.catalog.labels.judgements(warm.id)[red] is False
    judged.catalog.labels.history.undo()
    assert judged.catalog.labels.judgements(cold.id) == {}
    assert judged.catalog.labels.judgements(warm.id)[red] is True
