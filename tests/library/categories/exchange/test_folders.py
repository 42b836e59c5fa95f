"""Categories as folders of photos."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories import applying, editing, judging
from clipsearch.library.categories.exchange import copying, folders
from clipsearch.library.categories.exchange.folders import export
from clipsearch.library.library import Library
from clipsearch.records import Category, ExportReport
from tests.conftest import Index
from tests.library.categories.exchange.conftest import finished, id_of
from tests.pictures import paint


def exported(library: Library, name: str, target: Path, **options: bool) -> ExportReport:
    return finished(export(library, [id_of(library, name)], target, mine=True, **options))


def files_in(target: Path) -> dict[str, bytes]:
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_nested_categories_are_folders_in_folders(animals: Library, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    report = exported(animals, "Animals", target)
    assert (report.count("copy"), report.problems) == (3, ())
    found = files_in(target)
    assert found.keys() == {"Animals/two.png", "Animals/Birds/one.png", "Animals/Birds/one (2).png"}
    assert {found["Animals/Birds/one.png"], found["Animals/Birds/one (2).png"]} == {
        (folder / "a/one.png").read_bytes(),
        (folder / "b/one.png").read_bytes(),
    }
    assert (target / "Animals/two.png").stat().st_mtime_ns == (folder / "a/two.png").stat().st_mtime_ns


def test_an_inner_category_alone_has_no_folder_around_it(animals: Library, tmp_path: Path) -> None:
    exported(animals, "birds", tmp_path / "out")
    assert files_in(tmp_path / "out").keys() == {"Birds/one.png", "Birds/one (2).png"}


def test_nothing_is_overwritten_and_nothing_copied_twice(animals: Library, tmp_path: Path) -> None:
    target = tmp_path / "out"
    (target / "Animals").mkdir(parents=True)
    (target / "Animals/two.png").write_bytes(b"of the user")
    assert exported(animals, "Animals", target).count("copy") == 3
    before = files_in(target)
    assert before["Animals/two.png"] == b"of the user"
    assert "Animals/two (2).png" in before
    again = exported(animals, "Animals", target)
    assert (again.count("there"), again.count("copy")) == (3, 0)
    assert files_in(target) == before


def test_a_dry_run_tells_the_same_and_writes_nothing(animals: Library, tmp_path: Path) -> None:
    told = exported(animals, "Animals", tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()
    assert told == exported(animals, "Animals", tmp_path / "out")


def test_links_are_other_names_of_the_same_files(animals: Library, folder: Path, tmp_path: Path) -> None:
    report = exported(animals, "Animals", tmp_path / "out", link=True)
    assert report.count("link") == 3
    assert (tmp_path / "out/Animals/two.png").samefile(folder / "a/two.png")
    assert exported(animals, "Animals", tmp_path / "out").count("there") == 3


def test_where_a_disk_knows_no_links_files_are_copied(
    animals: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert exported(animals, "Animals", tmp_path / "out", link=True).count("copy") == 3
    assert len(files_in(tmp_path / "out")) == 3
    assert exported(animals, "Animals", tmp_path / "out", link=True).count("there") == 3


def test_what_lies_beside_a_photo_goes_along_under_its_name(
    colours: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    for place, colour in {"a": "red", "b": "blue"}.items():
        paint(folder / place / "one.jpg", colour)
        (folder / place / "one.CR2").write_bytes(b"raw of " + place.encode())
        (folder / place / "one.xmp").write_bytes(b"sidecar of " + place.encode())
        (folder / place / "one.jpg.xmp").write_bytes(b"other sidecar of " + place.encode())
    index(colours, folder)
    editing.add(colours, "Birds")
    judging.assign(colours, "Birds", [folder / "a/one.jpg", folder / "b/one.jpg"])
    exported(colours, "Birds", tmp_path / "out")
    found = files_in(tmp_path / "out/Birds")
    assert found.keys() == {f"one{n}{end}" for n in ("", " (2)") for end in (".jpg", ".CR2", ".xmp", ".jpg.xmp")}
    for number in ("", " (2)"):
        place = "a" if found[f"one{number}.jpg"] == (folder / "a/one.jpg").read_bytes() else "b"
        assert found[f"one{number}.CR2"] == b"raw of " + place.encode()
        assert found[f"one{number}.xmp"] == b"sidecar of " + place.encode()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Übung 日本", "Übung 日本"),
        ("CON", "_CON"),
        ("a/b:c?", "a_b_c_"),
        ("..", "_"),
        ("trailing. .", "trailing"),
        ("語" * 100, "語" * 66),
    ],
)
def test_names_of_folders_are_harmless_everywhere(animals: Library, tmp_path: Path, name: str, made: str) -> None:
    editing.change(animals, Category(id_of(animals, "Birds"), name))
    exported(animals, name, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made]


def test_two_categories_never_share_a_folder(animals: Library, folder: Path, tmp_path: Path) -> None:
    for name in ("x:y", "x?y"):
        editing.add(animals, name)
        judging.assign(animals, name, [folder / "a/three.png"])
    finished(export(animals, [id_of(animals, "x:y"), id_of(animals, "x?y")], tmp_path / "out"))
    assert files_in(tmp_path / "out").keys() == {"x_y/three.png", "x_y (2)/three.png"}


def test_photos_out_of_reach_are_told(animals: Library, folder: Path, tmp_path: Path) -> None:
    (folder / "a/two.png").unlink()
    report = exported(animals, "Animals", tmp_path / "out")
    assert [(problem.path, problem.reason) for problem in report.problems] == [(folder / "a/two.png", folders.GONE)]
    shutil.rmtree(folder)
    report = exported(animals, "Animals", tmp_path / "other")
    assert {problem.reason for problem in report.problems} == {folders.AWAY}
    assert len(report.problems) == 3


def test_a_copy_elsewhere_stands_in(animals: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    shutil.copy(folder / "a/two.png", folder / "b/copy.png")
    index(animals)
    (folder / "a/two.png").unlink()
    assert exported(animals, "Animals", tmp_path / "out").problems == ()
    assert "Animals/copy.png" in files_in(tmp_path / "out")


def test_a_stopped_export_leaves_whole_files_and_goes_on_later(animals: Library, tmp_path: Path) -> None:
    with closing(export(animals, [id_of(animals, "Animals")], tmp_path / "out", mine=True)) as run:
        next(run)
    assert files_in(tmp_path / "out").keys() == {"Animals/two.png"}
    report = exported(animals, "Animals", tmp_path / "out")
    assert (report.count("there"), report.count("copy")) == (1, 2)


def test_a_copy_that_fails_leaves_nothing(
    animals: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copy2

    def fail(source: Path, target: Path) -> None:
        copy(source, target)
        raise OSError(failure, os.strerror(failure))

    monkeypatch.setattr(copying.shutil, "copy2", fail)
    failure = errno.EIO
    report = exported(animals, "Animals", tmp_path / "out")
    assert len(report.problems) == 3
    assert "cannot be copied to" in report.problems[0].reason
    assert files_in(tmp_path / "out") == {}
    failure = errno.ENOSPC
    with pytest.raises(ClipsearchError, match="no room left"):
        exported(animals, "Animals", tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_told(animals: Library, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(ClipsearchError, match="cannot be used"):
        exported(animals, "Animals", tmp_path / "out")


def test_what_the_model_found_counts_unless_only_mine_is_wanted(
    colours: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    for name in ("red", "blue"):
        paint(folder / f"{name}.png", name)
    index(colours, folder)
    editing.add(colours, Category(0, "red", threshold=1e-6))
    applying.refresh(colours)
    finished(export(colours, [id_of(colours, "red")], tmp_path / "out"))
    assert "red/red.png" in files_in(tmp_path / "out")
    assert exported(colours, "red", tmp_path / "mine").files == ()
