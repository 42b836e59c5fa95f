from __future__ import annotations

import os
import shutil
import subprocess
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipsearch.files import ignore
from clipsearch.files.ignore import LITTER, Ignoring


def patterns(*lines: str, folder: str = "photos") -> Ignoring:
    return ignore.at_root(Path(folder), lines)


@pytest.mark.parametrize(
    ("lines", "path", "hidden"),
    [
        (["*.tmp.jpg"], "x/a.tmp.jpg", True),
        (["*.tmp.jpg"], "x/a.jpg", False),
        (["/a.jpg"], "a.jpg", True),
        (["/a.jpg"], "x/a.jpg", False),
        (["x/*.jpg"], "x/a.jpg", True),
        (["x/*.jpg"], "y/x/a.jpg", False),
        (["**/x/*.jpg"], "y/x/a.jpg", True),
        (["*.jpg", "!keep.jpg"], "keep.jpg", False),
        (["!keep.jpg", "*.jpg"], "keep.jpg", True),
        (["# a.jpg", "", "   "], "a.jpg", False),
        (["\\#a.jpg"], "#a.jpg", True),
        (["a.jpg  "], "a.jpg", True),
        (["a.jpg\\ "], "a.jpg ", True),
        (["a.jpg\r"], "a.jpg", True),
        (["x/"], "x", False),
        (["*"], "x/a.jpg", True),
        (["*", "!*.jpg"], "x/a.jpg", False),
        (["x", "!x"], "x", False),
        (["[a-"], "[a-", False),
    ],
)
def test_a_file_is_hidden_as_git_does(lines: Sequence[str], path: str, hidden: bool) -> None:
    assert patterns(*lines).hides(path, is_folder=False) == hidden


@pytest.mark.parametrize(
    ("lines", "path", "hidden"),
    [
        (["x/"], "x", True),
        (["x/"], "y/x", True),
        (["y/x/"], "y/x", True),
        (["y/x/"], "z/y/x", False),
        (["*", "!x"], "x", False),
        (["*", "!*/"], "y/x", False),
        (["/*/", "!/x/"], "x", False),
        (["/*/", "!/x/"], "y", True),
        (["lost+found/"], "lost+found", True),
        (["!lost+found/"], "lost+found", False),
        (["/"], "x", False),
    ],
)
def test_a_folder_is_hidden_as_git_does(lines: Sequence[str], path: str, hidden: bool) -> None:
    assert patterns(*lines).hides(path, is_folder=True) == hidden


def test_litter_is_hidden_in_any_case_and_everywhere() -> None:
    names = ["@eaDir", "#recycle", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", "lost+found"]
    names += [".Trash-1000", ".thumbnails", "Catalog Previews.lrdata", "P.photoslibrary/resources"]
    assert [name for name in names if not patterns().hides(f"x/{name}", is_folder=True)] == []
    assert not patterns().hides("x/P.photoslibrary/originals", is_folder=True)
    assert not patterns().hides("x/P.photoslibrary", is_folder=True)
    assert patterns(folder="P.photoslibrary").hides("resources", is_folder=True)
    assert not patterns(folder="P.photoslibrary").hides("originals", is_folder=True)
    assert not patterns(folder="P.photoslibrary").hides("originals/0", is_folder=True)


def test_litter_is_about_folders_so_that_files_cost_nothing() -> None:
    assert all(line.endswith("/") for line in LITTER)
    assert not patterns().touches_files
    assert not patterns("trip/", "# c").touches_files
    assert patterns("trip").touches_files


def test_names_match_however_their_accents_are_composed() -> None:
    for one in ("NFC", "NFD"):
        for other in ("NFC", "NFD"):
            assert patterns(unicodedata.normalize(one, "café/")).hides(unicodedata.normalize(other, "café"), True)  # type: ignore[arg-type]
    assert not patterns("café/").hides(os.fsdecode(b"caf\xe9"), is_folder=True)


def test_a_file_of_windows_is_read_and_what_is_no_pattern_is_counted(tmp_path: Path) -> None:
    (tmp_path / "i").write_bytes("\ufeff# mine\r\na.jpg\r\n\r\n!\r\n".encode() + b"caf\xe9\r\nb.jpg")
    read, wrong = ignore.read(tmp_path / "i")
    level = ignore.ignoring("", read)
    assert wrong == [4, 5]
    assert [name for name in ("a.jpg", "b.jpg", "c.jpg") if level.hides(name, False)] == ["a.jpg", "b.jpg"]


def test_a_user_pattern_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="'!'"):
        patterns("a.jpg", "!")


_NAMES = st.sampled_from(["a", "b", "ab", "abc", "a.jpg", "x y", "foo"])
_STEPS = st.sampled_from(["a", "b", "ab", "a*", "*b", "*", "**", "?", "[ab]", "[!a]*", "*.jpg", "foo", "x\\ y"])


@st.composite
def _lines(draw: st.DrawFn) -> str:
    steps = "/".join(draw(st.lists(_STEPS, min_size=1, max_size=3)))
    return draw(st.sampled_from(["", "!", "/", "!/"])) + steps + draw(st.sampled_from(["", "", "/"]))


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.lists(_NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=15),
    ignored=st.dictionaries(st.sampled_from(["", "a", "b", "a/b"]), st.lists(_lines(), max_size=5), max_size=3),
)
def test_what_git_lists_is_what_is_listed(
    files: list[str], ignored: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("repository")
    for path in files:
        _plant(folder / path, b"x")
    for directory, lines in ignored.items():
        _plant(folder / directory / ignore.IGNORE_FILE, "\n".join(lines).encode())
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    command = ["git", "-c", "core.ignorecase=false", "ls-files", "-z", "--others"]
    listed = subprocess.run(
        [*command, f"--exclude-per-directory={ignore.IGNORE_FILE}"], cwd=folder, check=True, capture_output=True
    ).stdout
    assert sorted(_shown(folder, "", ignore.ignoring("", []))) == sorted(filter(None, os.fsdecode(listed).split("\0")))


def _plant(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError:  # a file is in the way of a folder, or a folder in the way of a file
        pass


def _shown(folder: Path, base: str, level: Ignoring) -> list[str]:
    here = folder / base
    if (here / ignore.IGNORE_FILE).is_file():
        level = ignore.ignoring(base, ignore.read(here / ignore.IGNORE_FILE)[0], level)
    shown = []
    for path in here.iterdir():
        name = base + path.name
        if path.name != ".git" and not level.hides(name, path.is_dir()):
            shown += _shown(folder, f"{name}/", level) if path.is_dir() else [name]
    return shown
