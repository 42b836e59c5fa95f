"""A library without disk or model: photos are numbers, and a photo's "subject" is its number's remainder."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtGui import QColor, QImage

from clipsearch.errors import ArchitectureUnknownError, ClipsearchError, UnreadablePhotoError
from clipsearch.records import (
    Folder,
    Hit,
    IndexCounts,
    ModelInfo,
    ModelProgress,
    ModelStage,
    Photo,
    Problem,
    Progress,
    Relevance,
    Stage,
    Status,
)
from clipsearch.settings import Settings
from clipsearch.ui.library_access import LibraryAccess, Overview
from tests.ui.fake_categories import FakeCategories

SUBJECTS = ("dog", "cat", "boat", "tree", "house", "flower")


def photo_of(photo_id: int) -> Photo:
    name = f"{SUBJECTS[photo_id % len(SUBJECTS)]}_{photo_id}.jpg"
    paths = (Path("/photos") / name,)
    return Photo(
        photo_id,
        f"{photo_id:032x}",
        4000,
        3000,
        2_500_000,
        1_700_000_000_000_000_000,
        paths,
        "JPEG",
        captured_at="2024-05-01T12:34:56.500",
        camera="Make Model",
    )


STARTER = ModelInfo(
    name="starter",
    title="Starter",
    licence="Apache-2.0",
    source="starter",
    repository=None,
    revision="1",
    dim=512,
    size_px=260,
    languages=("en",),
    accuracy=None,
    speed="fast",
    needs_conversion=False,
    download_bytes=None,
    installed=True,
    disk_bytes=40_000_000,
    chosen=True,
    answering=True,
    recommended=False,
)
OFFERED = replace(
    STARTER,
    name="large",
    title="Large model",
    licence="MIT",
    source="hub",
    repository="someone/large",
    accuracy=72.8,
    speed="medium",
    download_bytes=600_000_000,
    installed=False,
    disk_bytes=None,
    chosen=False,
    answering=False,
    recommended=True,
)


class FakeLibrary(LibraryAccess):
    """Answers like a library of `count` photos; `index` makes more of them, `step` by `step`."""

    is_read_only = False
    folder = Path("/library")

    def __init__(self, count: int = 0) -> None:
        self.ids = list(range(count, 0, -1))
        self.added_folders = [Folder(1, Path("/photos"))] if count else []
        self.unreachable: set[Path] = set()
        self.found_problems: list[Problem] = []
        self.asked: list[object] = []
        self.fetched: list[int] = []
        self.bursts: dict[int, list[int]] = {}
        self.in_folder: dict[int, list[int]] = {}
        self.preferred: Path | None = None
        self.chosen_settings = Settings()
        self.held_back: list[Folder] = []
        self.confirmed: list[list[Path]] = []
        self.indexed: list[object] = []
        self.happened: list[object] = []
        self.looked_at: list[object] = []
        self.change_errors: list[Exception] = []
        self.may_look = threading.Event()
        self.may_look.set()
        self.steps = 5
        self.step_s = 0.0
        self.is_closed = False
        self.generator_closed = threading.Event()
        self.may_open = threading.Event()
        self.may_open.set()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.open_error: Exception | None = None
        self.backup_note = ""
        self.known_models = [OFFERED, STARTER]
        self.chosen_model = "fake"
        self.engine = ""
        self.network_error: Exception | None = None
        self.may_download = threading.Event()
        self.may_download.set()
        self.shelf = FakeCategories(self)

    def categories(self) -> FakeCategories:
        return self.shelf

    def repair(self) -> list[str]:
        self.open_error = None
        return ["The catalog was damaged; it is kept.", "Read from it: all."]

    def back_up(self) -> str:
        return self.backup_note

    def open(self) -> None:
        self.may_open.wait(5)
        if self.open_error:
            raise self.open_error

    def warm_up(self) -> None:
        pass

    def settings(self) -> Settings:
        return self.chosen_settings

    def change_settings(self, chosen: Settings) -> None:
        self.chosen_settings = chosen

    def close(self) -> None:
        self.is_closed = True

    def index(
        self, folders: Sequence[Path] | None, retry_problems: bool = False
    ) -> Generator[Progress, None, IndexCounts]:
        self.indexed.append((folders, retry_problems))
        for path in folders or []:
            if path.name == "missing":
                raise ClipsearchError("Folder not found", f"There is no folder {path}.", path)
            self.added_folders.append(Folder(len(self.added_folders) + 1, path))
        try:
            for done in range(self.steps):
                self.ids.insert(0, max(self.ids, default=0) + 1)
                time.sleep(self.step_s)
                yield Progress(Stage.ENCODING, done + 1, self.steps, IndexCounts(added=done + 1), 1.0, 10.0, 5.0)
        finally:
            self.generator_closed.set()
        return IndexCounts(added=self.steps)

    def confirm_removals(self, folders: Sequence[Path]) -> Generator[Progress, None, IndexCounts]:
        self.confirmed.append(list(folders))
        self.found_problems, self.held_back = [], []
        yield Progress(Stage.SCANNING, 0, 0, IndexCounts(), 1.0)
        return IndexCounts(removed=7)

    def changes(self, stop: threading.Event) -> Generator[object, None, None]:
        while not stop.wait(0.01):
            while self.happened:
                yield self.happened.pop(0)

    def index_changes(self, changes: object) -> Generator[Progress, None, IndexCounts]:
        self.looked_at.append(changes)
        if self.change_errors:
            raise self.change_errors.pop()
        while not self.may_look.wait(0.01):
            yield Progress(Stage.SCANNING, 0, 0, IndexCounts(), 1.0)
        self.ids.insert(0, max(self.ids, default=0) + 1)
        yield Progress(Stage.DONE, 1, 1, IndexCounts(added=1), 1.0)
        return IndexCounts(added=1)

    def models(self) -> list[ModelInfo]:
        return list(self.known_models)

    def ask_for_model(self, name: str) -> ModelInfo:
        self.asked.append(name)
        if self.network_error:
            raise self.network_error
        model = next(model for model in self.known_models if model.name == name)
        return replace(model, download_bytes=600_000_000)

    def install_model(self, name: str) -> Generator[ModelProgress, None, ModelInfo]:
        yield ModelProgress(ModelStage.DOWNLOADING, 150_000_000, 600_000_000)
        while not self.may_download.wait(0.01):
            yield ModelProgress(ModelStage.DOWNLOADING, 300_000_000, 600_000_000)
        if name == "broken":
            raise ClipsearchError("Model not installed", "The download is damaged.")
        return self._change_model(name, installed=True, disk_bytes=600_000_000)

    def import_model(self, path: Path, architecture: str | None = None) -> Generator[ModelProgress, None, ModelInfo]:
        yield ModelProgress(ModelStage.CHECKING, 0, None)
        if path.stem == "unclear" and architecture is None:
            raise ArchitectureUnknownError("Which one is it?", path, ["ViT-B-32", "ViT-B-32-quickgelu"])
        self.asked.append(architecture)
        while not self.may_download.wait(0.01):
            yield ModelProgress(ModelStage.CHECKING, 0, None)
        imported = replace(OFFERED, name=path.stem, title=path.stem, source="imported", installed=True)
        self.known_models.append(imported)
        return imported

    def use_model(self, name: str) -> None:
        self.known_models = [replace(model, chosen=model.name == name) for model in self.known_models]

    def remove_model(self, name: str) -> int:
        self._change_model(name, installed=False)
        return 600_000_000

    def _change_model(self, name: str, **changes: object) -> ModelInfo:
        changed = {model.name: replace(model, **changes) for model in self.known_models if model.name == name}
        self.known_models = [changed.get(model.name, model) for model in self.known_models]
        return changed[name]

    def search_text(self, query: str, limit: int) -> list[Hit]:
        self.asked.append(query)
        self.may_answer.wait(5)
        if query == "fail":
            raise RuntimeError("the model fell over")
        ids = [id_ for id_ in self.ids if SUBJECTS[id_ % len(SUBJECTS)] == query]
        others = [id_ for id_ in self.ids if id_ not in ids] if ids else []
        return self._hits(ids, others, limit)

    def search_image(self, path: Path, limit: int) -> list[Hit]:
        self.asked.append(path)
        return self._hits(self.ids[:3], [], limit)

    def search_photo(self, photo_id: int, limit: int) -> list[Hit]:
        self.asked.append(photo_id)
        return self._hits([id_ for id_ in self.ids if id_ % len(SUBJECTS) == photo_id % len(SUBJECTS)], [], limit)

    def prefer(self, folder: Path | None) -> None:
        self.preferred = folder

    def overview(self, folder: Folder | None = None) -> Overview:
        count = len(self.ids)
        status = Status(count, count, count, 0, len(self.found_problems), 0, "fake", self.chosen_model)
        held_back = list(self.held_back)
        problems = list(self.found_problems)
        ids = self.ids if folder is None else self.in_folder.get(folder.id, [])
        return Overview(list(ids), list(self.added_folders), problems, status, self.engine, held_back, folder)

    def photos(self, ids: Sequence[int]) -> list[Photo]:
        self.fetched.extend(ids)
        return [photo_of(id_) for id_ in ids]

    def burst(self, photo_id: int) -> list[Photo]:
        return [photo_of(id_) for id_ in self.bursts.get(photo_id, [])]

    def check_folders(self) -> tuple[list[Folder], list[Folder]]:
        recorded = self.added_folders
        self.added_folders = [replace(folder, offline=folder.path in self.unreachable) for folder in recorded]
        return recorded, list(self.added_folders)

    def remove_folder(self, folder_id: int) -> None:
        self.added_folders = [folder for folder in self.added_folders if folder.id != folder_id]
        self.ids = []

    def thumbnail(self, photo: Photo) -> QImage | None:
        image = QImage(320, 240, QImage.Format.Format_RGB32)
        image.fill(QColor.fromHsv(photo.id * 47 % 360, 120, 200))
        return image

    def picture(self, path: Path, max_side: int) -> QImage:
        if "cat" in path.name:
            raise UnreadablePhotoError("This file is cut off.", path)
        image = QImage(1600, 1200, QImage.Format.Format_RGB32)
        image.fill(QColor("steelblue"))
        return image

    def _hits(self, sure: Sequence[int], weak: Sequence[int], limit: int) -> list[Hit]:
        kinds = [Relevance.STRONG if rank < 2 else Relevance.LIKELY for rank in range(len(sure))]
        kinds += [Relevance.WEAK] * len(weak)
        pairs = zip([*sure, *weak][:limit], kinds, strict=False)
        return [Hit(rank, photo_of(id_), 1 / rank, kind) for rank, (id_, kind) in enumerate(pairs, 1)]
