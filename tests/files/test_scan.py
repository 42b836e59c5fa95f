from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.files import rules
from clipsearch.files import scan as scanning
from clipsearch.files.kinds import is_picture
from clipsearch.files.scan import Found, Place, Rules, Vanished, scan
from clipsearch.library.library import Library
from clipsearch.records import FoundFile, Unreadable
from clipsearch.settings import Settings

EVERYTHING = Rules()
needs_posix = pytest.mark.skipif(os.name == "nt", reason="names and files that Windows does not have")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(folder: Path, rules: Rules = EVERYTHING, places: Sequence[Place] = (Place(""),)) -> list[str]:
    return [found.relative_path for found in scan(folder, rules, places)]


def test_pictures_come_by_name_with_those_of_a_folder_before_its_subfolders(folder: Path) -> None:
    touch(folder, "b.png", "a.jpg", "sub/c.webp", "sub/deep/d.tiff", "another/e.gif")
    assert paths(folder) == ["a.jpg", "b.png", "another/e.gif", "sub/c.webp", "sub/deep/d.tiff"]


def test_a_found_file_carries_size_and_time(folder: Path) -> None:
    touch(folder, "sub/a.jpg")
    stat = (folder / "sub/a.jpg").stat()
    assert list(scan(folder)) == [FoundFile(folder, "sub/a.jpg", 1, stat.st_mtime_ns)]


def test_hidden_places_and_other_files_are_passed_over(folder: Path) -> None:
    touch(folder, ".hidden.jpg", ".git/a.jpg", "notes.txt", "jpg", "film.mp4", "ok.jpg")
    assert paths(folder) == ["ok.jpg"]


@pytest.mark.parametrize("name", ["A.JPG", "b.JpEg", "c.tar.png", "d.AVIF"])
def test_a_suffix_counts_in_any_case(name: str) -> None:
    assert is_picture(name)


def test_a_folder_named_like_a_picture_is_a_folder(folder: Path) -> None:
    touch(folder, "album.jpg/a.png")
    assert paths(folder) == ["album.jpg/a.png"]


@needs_posix
@pytest.mark.parametrize("name", ["🐶 in the sun.jpg", "two\nlines.jpg", os.fsdecode(b"caf\xe9.jpg"), "a'%?#&.jpg"])
def test_any_name_is_found(folder: Path, name: str) -> None:
    touch(folder, name)
    assert paths(folder) == [name]


@needs_posix
def test_where_directories_cannot_be_open_the_same_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(folder, "a.jpg", "sub/b.jpg", "sub/deep/c.jpg")
    (folder / "link.jpg").symlink_to("a.jpg")
    found = list(scan(folder))
    monkeypatch.setattr(os, "supports_fd", set())
    assert list(scan(folder)) == found


@needs_posix
def test_links_to_folders_are_not_followed_and_links_to_files_are(folder: Path, tmp_path: Path) -> None:
    touch(folder, "a.jpg")
    (folder / "round").symlink_to(folder)
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    (folder / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert paths(folder) == ["a.jpg", "link.jpg"]


@needs_posix
def test_a_link_to_itself_is_a_problem_with_a_reason(folder: Path) -> None:
    (folder / "self.jpg").symlink_to(folder / "self.jpg")
    (found,) = scan(folder)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith("The file cannot be looked at")


@needs_posix
def test_a_pipe_named_like_a_picture_is_no_picture(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert paths(folder) == []


def test_a_folder_that_is_not_there_has_vanished(tmp_path: Path) -> None:
    assert list(scan(tmp_path / "gone")) == [Vanished(tmp_path / "gone", "")]
    assert list(scan(tmp_path / "gone", places=[Place("a"), Place("b")])) == [Vanished(tmp_path / "gone", "")] * 2


def test_a_folder_that_refuses_costs_only_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(folder, "a.jpg", "closed/b.jpg", "open/c.jpg")
    entries = scanning._entries

    def refuse(path: str) -> AbstractContextManager[Mapping[str, os.DirEntry[str]]]:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return entries(path)

    monkeypatch.setattr(scanning, "_entries", refuse)
    found = list(scan(folder))
    assert found[1] == Unreadable(folder, "closed", "You do not have permission to open this folder.")
    assert [each.relative_path for each in found] == ["a.jpg", "closed", "open/c.jpg"]


def test_the_folder_to_leave_out_is_not_entered(folder: Path) -> None:
    touch(folder, "a.jpg", "library/thumbnails/b.jpg", "library 2/c.jpg")
    assert paths(folder, Rules(leave_out=folder / "library")) == ["a.jpg", "library 2/c.jpg"]


def test_thumbnails_of_any_library_are_no_photos(folder: Path) -> None:
    for library in (folder, folder / "old"):
        Library.open(library, Settings()).close()
        touch(library, "thumbnails/ab/x.jpg", "sub/thumbnails/own.jpg", "a.jpg")
    touch(folder, "site/thumbnails/b.jpg")
    photos = ["a.jpg", "old/a.jpg", "old/sub/thumbnails/own.jpg", "site/thumbnails/b.jpg", "sub/thumbnails/own.jpg"]
    assert paths(folder) == photos
    inside = [Place("thumbnails/ab"), Place("old/thumbnails"), Place("old/thumbnails/ab", deep=False)]
    assert paths(folder, places=inside) == []
    assert not scanning.reaches(folder, folder / "old" / "thumbnails")


def test_a_time_beyond_64_bits_is_cut(folder: Path) -> None:
    touch(folder, "a.jpg")
    try:
        os.utime(folder / "a.jpg", (0, 2**34 - 2**32))  # the year 2378, where the file system knows it
    except (OSError, OverflowError):
        pytest.skip("the file system does not keep such times")
    (found,) = scan(folder)
    assert isinstance(found, FoundFile)
    assert found.mtime_ns <= 2**63 - 1


def test_what_accompanies_a_picture_comes_after_it_and_names_it(folder: Path) -> None:
    touch(
        folder, "a.CR2", "A.jpg", "b.nef", "c.dng", "c.heic", "c.mov", "sub/b.jpg", "d.arw", "d.txt", "e.MP4", "e.JPG"
    )
    found = [(each.relative_path, each.partner) for each in scan(folder) if isinstance(each, FoundFile)]
    alone = [("A.jpg", None), ("c.heic", None), ("e.JPG", None)]
    others = [("a.CR2", "A.jpg"), ("b.nef", None), ("c.dng", "c.heic"), ("c.mov", "c.heic"), ("d.arw", None)]
    assert found == [*alone, *others, ("e.MP4", "e.JPG"), ("sub/b.jpg", None)]


def test_a_partner_lies_in_the_same_directory(folder: Path) -> None:
    touch(folder, "sub/a.jpg", "sub/a.dng")
    (_, raw) = scan(folder)
    assert isinstance(raw, FoundFile)
    assert raw.partner == "sub/a.jpg"


def test_a_raw_file_whose_picture_is_passed_over_stands_for_itself(folder: Path) -> None:
    touch(folder, "a.jpg", "a.dng")
    (found,) = scan(folder, Rules(patterns=("*.jpg",)))
    assert found == FoundFile(folder, "a.dng", 1, (folder / "a.dng").stat().st_mtime_ns)


def test_videos_come_only_by_the_rules_unless_they_belong_to_a_photo(folder: Path) -> None:
    touch(folder, "film.mp4", "live.mov", "live.heic", "other.mov", "other.png")
    assert paths(folder) == ["live.heic", "other.png", "live.mov"]
    assert paths(folder, Rules(videos=True)) == ["live.heic", "other.png", "film.mp4", "live.mov", "other.mov"]


def test_hidden_files_come_by_the_rules(folder: Path) -> None:
    touch(folder, ".hidden.jpg", ".folder/a.jpg", "b.jpg")
    assert paths(folder, Rules(hidden=True)) == [".hidden.jpg", "b.jpg", ".folder/a.jpg"]


@pytest.mark.parametrize("mark", [{"st_file_attributes": 0x2 | 0x20}, {"st_flags": 0x8000}])
def test_what_windows_and_macos_mark_as_hidden_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mark: dict[str, int]
) -> None:
    assert rules.is_marked_hidden(SimpleNamespace(**mark))  # type: ignore[arg-type]
    assert not rules.is_marked_hidden(SimpleNamespace(st_file_attributes=0x20, st_flags=0))  # type: ignore[arg-type]
    touch(folder, "marked.jpg", "marked/a.jpg", "b.jpg")
    marked = {(folder / name).stat().st_ino for name in ("marked.jpg", "marked")}
    monkeypatch.setattr(scanning, "HAS_MARKS", True)
    monkeypatch.setattr(scanning, "is_marked_hidden", lambda status: status.st_ino in marked)
    assert paths(folder) == ["b.jpg"]
    assert paths(folder, places=[Place("marked")]) == []
    assert not scanning.reaches(folder, folder / "marked")
    assert paths(folder, Rules(hidden=True)) == ["b.jpg", "marked.jpg", "marked/a.jpg"]


def test_a_junction_is_a_link() -> None:
    assert rules.is_link(SimpleNamespace(st_mode=0o040755, st_reparse_tag=0xA0000003))  # type: ignore[arg-type]
    assert not rules.is_link(SimpleNamespace(st_mode=0o040755, st_reparse_tag=0x9000001A))  # type: ignore[arg-type]


def test_small_files_are_passed_over_by_the_rules(folder: Path) -> None:
    touch(folder, "icon.png", "icon.dng")
    (folder / "photo.jpg").write_bytes(bytes(1024))
    assert paths(folder, Rules(min_bytes=1024)) == ["photo.jpg"]


# Patterns


def test_litter_is_passed_over(folder: Path) -> None:
    litter = ["@eaDir/a.jpg", "x/@eaDir/b/a.jpg", "$Recycle.Bin/a.jpg", "System Volume Information/a.jpg"]
    litter += ["lost+found/a.jpg", "#recycle/a.jpg", "Lightroom Previews.lrdata/a.jpg"]
    touch(folder, "recycle/a.jpg", "x/found.jpg", *litter)
    assert paths(folder) == ["recycle/a.jpg", "x/found.jpg"]


def test_a_photos_library_is_entered_for_its_originals(folder: Path) -> None:
    touch(folder, *(f"My.photoslibrary/{name}/0/a.jpg" for name in ("originals", "resources", "private")))
    assert paths(folder) == ["My.photoslibrary/originals/0/a.jpg"]
    assert paths(folder / "My.photoslibrary") == ["originals/0/a.jpg"]


def test_the_users_patterns_hold_and_may_take_litter_back(folder: Path) -> None:
    touch(folder, "a.jpg", "a_edited.jpg", "out/b.jpg", "x/out/b.jpg", "lost+found/c.jpg")
    rules = Rules(patterns=("*_edited.*", "/out/", "!lost+found/"))
    assert paths(folder, rules) == ["a.jpg", "lost+found/c.jpg", "x/out/b.jpg"]


def test_a_users_pattern_that_is_none_is_named(folder: Path) -> None:
    with pytest.raises(ClipsearchError, match=r"ignore.*'!'"):
        list(scan(folder, Rules(patterns=("!",))))


def test_an_ignore_file_holds_for_its_directory_and_below(folder: Path) -> None:
    touch(folder, "a.jpg", "trip/a.jpg", "trip/b.jpg", "trip/in/a.jpg", "trip/in/b.jpg", "trip/out/a.jpg")
    (folder / "trip" / ".clipsearchignore").write_text("a.jpg\n/out/\n")
    (folder / "trip" / "in" / ".clipsearchignore").write_text("!a.jpg\n")
    assert paths(folder) == ["a.jpg", "trip/b.jpg", "trip/in/a.jpg", "trip/in/b.jpg"]
    assert paths(folder, places=[Place("trip/in")]) == ["trip/in/a.jpg", "trip/in/b.jpg"]
    assert paths(folder, places=[Place("trip/out")]) == []


def test_a_line_that_is_no_pattern_is_a_problem_and_the_others_hold(folder: Path) -> None:
    touch(folder, "a.jpg", "b.jpg")
    (folder / ".clipsearchignore").write_bytes(b"a.jpg\n\xff\n!\n")
    problem, found = scan(folder)
    assert isinstance(problem, Unreadable)
    assert problem.relative_path == ".clipsearchignore"
    assert "line 2, 3" in problem.reason
    assert found.relative_path == "b.jpg"


def test_a_directory_whose_ignore_file_cannot_be_read_is_left_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(folder, "a.jpg", "secret/b.jpg", "secret/in/c.jpg", "secret/.clipsearchignore")

    def refuse(path: Path) -> None:
        if path.parent.name != "secret":
            raise FileNotFoundError
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(scanning.ignore, "read", refuse)
    for places in ([Place("")], [Place("", deep=False), Place("secret/in")]):
        found, problem = scan(folder, places=places)
        assert found.relative_path == "a.jpg"
        assert isinstance(problem, Unreadable)
        assert problem.relative_path == "secret"
        assert "left as it is" in problem.reason


# Places


def test_only_the_places_are_looked_at_each_once(folder: Path) -> None:
    touch(folder, "a.jpg", "x/b.jpg", "x/y/c.jpg", "x/z/d.jpg", "w/e.jpg")
    assert paths(folder, places=[Place("x", deep=False)]) == ["x/b.jpg"]
    assert paths(folder, places=[Place("x/y"), Place("", deep=False), Place("x/y/", deep=False)]) == [
        "a.jpg",
        "x/y/c.jpg",
    ]
    assert paths(folder, places=[Place("x/y"), Place("x"), Place("x"), Place("w")]) == [
        *("w/e.jpg", "x/b.jpg", "x/y/c.jpg", "x/z/d.jpg")
    ]
    assert paths(folder, places=[Place("x"), Place("")]) == paths(folder)
    assert paths(folder, places=[]) == []


@needs_posix
def test_a_place_that_a_scan_does_not_come_to_holds_nothing(folder: Path) -> None:
    touch(folder, ".hidden/x/a.jpg", "@eaDir/x/a.jpg", "library/x/a.jpg", "b.jpg")
    (folder / "link").symlink_to(folder)
    rules = Rules(leave_out=folder / "library")
    places = [".hidden/x", "@eaDir/x", "library/x", "library", "link", "gone", "gone/too", "b.jpg", "b.jpg/c"]
    assert paths(folder, rules, [Place(place) for place in places]) == []


# Links


@needs_posix
def test_links_to_folders_are_followed_by_the_rules_after_all_else_and_once(folder: Path, tmp_path: Path) -> None:
    touch(folder, "z/a.jpg")
    touch(tmp_path / "elsewhere", "in/b.jpg")
    links = {"a link": "elsewhere", "b link": "elsewhere/in", "c link": "elsewhere", "d link.jpg": "photos/z"}
    for name, target in links.items():
        (folder / name).symlink_to(tmp_path / target)
    (tmp_path / "elsewhere" / "in" / "back").symlink_to(folder)
    (folder / "z" / "up").symlink_to("..")
    (folder / "lost").symlink_to(tmp_path / "nowhere")
    (folder / "self").symlink_to("self")
    assert paths(folder) == ["z/a.jpg"]
    assert paths(folder, Rules(follow_links=True)) == ["z/a.jpg", "a link/in/b.jpg"]
    assert paths(folder, Rules(follow_links=True), [Place("z")]) == ["z/a.jpg"]
    assert paths(folder, Rules(follow_links=True), [Place("a link/in")]) == ["a link/in/b.jpg"]


@needs_posix
def test_a_link_around_the_folder_lists_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "around" / "photos"
    touch(folder, "a.jpg", "library/x.jpg")
    touch(tmp_path / "around", "b.jpg")
    (folder / "up").symlink_to(tmp_path / "around")
    rules = Rules(follow_links=True, leave_out=folder / "library")
    assert paths(folder, rules) == ["a.jpg", "up/b.jpg"]


@needs_posix
def test_the_library_is_left_out_behind_a_link_as_well(folder: Path, tmp_path: Path) -> None:
    touch(tmp_path / "data", "library/x.jpg", "b.jpg")
    (folder / "link").symlink_to(tmp_path / "data")
    assert paths(folder, Rules(follow_links=True, leave_out=tmp_path / "data" / "library")) == ["link/b.jpg"]


# What is there now may be gone in a moment


def scan_with(steps: Iterator[Found], after: str, change: Callable[[], object]) -> list[Found]:
    """Return what a scan yields when something changes on the disk just after one file was found."""
    found = []
    for step in steps:
        found.append(step)
        if step.relative_path == after:
            change()
    return found


def test_a_directory_renamed_meanwhile_is_found_by_its_new_name(folder: Path) -> None:
    touch(folder, "a.jpg", "new.jpg", "trip/b.jpg", "trip/in/c.jpg", "z/d.jpg")
    found = scan_with(scan(folder), "a.jpg", lambda: (folder / "trip").rename(folder / "voyage"))
    assert [each.relative_path for each in found] == ["a.jpg", "new.jpg", "trip", *VOYAGE, "z/d.jpg"]
    assert [each for each in found if not isinstance(each, FoundFile)] == [Vanished(folder, "trip")]


VOYAGE = ("voyage/b.jpg", "voyage/in/c.jpg")


def test_a_directory_renamed_around_those_to_come_is_found_by_its_new_name(folder: Path) -> None:
    touch(folder, "x/trip/b.jpg", "x/trip/in/c.jpg", "x/trip/more/d.jpg")
    found = scan_with(scan(folder), "x/trip/b.jpg", lambda: (folder / "x").rename(folder / "y"))
    assert {each.relative_path for each in found if isinstance(each, Vanished)} == {"x/trip/in", "x/trip", "x"}
    assert [each.relative_path for each in found if isinstance(each, FoundFile)] == [
        *("x/trip/b.jpg", "y/trip/b.jpg", "y/trip/in/c.jpg", "y/trip/more/d.jpg")
    ]


def test_a_directory_gone_for_good_only_vanishes(folder: Path) -> None:
    touch(folder, "a.jpg", "trip/b.jpg", "z/d.jpg")
    found = scan_with(scan(folder), "a.jpg", lambda: shutil.rmtree(folder / "trip"))
    assert found[1] == Vanished(folder, "trip")
    assert [each.relative_path for each in found] == ["a.jpg", "trip", "z/d.jpg"]


def test_the_folder_itself_gone_vanishes(folder: Path) -> None:
    touch(folder, "a.jpg", "b.jpg", "trip/b.jpg", "z/d.jpg")
    found = scan_with(scan(folder), "a.jpg", lambda: shutil.rmtree(folder))
    assert Vanished(folder, "") in found
    assert [each.relative_path for each in found if isinstance(each, FoundFile)] == ["a.jpg", "b.jpg"]


def test_an_empty_folder_in_place_of_the_one_before_is_a_disk_unplugged(folder: Path) -> None:
    touch(folder, "a.jpg", "trip/b.jpg")

    def unplug() -> None:
        folder.rename(folder.with_name("unplugged"))
        folder.mkdir()

    assert Vanished(folder, "") in scan_with(scan(folder), "a.jpg", unplug)


def test_files_that_go_while_a_directory_is_looked_at_do_not_make_it_seem_empty(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(folder, "trip/a.jpg", "trip/b.jpg")
    look_at = scanning._Walk._look_at

    def unplugged(walk: object, directory: object, *rest: object) -> object:
        if (folder / "trip").exists() and getattr(directory, "prefix", "") == "trip/":
            (folder / "trip").rename(folder / "elsewhere")
        return look_at(walk, directory, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(scanning._Walk, "_look_at", unplugged)
    found = list(scan(folder))
    assert found[0] == Vanished(folder, "trip")
    assert [each.relative_path for each in found[1:]] == ["elsewhere/a.jpg", "elsewhere/b.jpg"]


def test_one_file_that_goes_meanwhile_is_simply_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(folder, "a.jpg", "b.jpg")
    monkeypatch.setattr(scanning._Walk, "_is_wanted", lambda *_: (folder / "b.jpg").unlink(missing_ok=True) or True)
    assert paths(folder, Rules(min_bytes=1)) == ["a.jpg"]


# Which folder reaches which


@needs_posix
def test_a_folder_is_reached_as_a_scan_reaches_it(folder: Path, tmp_path: Path) -> None:
    touch(folder, "in/deep/a.jpg", ".hidden/b.jpg", "@eaDir/c.jpg", "out/d.jpg")
    (folder / ".clipsearchignore").write_text("out\n")
    (folder / "link").symlink_to(folder / "in")
    reaches = scanning.reaches
    assert reaches(folder, folder)
    assert reaches(folder, folder / "in" / "deep")
    assert reaches(folder, folder / "not there now")
    assert not reaches(folder / "in", folder)
    assert not reaches(folder, tmp_path)
    assert not any(reaches(folder, folder / name) for name in (".hidden", "@eaDir", "out", "link", "link/deep"))
    assert reaches(folder, folder / ".hidden", Rules(hidden=True))
    assert reaches(folder, folder / "link", Rules(follow_links=True))
    (tmp_path / "Photos").symlink_to(folder)  # as a disk does that takes large letters for small ones
    assert reaches(folder, tmp_path / "Photos" / "in")


# What it costs


@pytest.mark.parametrize("by_descriptor", [pytest.param(True, marks=needs_posix), False])
def test_an_unchanged_file_costs_one_stat_and_nothing_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch, by_descriptor: bool
) -> None:
    touch(folder, *(f"{name}/{number}.{suffix}" for name in "abc" for number in range(9) for suffix in ("jpg", "dng")))
    stats: list[int] = []
    scandir = os.scandir

    class Entry:
        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.entry, self.name = entry, entry.name
            self.is_file, self.is_dir, self.is_symlink = entry.is_file, entry.is_dir, entry.is_symlink

        def stat(self, **options: bool) -> os.stat_result:
            status = self.entry.stat(**options)
            stats.append(status.st_ino)
            return status

    class Listing(list[Entry]):
        def __enter__(self) -> Listing:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def counted(path: str | int) -> Listing:
        with scandir(path) as listing:
            return Listing(map(Entry, listing))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    wanted = sorted(path.stat().st_ino for path in folder.rglob("*"))
    monkeypatch.setattr(os, "scandir", counted)
    monkeypatch.setattr(os, "supports_fd", {counted} if by_descriptor else set())
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    assert len(paths(folder)) == 54
    assert sorted(stats) == wanted
