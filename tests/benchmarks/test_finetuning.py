"""Fine-tuning by 16 pictures a class: what each method gains, and what it forgets.

A small model learns from drawings and emoji of many hands, but neither from clip art, whose kinds it is then tuned to,
nor from one of the styles of emoji, whose names it must keep knowing. Everything is made by the commands of the
training package; what is there already (the download, the set, the trained model) is not made again.
"""

from __future__ import annotations

import csv
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.stamps import CACHE
from training import run as runs
from training.finetuning.settings import RATES
from training.loop.folder import RESULT

CONFIG = Path(runs.__file__).parent / "configs" / "drawings.toml"
SHOTS = os.environ.get("CLIPSEARCH_BENCHMARK_SHOTS", "16")
DRAWS = os.environ.get("CLIPSEARCH_BENCHMARK_DRAWS", "3")
RATE = os.environ.get("CLIPSEARCH_BENCHMARK_RATE", "10")  # times the usual ones, which suit larger models
KEPT = 1400  # emoji whose names the model must keep knowing

#: folder of the clip art -> what its pictures are called
KINDS = {
    "animals/birds": "bird",
    "animals/bugs": "insect",
    "animals/mammals": "mammal",
    "buildings/homes": "house",
    "food/beverages": "drink",
    "food/breads_and_carbs": "bread",
    "food/desserts": "dessert",
    "food/fruit": "fruit",
    "food/meats_and_eggs": "meat",
    "people/clothing": "clothing",
    "people/smilies": "smiley",
    "people/stickmen": "stick figure",
    "plants/flowers": "flower",
    "recreation/music": "musical instrument",
    "recreation/sports": "sport",
    "shapes/arrows": "arrow",
    "signs_and_symbols/weather": "weather",
    "tools/weapons": "weapon",
    "transportation/boating": "boat",
    "transportation/roadsigns": "road sign",
}
CLIP_ART, STAMPS, EMOJI_3D = "debian:openclipart", "debian:tuxpaint", "npm:@lobehub/fluent-emoji-3d"

Rows = Sequence[dict[str, str]]


def training(*words: object) -> None:
    """Run a command of the training package, whose output is shown."""
    subprocess.run([sys.executable, "-m", "training", *map(str, words)], check=True)


@pytest.fixture(scope="module")
def pairs() -> list[dict[str, str]]:
    """The curated drawings, with the paths of their pictures."""
    table = CACHE / "drawings-set" / "pairs.csv"
    if not table.is_file():
        options = ("--least-count", 5, "--pairs-per-query", 500)
        try:
            training("curate", "--fetch-drawings", CACHE / "drawings", "--out", table.parent, *options)
        except subprocess.CalledProcessError:
            pytest.skip("the drawings cannot be had")
    with table.open(encoding="utf-8", newline="") as lines:
        return [row | {"filepath": str(table.parent / row["filepath"])} for row in csv.DictReader(lines)]


@pytest.fixture(scope="module")
def folder() -> Path:
    path = CACHE / "finetuning"
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def clip_art(pairs: Rows, folder: Path) -> Path:
    """Folders of clip art, each named after what it shows."""
    out = emptied(folder / "clip-art")
    counts: Counter[str] = Counter()
    for row in pairs:
        kind = KINDS.get("/".join(Path(row["filepath"]).parts[-3:-1]))
        if row["source"].startswith(CLIP_ART) and kind:
            copied(row, out / kind, counts[kind])
            counts[kind] += 1
    return out


@pytest.fixture(scope="module")
def emoji(pairs: Rows, folder: Path) -> Path:
    """Folders of an emoji each, named after it: neither flags nor other skin tones."""
    out = emptied(folder / "emoji")
    three = [row for row in pairs if row["source"].startswith(EMOJI_3D) and re.fullmatch("[a-z -]+", row["title"])]
    names = Counter(row["title"] for row in three)
    single = sorted((row for row in three if names[row["title"]] == 1), key=lambda row: row["title"])
    for row in random.Random(0).sample(single, KEPT):
        copied(row, out / row["title"], 0)
    return out


@pytest.fixture(scope="module")
def model(pairs: Rows, folder: Path, emoji: Path) -> Path:
    """A model that has learned from all other drawings; its accuracy is that among the names of the emoji to keep."""
    table, run = folder / "pairs.csv", folder / "run"
    with table.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, ("filepath", "title"), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for row in pairs if not row["source"].startswith((CLIP_ART, STAMPS, EMOJI_3D)))
    if not (run / RESULT).is_file():
        values = {"data.path": table, "evaluation.classes": emoji, "evaluation.templates": "short"}
        training("train", "--config", CONFIG, "--out", run, *(f"--set={key}={value}" for key, value in values.items()))
    return run


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def copied(row: dict[str, str], folder: Path, number: int) -> None:
    source = Path(row["filepath"])
    folder = folder.with_name(folder.name.replace(" ", "_"))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / f"{number:03}{source.suffix}")


@pytest.mark.benchmark
def test_fine_tuning(model: Path, clip_art: Path, emoji: Path, folder: Path) -> None:
    rates = [f"--rate={method}={float(RATE) * rate:g}" for method, rate in RATES.items()]
    out = emptied(folder / "tuned")
    kept = ("--retention", emoji, "--retained", KEPT, "--templates", "{}")
    training("finetune", model, clip_art, "--out", out, *kept, "--shots", SHOTS, "--draws", DRAWS, *rates)
