"""`clipsearch folders ...`: what is said, and what a library knows afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from clipsearch.cli import app
from clipsearch.errors import ClipsearchError, LibraryBusyError
from clipsearch.library.categories import editing, judging
from clipsearch.library.indexing.lock import indexing_lock
from clipsearch.library.library import Library
from tests.conftest import Index
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")

Command = Callable[..., Result]


@pytest.fixture
def command(colours: Library, folder: Path, index: Index) -> Command:
    """Run `clipsearch folders` on a library of one folder with one photo."""
    paint(folder / "red.png", "red")
    index(colours, folder)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["--library", str(colours.folder), "folders", *map(str, arguments)])

    return run


def test_folders_are_listed(command: Command, folder: Path) -> None:
    assert command("list").stdout == f"{folder}\n"
    assert json.loads(command("list", "--json").stdout) == {"path": str(folder), "offline": False}


def test_a_folder_is_taken_out_and_its_files_and_judgements_stay(
    command: Command, colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm = editing.add(colours, "warm")
    judging.assign(colours, "warm", [folder / "red.png"])
    monkeypatch.chdir(folder.parent)
    assert command("remove", f"{folder.name}{os.sep}").stdout.startswith(f"{folder} is no longer in the library")
    assert command("list").stdout == ""
    assert colours.catalog.counts("fake-1-p1").files == 0
    assert (folder / "red.png").exists()
    index(colours, folder)
    assert list(colours.catalog.labels.judgements(warm.id).values()) == [True]
    assert editing.find(colours, "warm").assigned == 1


def test_one_that_is_gone_from_the_disk_can_be_taken_out(command: Command, folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    assert json.loads(command("list", "--json").stdout)["offline"] is True
    assert json.loads(command("remove", folder, "--json").stdout) == {"path": str(folder)}


def test_what_was_not_added_is_told(command: Command, folder: Path) -> None:
    other = command("remove", folder.parent).exception
    assert isinstance(other, ClipsearchError) and "`clipsearch folders list` shows those" in other.message
    inner = command("remove", folder / "sub").exception
    assert isinstance(inner, ClipsearchError) and f"It lies in {folder}, which is" in inner.message
    assert command("list").stdout == f"{folder}\n"


def test_while_another_process_indexes_nothing_is_taken_out(command: Command, colours: Library, folder: Path) -> None:
    with indexing_lock(colours.folder, "watch"):
        assert isinstance(command("remove", folder).exception, LibraryBusyError)
    assert command("list").stdout == f"{folder}\n"
