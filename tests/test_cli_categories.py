"""`clipsearch categories ...` end to end: real processes, exit codes and what stdout says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import fake_library
from tests.pictures import paint

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `clipsearch categories` to its end, with a home and a library of its own."""
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"), str(tmp_path / "home"))

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
    assert lines(command("list", "--json")) == [{"category": "Warm colours", "members": 2, "rejected": 1}]
    assert command("list").stdout.split() == ["Warm", "colours", "2", "in,", "1", "out"]

    shown = lines(command("show", "Warm colours", "--json"))
    assert {Path(one.pop("path")).name for one in shown} == {"a\n.png", "b.png", "copy of b.png"}
    assert shown == [{"category": "Warm colours", "score": 1.0, "source": "user"}] * 3
    assert len(command("show", "Warm colours", "-n", 2).stdout.splitlines()) == 2

    assert lines(command("remove", "Warm colours", "--json")) == [
        {"category": "Warm colours", "members": 2, "rejected": 1}
    ]
    assert lines(command("list", "--json")) == []


def test_errors_are_one_sentence(command: Command, photos: Path, tmp_path: Path) -> None:
    lines(command("add", "Dogs", "--json"))
    stranger = paint(tmp_path / "stranger.png", "pink")
    for arguments, reason in {
        ("show", "Dgos"): "There is no category 'Dgos'. The nearest names are Dogs.",
        ("assign", "Dogs", str(stranger)): f"{stranger}: This file is not in the library, so nothing was changed; "
        "`clipsearch index` its folder first.",
        ("add", " "): "A category needs a name of 1 to 100 characters that can be printed on one line.",
    }.items():
        done = command(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {reason}\n")
