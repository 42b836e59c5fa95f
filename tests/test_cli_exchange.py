"""`clipsearch categories export|table|write-xmp|import-keywords|share|receive` end to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from clipsearch.cli import app
from clipsearch.library.categories import editing, judging
from clipsearch.records import Category
from clipsearch.store.catalog import Catalog
from tests.fakes import fake_library
from tests.pictures import paint

Command = Callable[..., subprocess.CompletedProcess[str]]
HOMES = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")
TAGGED = Path(__file__).parent / "files" / "tagged"


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `clipsearch categories` to its end, with a home and a library of its own."""
    homes = dict.fromkeys(HOMES, str(tmp_path / "home"))

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "clipsearch", "--library", tmp_path / "library", "categories", *arguments]
        return subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=os.environ | homes | {"PYTHONUTF8": "1"},
        )

    return run


@pytest.fixture
def photos(tmp_path: Path, folder: Path, inline: object, index: Callable[..., object]) -> Path:
    """Animals > Birds with a photo each, and one that has keywords, in a library."""
    for name in ("bird", "cat"):
        paint(folder / f"{name}.png", {"bird": "red", "cat": "blue"}[name])
    shutil.copy(TAGGED / "xmp.jpg", folder)
    with fake_library(tmp_path / "library") as library:
        index(library, folder)
        outer = editing.add(library, "Animals")
        editing.add(library, Category(0, "Birds", outer.id))
        judging.assign(library, "Birds", [folder / "bird.png"])
        judging.assign(library, "Animals", [folder / "cat.png"])
    return folder


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_photos_go_to_folders(command: Command, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = command("export", "animals", "--to", out, "--mine", "--dry-run")
    assert set(told.stdout.splitlines()) == {
        f"copy  {photos / 'cat.png'} -> {out / 'Animals' / 'cat.png'}",
        f"copy  {photos / 'bird.png'} -> {out / 'Animals' / 'Birds' / 'bird.png'}",
    }
    assert told.stderr == "Dry run: 2 copied.\n"
    assert not out.exists()
    assert command("export", "animals", "--to", out, "--mine").stdout == "2 copied.\n"
    assert {one["how"] for one in lines(command("export", "animals", "--to", out, "--mine", "--json"))} == {"there"}
    (photos / "cat.png").unlink()
    done = command("export", "Animals", "--to", tmp_path / "other", "--mine", "--link")
    assert (done.returncode, done.stdout) == (0, "1 linked.\n")
    assert done.stderr == f"{photos / 'cat.png'}: The file is no longer there.\n"


def test_tables_go_to_programs(command: Command, photos: Path, tmp_path: Path) -> None:
    assert command("table", "--mine").stdout.splitlines() == [
        "path,category,score,source",
        f"{photos / 'cat.png'},Animals,1.0,user",
        f"{photos / 'bird.png'},Animals|Birds,1.0,user",
    ]
    assert [one["category"] for one in lines(command("table", "birds", "--mine", "--json"))] == ["Animals|Birds"]
    done = command("table", "--mine", "--out", tmp_path / "a.csv")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "a.csv").read_text("utf-8-sig").count("\n") == 3
    assert command("table", "--csv", "--json").returncode == 2


def test_keywords_go_to_sidecars(command: Command, photos: Path) -> None:
    sidecar = photos / "bird.png.xmp"
    assert f"{sidecar}: +Animals|Birds\n" in command("write-xmp", "--mine", "--dry-run").stdout
    assert not sidecar.exists()
    assert command("write-xmp", "--mine").stdout == "2 sidecars written, 0 left unchanged.\n"
    assert "<rdf:li>Animals|Birds</rdf:li>" in sidecar.read_text("utf-8")
    assert lines(command("write-xmp", "--mine", "--json")) == []
    assert command("write-xmp", "--naming", "other").returncode == 2
    sidecar.write_text("broken")
    done = command("write-xmp", "--mine")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{sidecar}: The sidecar is left alone")


def test_keywords_come_in(command: Command, photos: Path) -> None:
    told = lines(command("import-keywords", "--dry-run", "--json"))
    assert told == [
        {"keyword": "Animals|Birds", "photos": 1, "own": False},
        {"keyword": "Übung", "photos": 1, "own": False},
    ]
    assert command("import-keywords", "--min", "2").stdout == "0 categories added, 0 photos put in.\n"
    assert command("import-keywords").stdout == "1 category added, 1 photo put in.\n"
    shown = lines(command("table", "birds", "--mine", "--json"))
    assert {Path(one["path"]).name for one in shown} == {"bird.png", "xmp.jpg"}


def test_what_may_be_out_of_date_is_told(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HOMES:
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr(Catalog, "read_only", True)

    def told(*arguments: object) -> str:
        words = ["--library", tmp_path / "library", "categories", *arguments]
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stderr

    notice = "as of the last `categories apply`"
    for command in (["table"], ["export", "Birds", "--to", tmp_path / "out"], ["write-xmp", "--dry-run"]):
        assert notice in told(*command)
        assert notice not in told(*command, "--mine")
    assert told("share", "Birds", "--to", tmp_path / "a.json") == ""  # what it holds is of this moment


def test_sidecars_are_a_way_back(command: Command, photos: Path, tmp_path: Path) -> None:
    assert command("write-xmp", "--mine").returncode == 0
    with fake_library(tmp_path / "library") as library:
        for name in ("Birds", "Animals"):
            editing.remove(library, name)
    (photos / "xmp.jpg").unlink()
    done = command("import-keywords")
    assert done.stdout == "0 categories added, 0 photos put in.\n"
    assert done.stderr.startswith("2 of the keywords were written by clipsearch")
    assert "`--own` takes them" in done.stderr
    done = command("import-keywords", "--own")
    assert done.stdout == "2 categories added, 2 photos put in.\n"
    assert "counts as your own word" in done.stderr


def test_a_category_goes_to_somebody_else(command: Command, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    assert lines(command("share", "Animals", "--to", file, "--json"))[0]["bytes"] == file.stat().st_size
    assert lines(command("receive", file, "--json")) == [
        {"category": "Animals (2)", "group": ""},
        {"category": "Birds (2)", "group": ""},
    ]
    assert command("receive", file, "--dry-run").stdout == (
        "There would be a category Animals (3).\nThere would be a category Birds (3).\n"
    )
    assert command("share", "Animals", "--to", file, "--alone").returncode == 0
    assert command("receive", file).stdout == "There is a category Animals (3) now.\n"
    file.write_text("[")
    done = command("receive", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
