"""`clipsearch categories ...` end to end: real processes, exit codes and what stdout says."""

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
from clipsearch.errors import CatalogError
from clipsearch.paths import resource_path
from clipsearch.store import database
from clipsearch.store.safety import sqlite_file
from tests.fakes import fake_library
from tests.pictures import paint

HOMES = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")

Command = Callable[..., subprocess.CompletedProcess[str]]


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
            check=False,
            env=os.environ | homes,
        )

    return run


@pytest.fixture
def photos(tmp_path: Path, folder: Path, inline: object, index: Callable[..., object]) -> Path:
    """A folder of three photos, one of them twice, in a library."""
    for name, colour in {"a\n.png": "red", "b.png": "blue", "c.png": "green", "copy of b.png": "blue"}.items():
        paint(folder / name, colour)
    with fake_library(tmp_path / "library") as library:
        index(library, folder)
    return folder


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX names")
def test_a_categorys_life(command: Command, photos: Path) -> None:
    assert lines(command("add", "Warm colours", "--json")) == [{"category": "Warm colours"}]
    assert command("add", "warm Colours").stdout == "There is a category Warm colours now.\n"

    assigned = lines(command("assign", "warm colours", photos / "a\n.png", photos / "b.png", "--json"))
    assert assigned == [
        {"path": str(photos / name), "category": "Warm colours", "member": True} for name in ("a\n.png", "b.png")
    ]
    assert command("reject", "Warm colours", photos / "c.png").stdout == "1 taken out of Warm colours.\n"
    (listed,) = lines(command("list", "--json"))
    assert listed["category"] == "Warm colours" and (listed["assigned"], listed["rejected"]) == (2, 1)
    assert listed["members"] == listed["assigned"] + listed["found"]
    assert command("list").stdout.startswith("Warm colours                   2 put in, ")

    shown = lines(command("show", "Warm colours", "--json"))
    mine = [one for one in shown if one["source"] == "user"]
    assert shown[:3] == mine
    assert {Path(one.pop("path")).name for one in mine} == {"a\n.png", "b.png", "copy of b.png"}
    assert mine == [{"category": "Warm colours", "score": 1.0, "source": "user"}] * 3
    assert len(command("show", "Warm colours", "-n", 2).stdout.splitlines()) == 2

    assert command("take-back", "Warm colours", photos / "a\n.png").stdout == "1 left to the model in Warm colours.\n"
    assert lines(command("undo", "--json")) == [{"action": "take back", "category": "Warm colours", "photos": 1}]
    assert command("redo").stdout == "Redone: take back Warm colours, 1 photo.\n"

    (removed,) = lines(command("remove", "Warm colours", "--json"))
    assert (removed["category"], removed["rejected"]) == ("Warm colours", 1)
    assert lines(command("list", "--json")) == []


def test_a_photo_named_twice_is_one(command: Command, photos: Path) -> None:
    lines(command("add", "Blue", "--json"))
    done = command("assign", "blue", photos / "b.png", photos / "copy of b.png", photos / "b.png")
    assert done.stdout == "1 put into Blue.\n"


def test_a_name_suggests_what_to_look_for(command: Command, photos: Path) -> None:
    done = command("add", "Cats & dogs 2019")
    assert done.stdout == "There is a category Cats & dogs 2019 now.\n"
    assert done.stderr == "It looks for cats, cat, dogs, dog; --prompt tells it otherwise.\n"
    assert command("add", "cats & dogs 2019").stderr == ""
    for arguments in (["night"], ["Days", "--prompt", "sunny day"]):
        assert command("add", *arguments).stderr == ""
    prompts = {one["category"]: one["prompts"] for one in lines(command("list", "--json"))}
    assert prompts == {"Cats & dogs 2019": ["cats", "cat", "dogs", "dog"], "night": [], "Days": ["sunny day"]}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told(command: Command, photos: Path, tmp_path: Path) -> None:
    lines(command("add", "Blue", "--json"))
    words = [sys.executable, "-m", "clipsearch", "--library", tmp_path / "library", "categories", "list"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: The output cannot be written: No space left on device.\n")


@pytest.mark.parametrize("arguments", [["list"], ["show", "blue"], ["apply"]], ids=" ".join)
def test_a_library_that_can_only_be_read_says_so(
    command: Command, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    lines(command("add", "Blue", "--json"))
    for name in HOMES:
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr(database, "access_to", sqlite_file.reading)
    done = CliRunner().invoke(app, ["--library", str(tmp_path / "library"), "categories", *arguments])
    assert "this is as of the last `categories apply`" in done.stderr
    if arguments == ["apply"]:
        assert isinstance(done.exception, CatalogError)
        assert "can only be read" in done.exception.message
    else:
        assert done.exit_code == 0


def test_how_the_examples_fare(command: Command, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "library")
    lines(command("add", "animals", "--json"))
    lines(command("apply", "--json"))
    ranked = [one["path"] for one in lines(command("show", "animals", "--all", "--json"))]
    assert "by itself" not in command("list").stdout
    lines(command("assign", "animals", *ranked[:4], "--json"))
    lines(command("reject", "animals", *ranked[-5:], "--json"))
    (listed,) = lines(command("list", "--json"))
    known = listed["recognition"]
    assert (known["put_in"], known["taken_out"], known["mistaken"]) == (4, 5, 0)
    told = f"; by itself it would find {known['found']} of 4 put in and wrongly take 0 of 5 taken out\n"
    assert command("list").stdout.endswith(told)


def test_what_is_told_of_a_category(command: Command, photos: Path) -> None:
    lines(command("add", "Animals", "--json"))
    told = ["--prompt", "dog", "--prompt", "puppy", "--not", "wolf", "--templates", "default", "--group", "pets"]
    lines(command("add", "Dogs", *told, "--threshold", "0.8", "--colour", "#aabbcc", "--in", "animals", "--json"))
    expected = {
        "in": "Animals",
        "prompts": ["dog", "puppy"],
        "negatives": ["wolf"],
        "templates": "default",
        "group": "pets",
        "threshold": 0.8,
        "colour": "#aabbcc",
    }
    dogs = lines(command("list", "--json"))[1]
    assert {field: dogs[field] for field in expected} == expected
    assert command("edit", "dogs", "--name", "Hounds", "--in", "", "--threshold", "auto", "--not", "").returncode == 0
    hounds = lines(command("list", "--json"))[1]
    assert hounds["category"] == "Hounds"
    assert {field: hounds[field] for field in expected} == expected | {"in": None, "threshold": None, "negatives": []}
    assert command("add", "hounds").stdout == "There is a category Hounds now.\n"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library folder of the bundled photos, seen by the starter model."""
    library = tmp_path_factory.mktemp("demo") / "library"
    words = [sys.executable, "-m", "clipsearch", "index", resource_path("demo"), "--library", library]
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
    return library


def test_from_a_name_to_its_photos(command: Command, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "library")
    for name in ("birds", "dog", "food"):
        lines(command("add", name, "--json"))
    (applied,) = lines(command("apply", "--json"))
    assert (applied["categories"], applied["photos"]) == (3, len(list(resource_path("demo").glob("*.jpg"))))
    (dog, *_) = lines(command("show", "dog", "--json"))
    assert (Path(dog["path"]).name, dog["source"]) == ("dog.jpg", "model") and dog["score"] > 0.5

    ranked = lines(command("show", "birds", "--all", "--json"))
    scores = [one["score"] for one in ranked]
    assert len(ranked) == applied["photos"]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == len(scores)

    wrong, right = ranked[-1]["path"], ranked[2]["path"]
    lines(command("assign", "birds", wrong, "--json"))
    lines(command("reject", "birds", right, "--json"))
    shown = lines(command("show", "birds", "--json"))  # without `apply`
    assert (shown[0]["path"], shown[0]["source"], shown[0]["score"]) == (wrong, "user", 1.0)
    assert right not in {one["path"] for one in shown}
    ranked = lines(command("show", "birds", "--all", "--json"))
    assert ranked[0]["path"] == wrong
    assert (ranked[-1]["path"], ranked[-1]["score"], ranked[-1]["source"]) == (right, 0.0, "user")
    assert len(ranked) == applied["photos"]

    suggested = lines(command("suggest", "birds", "-n", 4, "--json"))
    assert len(suggested) == 4 and not {one["path"] for one in suggested} & {wrong, right}


def test_errors_are_one_sentence(command: Command, photos: Path, tmp_path: Path) -> None:
    lines(command("add", "Dogs", "--json"))
    stranger = paint(tmp_path / "stranger.png", "pink")
    for arguments, reason in {
        ("show", "Dgos"): "There is no category 'Dgos'. The nearest names are Dogs.",
        ("assign", "Dogs", str(stranger)): f"{stranger}: This file is not in the library, so nothing was changed; "
        "`clipsearch index` its folder first.",
        (
            "edit",
            "dogs",
            "--threshold",
            "high",
        ): "The threshold 'high' is no number; it is a probability such as 0.5, or auto.",
        ("edit", "dogs", "--in", "dogs"): "Dogs cannot lie in Dogs, which is Dogs or lies in it.",
        ("add", "dogs", "--prompt", "hound"): "There is a category Dogs already; change that one.",
        ("add", " "): "A category needs a name of 1 to 100 characters that can be printed on one line.",
    }.items():
        done = command(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {reason}\n")
