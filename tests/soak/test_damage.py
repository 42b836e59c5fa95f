"""Bytes of a catalog are flipped at random: nothing but sentences comes of it, and a repair and a run mend it all."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from clipsearch.errors import CatalogError
from clipsearch.library import overview, upkeep
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import repair, verify
from tests.conftest import Index
from tests.fakes import fake_library
from tests.pictures import paint

PHOTOS = 120
JUDGED = 30
USES: tuple[Callable[[Library], object], ...] = (
    overview.status,
    overview.problems,
    overview.folders,
    lambda library: overview.photos(library, overview.photo_ids(library)),
    lambda library: search_text(library, "red"),
    lambda library: library.catalog.labels.judgements(1),
    lambda library: library.catalog.labels.add("Sea"),
    upkeep.back_up,
    verify,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(PHOTOS):
        paint(tmp_path / "photos" / f"dir {number % 5}" / f"{number}.png", (number, 255 - number, 99))
    return tmp_path / "photos"


@pytest.fixture
def library_folder(tmp_path: Path, folder: Path, inline: object, index: Index) -> Path:
    """A library with photos, judgements and a backup, closed."""
    with fake_library(tmp_path / "library") as library:
        index(library, folder)
        library.catalog.labels.judge(library.catalog.labels.add("Sea"), library.catalog.photos.ids()[:JUDGED], True)
        assert upkeep.back_up(library) == ""
    return tmp_path / "library"


def flip(path: Path, choose: random.Random, count: int) -> None:
    content = bytearray(path.read_bytes())
    for position in choose.choices(range(len(content)), k=count):
        content[position] ^= choose.randrange(1, 256)
    path.write_bytes(content)


def use(folder: Path, index: Index) -> None:
    """Do with the library what the program does; what is wrong with the catalog may be told and nothing else."""
    with suppress(CatalogError), fake_library(folder) as library:
        for action in (*USES, index):
            with suppress(CatalogError):
                action(library)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_are_told_repaired_and_completed(library_folder: Path, index: Index, seed: int) -> None:
    choose = random.Random(seed)
    flip(library_folder / "catalog.sqlite", choose, choose.choice([1, 3, 10, 30, 100]))
    use(library_folder, index)
    repair(library_folder, lambda: fake_library(library_folder))
    with fake_library(library_folder) as library:
        index(library)
        assert verify(library).findings == []
        status = overview.status(library)
        assert (status.files, status.pending, status.problems) == (PHOTOS, 0, 0)
        assert len(library.catalog.labels.judgements(library.catalog.labels.categories()["Sea"])) >= JUDGED - 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400))
def test_flipped_bytes_three_hundred_times(library_folder: Path, index: Index, seed: int) -> None:
    test_flipped_bytes_are_told_repaired_and_completed(library_folder, index, seed)


def clipsearch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clipsearch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_says_what_to_do_and_does_it(library_folder: Path) -> None:
    catalog = library_folder / "catalog.sqlite"
    catalog.write_bytes(bytes(100) + catalog.read_bytes()[100:])
    for command in (["status"], ["verify"], ["search", "red"], ["index"]):
        said = clipsearch(*command, "--library", library_folder)
        assert (said.returncode, said.stdout, said.stderr.count("\n")) == (1, "", 1)
        assert "it is damaged; `clipsearch verify --repair` saves what can be saved." in said.stderr
    mended = clipsearch("verify", "--repair", "--library", library_folder)
    assert (mended.returncode, mended.stdout) == (0, "Everything agrees.\n")
    assert f"{PHOTOS} photos, {PHOTOS} files" in mended.stderr
    assert clipsearch("verify", "--library", library_folder).returncode == 0


def test_the_program_refuses_a_newer_library(library_folder: Path) -> None:
    with closing(sqlite3.connect(library_folder / "catalog.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (["status"], ["verify", "--repair"]):
        said = clipsearch(*command, "--library", library_folder)
        assert (said.returncode, said.stderr.count("\n")) == (1, 1)
        assert "made by a newer clipsearch; please install the newest one." in said.stderr
