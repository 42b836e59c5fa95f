"""What the engine room's tests share: a folder of photos, a library with a fast encoder, a run without processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clipsearch.library.indexing import reading
from clipsearch.library.indexing import run as indexing
from clipsearch.library.library import Library
from clipsearch.records import IndexCounts
from tests.fakes import InlinePool, fake_library

Index = Callable[..., IndexCounts]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as it is for what runs in the background; so would programs be
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_models_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the models folder of whoever runs the tests out of them."""
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path_factory.getbasetemp() / "models"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for photos."""
    path = tmp_path / "photos"
    path.mkdir()
    return path


@pytest.fixture
def colours(tmp_path: Path) -> Iterator[Library]:
    """An empty library whose encoder sees colours."""
    with fake_library(tmp_path / "library") as library:
        yield library


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> type[InlinePool]:
    """Decode in this process, for tests that are not about worker processes."""
    monkeypatch.setattr(reading, "WorkerPool", InlinePool)
    monkeypatch.setattr(InlinePool, "items", 0)
    return InlinePool


@pytest.fixture
def index() -> Index:
    """Index folders to the end and return the counts."""

    def run(library: Library, *folders: Path, **options: Any) -> IndexCounts:
        steps = list(indexing.index_folders(library, list(folders) or None, **options))
        return steps[-1].counts

    return run
