"""Changing the model with real packages: two folders on the shelf, other processes, and one that is killed."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipsearch.encode.encoder import Encoder
from clipsearch.library import overview
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import verify
from clipsearch.paths import resource_path
from tests.conftest import Index
from tests.pictures import paint

DEMO = resource_path("demo")
SUBJECTS = {"dog.jpg": "a dog", "mountains.jpg": "mountains", "coffee.jpg": "a cup of coffee", "cat.jpg": "a cat"}
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of installed models, which holds one: the starter's twin, of another name and revision."""
    folder = tmp_path / "models"
    shutil.copytree(resource_path("models/starter"), folder / "twin")
    described = json.loads((folder / "twin" / "model.json").read_text("utf-8"))
    described |= {"name": "twin", "revision": "2", "title": "Twin"}
    described["preprocess"]["version"] = 7
    (folder / "twin" / "model.json").write_text(json.dumps(described), "utf-8")
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(folder))
    return folder


@pytest.fixture
def library(tmp_path: Path, models: Path, folder: Path, index: Index) -> Iterator[Library]:
    """The demo photos of four subjects, known to the starter."""
    for name in SUBJECTS:
        shutil.copy(DEMO / name, folder)
    with Library.open(tmp_path / "library") as library:
        index(library, folder)
        yield library


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "clipsearch", *map(str, arguments)]


def ask(library: Library, *arguments: object) -> list[dict[str, Any]]:
    """Ask another process."""
    line = command(*arguments, "--library", library.folder, "--json")
    return [json.loads(answer) for answer in subprocess.run(line, check=True, capture_output=True).stdout.splitlines()]


def assert_answers(library: Library, model: str) -> None:
    """Hold that this process and another find every subject with the model."""
    assert library.answering.package.name == model
    (status,) = ask(library, "status")
    assert status["model"] == library.answering.model_id
    for name, subject in SUBJECTS.items():
        assert search_text(library, subject)[0].photo.path.name == name
    assert Path(ask(library, "search", "a dog", "-n", "1")[0]["path"]).name == "dog.jpg"


def test_two_packages_change_places(library: Library, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    library.choose_model("twin")
    assert library.encoder.model_id == "twin-2-p7"
    assert_answers(library, "starter")
    index(library)
    assert_answers(library, "twin")
    assert ask(library, "verify") == [{"ok": True, "findings": []}]
    monkeypatch.setattr(Encoder, "encode_images", lambda *_: pytest.fail("a photo was encoded"))
    for name in ("starter", "twin", "starter"):
        library.choose_model(name)
        assert library.answering.package.name == name
    assert_answers(library, "starter")


def test_what_another_process_encoded_lets_the_new_model_answer_here(library: Library, folder: Path) -> None:
    library.choose_model("twin")
    assert_answers(library, "starter")
    (counts,) = ask(library, "index", folder)
    assert (counts["unchanged"], counts["added"]) == (4, 0)
    assert_answers(library, "twin")


def test_a_package_deleted_by_hand_leaves_the_starter_answering(
    library: Library, models: Path, tmp_path: Path, index: Index
) -> None:
    library.choose_model("twin")
    index(library)
    shutil.rmtree(models / "twin")
    with Library.open(library.folder) as without:
        assert_answers(without, "starter")
        assert "The model twin cannot be used" in overview.status(without).note
        assert verify(without).ok
    for arguments in (["status"], ["search", "a dog"]):
        line = command(*arguments, "--library", library.folder)
        said = subprocess.run(line, check=True, capture_output=True, text=True)
        assert (said.stdout + said.stderr).splitlines()[-1].endswith("until then starter answers.")


def test_a_package_cut_short_leaves_the_starter_answering(library: Library, models: Path, index: Index) -> None:
    library.choose_model("twin")
    index(library)
    for tower in ("image.onnx", "text.onnx"):
        (models / "twin" / tower).write_bytes(b"cut short")
    with Library.open(library.folder) as damaged:
        assert search_text(damaged, "a dog")[0].photo.path.name == "dog.jpg"
        assert damaged.answering.package.name == "starter"
        assert "cannot be loaded" in overview.status(damaged).note


@posix
def test_a_run_that_is_killed_goes_on_and_search_never_stops(library: Library, folder: Path, index: Index) -> None:
    for number in range(300):
        paint(folder / "plain" / f"{number}.png", (number % 256, number // 256, 90), (300, 300))
    index(library)
    library.choose_model("twin")
    run = command("index", folder, "--library", library.folder)
    running = subprocess.Popen(run, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not overview.status(library).embedded:
        time.sleep(0.05)
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    status = overview.status(library)
    assert 0 < status.embedded < 304
    assert status.note == f"starter answers until twin has caught up: {status.pending} photos to go."
    assert_answers(library, "starter")
    assert verify(library).ok
    index(library)
    assert_answers(library, "twin")
    assert verify(library).ok


def test_a_model_that_is_used_no_more_lets_go_of_its_memory_and_files(library: Library, index: Index) -> None:
    library.choose_model("twin")
    index(library)
    assert search_text(library, "a dog")[0].photo.path.name == "dog.jpg"
    twin = weakref.ref(library.answering)
    library.choose_model("starter")
    assert search_text(library, "a dog")[0].photo.path.name == "dog.jpg"
    gc.collect()
    assert twin() is None
