"""What a process does that is killed meanwhile: `python -m tests.soak.actor WHAT PLACE [ARGUMENT...]`.

It says "ready" once all is loaded, and goes on then. Photos are decoded in the process and encoded by a fake, stored
four at a time, so that there are many moments to be killed at.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import alembic.command
import alembic.script  # noqa: F401
import faiss  # noqa: F401

from clipsearch.library import overview
from clipsearch.library.categories import applying, editing, judging
from clipsearch.library.indexing import reading
from clipsearch.library.indexing import run as indexing
from clipsearch.library.library import Library
from clipsearch.store.database import Database
from tests.fakes import InlinePool, fake_library


def main(arguments: list[str]) -> None:
    what, place, *rest = arguments
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if what == "upgrade":
        Database(Path(place)).close()
        return
    with fake_library(Path(place)) as library:
        ACTIONS[what](library, *rest)


def index(library: Library, *folders: str) -> None:
    """Bring the library up to date."""
    reading.WorkerPool = InlinePool  # type: ignore[misc, assignment]
    reading._STORED_TOGETHER = 4
    with closing(indexing.index_folders(library, [Path(folder) for folder in folders])) as steps:
        for _ in steps:
            pass


def remove(library: Library, path: str) -> None:
    """Forget a folder."""
    for folder in overview.folders(library):
        if folder.path == Path(path):
            overview.remove_folder(library, folder.id)


def judge(library: Library, seed: str) -> None:
    """Put some photos into a category and take some out, chosen by where they lie."""
    choose = random.Random(seed)
    category = library.catalog.labels.add(f"category {choose.randrange(5)}")
    by_path = {photo.path: photo.id for photo in overview.photos(library, overview.photo_ids(library))}
    for path in sorted(by_path):
        if choose.random() < 0.2:
            library.catalog.labels.judge(category, [by_path[path]], choose.random() < 0.7)


def teach(library: Library, seed: str, ledger: str) -> None:
    """Put photos into categories and take some out, one by one, let the model learn, and write down what was said.

    A line in the ledger, "category photo 0|1", is written once the judgement is made.
    """
    choose = random.Random(seed)
    categories = [info.category.id for info in editing.categories(library)]
    ids = overview.photo_ids(library)
    for _ in range(12):
        category, photo, is_member = choose.choice(categories), choose.choice(ids), choose.random() < 0.6
        judging.judge(library, category, [photo], is_member)
        with Path(ledger).open("a", encoding="utf-8") as stream:
            stream.write(f"{category} {photo} {int(is_member)}\n")
        applying.refresh(library)


ACTIONS: dict[str, Callable[..., None]] = {"index": index, "remove": remove, "judge": judge, "teach": teach}

if __name__ == "__main__":
    main(sys.argv[1:])
