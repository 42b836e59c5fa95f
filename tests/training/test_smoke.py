"""The smoke run from end to end, by the commands that training/README.md gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from training import run as runs
from training.scenes import held_out

SMOKE = Path(runs.__file__).parent / "configs" / "smoke.toml"


def lines(environment: dict[str, str], *words: object) -> list[dict[str, Any]]:
    """Run a command of `python -m`; return what it prints, line by line of JSON."""
    command = [sys.executable, "-m", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def held_out_scenes(folder: Path, count: int) -> dict[str, str]:
    """Write pictures of combinations that training never shows; return the file name of each with its words."""
    folder.mkdir()
    named: dict[str, str] = {}
    for question in held_out(4 * count, 1).questions:
        words = question.classes[question.answer]
        if words not in named.values() and len(named) < count:
            name = f"{len(named):02}.png"
            question.picture.save(folder / name)  # type: ignore[union-attr]
            named[name] = words
    return named


@pytest.mark.slow
def test_the_smoke_run_learns_and_the_program_searches_with_it(tmp_path: Path) -> None:
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"), str(tmp_path / "home"))
    environment = os.environ | homes | {"CLIPSEARCH_MODELS": str(tmp_path / "models")}
    named = held_out_scenes(tmp_path / "pictures", 24)

    result = lines(environment, "training", "train", "--config", SMOKE, "--out", tmp_path / "run")[-1]
    assert result["steps"] == runs.read(SMOKE).loop.steps
    assert result["zero_shot_accuracy"] > 50 * result["chance"]

    lines(environment, "training", "export", result["checkpoint"], "--out", tmp_path / "package", "--name", "smoke")
    lines(environment, "clipsearch", "models", "import", tmp_path / "package", "--json")
    lines(environment, "clipsearch", "models", "use", "smoke", "--json")
    lines(environment, "clipsearch", "index", tmp_path / "pictures", "--json")
    found = {}
    for name, words in Random(0).sample(sorted(named.items()), 12):
        first = lines(environment, "clipsearch", "search", words, "--limit", 1, "--json")[0]
        found[name] = Path(first["path"]).name
    assert sum(name == first for name, first in found.items()) >= 6  # by chance it would be one in two
