"""Installing, importing, choosing and removing models, with a hub on this machine and tiny models."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from clipsearch.encode import convert, shelf
from clipsearch.encode import download as downloads
from clipsearch.encode.offers import offers
from clipsearch.encode.package import load_package
from clipsearch.errors import ClipsearchError, ConversionError, DownloadError, PackageError
from clipsearch.library import acquire, trial
from clipsearch.library import models as use_cases
from clipsearch.library.library import Library
from clipsearch.library.models import ask_for, find_model, import_model, install, models, remove, use
from clipsearch.library.search import search_text
from clipsearch.library.trial import encode_something, try_out
from clipsearch.paths import resource_path
from clipsearch.records import ModelInfo, ModelProgress, ModelStage
from clipsearch.settings import Settings
from tests.conftest import Index
from tests.hub_server import REVISION, Hub, serving
from tests.pictures import paint
from tests.tiny_models import DIM, SIZE, image_tower, immich_files, write_files

NAME, REPOSITORY = "ViT-B-32__openai", "immich-app/ViT-B-32__openai"
CHECKPOINT = "timm/vit_base_patch32_clip_224.openai"
LIGHT, LIGHT_REPOSITORY = "ViT-B-32-256__datacomp_s34b_b86k", "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models folder; models are tried in this process, except where that is what is tested."""
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(use_cases, "try_out", try_here)
    monkeypatch.setattr(downloads, "_PAUSE_S", 0.0)
    monkeypatch.setattr(acquire, "gpu_sign", lambda: "")
    return tmp_path / "models"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(**{REPOSITORY: immich_files()}) as hub:
        yield hub


@pytest.fixture
def settings(hub: Hub) -> Settings:
    return Settings(hub_mirror=hub.url, decode_workers=1)


@pytest.fixture
def library(tmp_path: Path, settings: Settings) -> Iterator[Library]:
    with Library.open(tmp_path / "library", settings) as opened:
        yield opened


def finish(run: Generator[ModelProgress, None, ModelInfo]) -> ModelInfo:
    while True:
        try:
            next(run)
        except StopIteration as end:
            return cast(ModelInfo, end.value)


def try_here(folder: Path) -> Iterator[ModelProgress]:
    """Try a package as the real one does, but in this process."""
    yield ModelProgress(ModelStage.CHECKING, 0, None)
    encode_something(folder)


def left(root: Path) -> list[str]:
    return sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


def stand_in(source: Path, folder: Path, **facts: Any) -> Iterator[ModelProgress]:
    """Convert as the real one does, but whatever the checkpoint holds becomes the starter model."""
    yield ModelProgress(ModelStage.CONVERTING, 0, None)
    assert (source / "open_clip_model.safetensors" if source.is_dir() else source).read_bytes() == b"w" * 50_000
    shutil.copytree(resource_path("models/starter"), folder)
    replace(load_package(folder), name=facts["name"], title=facts["title"], architecture=facts["architecture"]).write()


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquire, "convert", stand_in)


# What there is


def test_the_starter_and_the_offers_are_listed_without_a_network() -> None:
    starter, *offered = models()
    assert (starter.name, starter.source, starter.installed) == ("starter", "starter", True)
    assert starter.disk_bytes == shelf.size_bytes(resource_path("models/starter"))
    assert [info.name for info in offered] == [offer.name for offer in offers()]
    assert {(info.source, info.installed, info.disk_bytes, info.revision) for info in offered} == {
        ("hub", False, None, None)
    }


def test_the_library_says_which_is_chosen_and_which_answers(library: Library) -> None:
    (info,) = [info for info in models(library) if info.chosen]
    assert (info.name, info.answering) == ("starter", True)


def test_a_damaged_package_is_listed_and_can_be_removed(root: Path) -> None:
    write_files({"model.json": b"{", "more": b"123456789"}, root / "broken")
    info = models()[-1]
    assert (info.name, info.installed, info.disk_bytes) == ("broken", True, 10)
    assert "not usable" in info.title
    assert remove(None, "broken") == 10
    assert find_model("starter").installed


# Installing


def test_the_size_is_told_before_anything_is_downloaded(hub: Hub, settings: Settings) -> None:
    info = ask_for(NAME, settings)
    wanted = [path for path in immich_files() if path != "README.md" and "armnn" not in path and "merges" not in path]
    assert info.download_bytes == sum(len(immich_files()[path]) for path in wanted)
    assert (info.repository, info.revision, info.needs_conversion) == (REPOSITORY, REVISION, False)
    assert [path for _, path, _ in hub.requests] == [f"/api/models/{REPOSITORY}"]


def test_a_ready_made_model_is_installed(settings: Settings, root: Path) -> None:
    steps = list(install("vit-b-32__openai", settings))
    assert list(dict.fromkeys(step.stage for step in steps)) == [
        ModelStage.DOWNLOADING, ModelStage.CHECKING, ModelStage.DONE,
    ]  # fmt: skip
    info = find_model(NAME)
    assert (info.installed, info.source, info.repository, info.revision) == (True, "hub", REPOSITORY, REVISION)
    assert (info.dim, info.size_px, info.accuracy, info.licence) == (DIM, SIZE, 63.3, "MIT")
    assert info.disk_bytes == sum((root / path).stat().st_size for path in left(root))
    assert {path.split("/")[0] for path in left(root)} == {NAME}


def test_the_source_is_recorded_with_a_checksum_of_each_file(settings: Settings, root: Path) -> None:
    finish(install(NAME, settings))
    source = json.loads((root / NAME / "model.json").read_text("utf-8"))["source"]
    assert (source["repository"], source["revision"]) == (REPOSITORY, REVISION)
    assert sorted(source["files"]) == [path for path in sorted(immich_files()) if (root / NAME / path).exists()]
    assert all(len(digest) == 64 for digest in source["files"].values())


def test_an_installed_model_indexes_and_finds(
    library: Library, settings: Settings, folder: Path, index: Index, inline: object
) -> None:
    for colour in ("red", "lime", "blue"):
        paint(folder / f"{colour}.png", colour)
    finish(install(NAME, settings))
    use(library, NAME)
    assert index(library, folder).added == 3
    assert library.answering.package.name == NAME
    assert search_text(library, "blue", 1)[0].photo.path.name == "blue.png"
    assert next(info for info in models(library) if info.chosen).name == NAME


def test_what_was_closed_midway_goes_on_next_time(hub: Hub, settings: Settings, root: Path) -> None:
    hub.repositories[REPOSITORY] = immich_files(1.0, 1_000_000)
    run = install(NAME, settings)
    while next(run).done_bytes < 2_000_000:
        pass
    run.close()
    assert shelf.names() == []
    assert any(path.endswith(".part") for path in left(root))
    hub.requests.clear()
    before = hub.sent
    assert finish(install(NAME, settings)).installed
    assert hub.asked("visual/model.onnx")[0] is not None
    assert hub.sent - before < 2_500_000
    assert {path.split("/")[0] for path in left(root)} == {NAME}


def test_a_newer_revision_of_the_repository_replaces_what_an_interrupted_install_had(
    hub: Hub, settings: Settings, root: Path
) -> None:
    hub.repositories[REPOSITORY] = {**immich_files(), "visual/old_tensor": b"old"}
    run = install(NAME, settings)
    while next(run).stage is not ModelStage.CHECKING or not any(path.endswith("old_tensor") for path in left(root)):
        pass
    run.close()
    hub.repositories[REPOSITORY] = immich_files(2.0)
    finish(install(NAME, settings))
    assert (root / NAME / "visual/model.onnx").read_bytes() == immich_files(2.0)["visual/model.onnx"]
    assert not (root / NAME / "visual/old_tensor").exists()


def test_a_damaged_download_is_refused_and_leaves_nothing(hub: Hub, settings: Settings, root: Path) -> None:
    hub.damaged.add("textual/tokenizer.json")
    with pytest.raises(DownloadError, match="damaged"):
        finish(install(NAME, settings))
    assert shelf.names() == left(root) == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"visual/model.onnx": b"no model at all"}, "cannot be loaded"),
        ({"config.json": json.dumps({"embed_dim": 7, "text_cfg": {}}).encode()}, "vector of 7 numbers"),
        ({"config.json": b"{"}, "cannot be read"),
        ({"textual/tokenizer.json": b"{}"}, "misstates"),
        ({"visual/model.onnx": image_tower(float("nan"))}, "not numbers"),
    ],
)
def test_a_model_that_does_not_work_is_refused_and_leaves_nothing(
    hub: Hub, settings: Settings, root: Path, files: dict[str, bytes], reason: str
) -> None:
    hub.repositories[REPOSITORY] = immich_files() | files
    with pytest.raises(PackageError, match=reason) as failed:
        finish(install(NAME, settings))
    assert failed.value.path is None
    assert ".staging" not in failed.value.message
    assert shelf.names() == left(root) == []


def test_a_hostile_repository_writes_nothing_outside(hub: Hub, settings: Settings, tmp_path: Path, root: Path) -> None:
    hub.repositories[REPOSITORY] = immich_files() | {"../evil": b"x", "visual/..": b"x", "textual/a\\..\\b": b"x"}
    with pytest.raises(DownloadError, match="not safe"):
        finish(install(NAME, settings))
    assert left(root) == []
    assert not list(tmp_path.rglob("*evil*"))


def test_a_full_disk_leaves_nothing(settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "_write", full)
    with pytest.raises(DownloadError, match="is full; please free some space"):
        finish(install(NAME, settings))
    assert shelf.names() == left(root) == []


def test_no_network_is_one_sentence_and_keeps_what_is_there(root: Path) -> None:
    half = write_files({"onnx/visual/model.onnx.part": b"half"}, root / ".staging" / NAME)
    with pytest.raises(DownloadError, match="cannot be reached; check the connection, or set a mirror"):
        finish(install(NAME, Settings(hub_mirror="http://127.0.0.1:9")))
    assert (half / "onnx/visual/model.onnx.part").exists()


def test_an_unknown_or_installed_name_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(ClipsearchError, match="No model on offer is called 'nothing'"):
        finish(install("nothing", settings))
    finish(install(NAME, settings))
    with pytest.raises(ClipsearchError, match=r"installed already; to install it anew, remove it first\.$"):
        finish(install(NAME, settings))


# Checkpoints


@pytest.mark.usefixtures("converter")
def test_a_checkpoint_is_converted(hub: Hub, settings: Settings, root: Path) -> None:
    weights = {
        "open_clip_model.safetensors": b"w" * 50_000,
        "open_clip_pytorch_model.bin": b"evil",
        "config.json": b"{}",
    }
    hub.repositories[LIGHT_REPOSITORY] = weights
    stages = dict.fromkeys(step.stage for step in install(LIGHT, settings))
    assert list(stages) == [ModelStage.DOWNLOADING, ModelStage.CHECKING, ModelStage.CONVERTING, ModelStage.DONE]
    package = load_package(shelf.find(LIGHT))
    assert package.source is not None
    assert sorted(package.source.files) == ["config.json", "open_clip_model.safetensors"]
    assert (package.architecture, package.languages) == ("ViT-B-32-256", ("en",))
    assert hub.asked("open_clip_pytorch_model.bin") == []
    assert {path.split("/")[0] for path in left(root)} == {LIGHT}


@pytest.mark.usefixtures("converter")
def test_where_the_ready_made_model_is_gone_its_checkpoint_is_taken(hub: Hub, settings: Settings) -> None:
    hub.repositories = {CHECKPOINT: {"open_clip_model.safetensors": b"w" * 50_000}}
    assert finish(install(NAME, settings)).repository == CHECKPOINT


@pytest.mark.usefixtures("converter")
def test_with_a_gpu_the_checkpoint_is_taken_as_only_that_brings_weights(
    hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acquire, "gpu_sign", lambda: "Nvidia GPU")
    hub.repositories[CHECKPOINT] = {"open_clip_model.safetensors": b"w" * 50_000}
    assert finish(install(NAME, settings)).repository == CHECKPOINT
    shelf.remove(NAME)
    del hub.repositories[CHECKPOINT]
    assert finish(install(NAME, settings)).repository == REPOSITORY


def test_without_torch_a_checkpoint_says_what_to_install(
    hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(
        ConversionError, match=r"needs torch, not installed here: pip install \"clipsearch\[convert\]\""
    ):
        finish(install(LIGHT, settings))
    assert hub.requests == []
    assert finish(install(NAME, settings)).installed


@pytest.mark.usefixtures("converter")
def test_a_checkpoint_on_this_machine_is_imported(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "my model" / "open_clip_model.safetensors"
    write_files({path.name: b"w" * 50_000}, path.parent)
    info = finish(import_model(path, settings, architecture="ViT-B-32"))
    assert (info.name, info.source, info.licence) == ("my-model", "imported", "Apache-2.0")
    assert load_package(shelf.find("my-model")).architecture == "ViT-B-32"


# Importing


def test_a_folder_of_onnx_towers_is_imported(tmp_path: Path, settings: Settings, root: Path) -> None:
    folder = write_files(immich_files(), tmp_path / "Colours")
    before = sorted(folder.rglob("*"))
    info = finish(import_model(folder, settings))
    assert (info.name, info.source, info.repository, info.accuracy, info.speed) == (
        "Colours",
        "imported",
        None,
        None,
        "",
    )
    assert models()[-1] == info
    assert not any("armnn" in path or "README" in path for path in left(root))
    assert sorted(folder.rglob("*")) == before


def test_a_package_is_imported_under_its_own_or_a_given_name(tmp_path: Path, settings: Settings) -> None:
    folder = write_files(immich_files(), tmp_path / "x")
    finish(import_model(folder, settings, "first"))
    assert finish(import_model(shelf.find("first"), settings, "second")).name == "second"
    assert load_package(shelf.find("second")).name == "second"
    with pytest.raises(ClipsearchError, match="first is installed already"):
        finish(import_model(shelf.find("first"), settings))
    with pytest.raises(ClipsearchError, match="starter is installed already"):
        finish(import_model(resource_path("models/starter"), settings))


def test_an_import_that_fails_or_is_stopped_leaves_nothing(tmp_path: Path, settings: Settings, root: Path) -> None:
    broken = write_files(immich_files() | {"textual/model.onnx": b"broken"}, tmp_path / "x")
    with pytest.raises(PackageError) as failed:
        finish(import_model(broken, settings))
    assert failed.value.path == broken
    assert ".staging" not in failed.value.message
    assert left(root) == []
    run = import_model(write_files(immich_files(), tmp_path / "y"), settings)
    next(run)
    assert left(root) != []
    run.close()
    assert left(root) == []


def test_nothing_hidden_is_imported(tmp_path: Path, settings: Settings) -> None:
    finish(import_model(write_files(immich_files(), tmp_path / "x"), settings, "first"))
    package = shutil.copytree(shelf.find("first"), tmp_path / ".mine" / "package")
    write_files(
        {".git/config": b"x", ".git/refs/heads/main": b"x", ".DS_Store": b"x", "visual/.cache/a": b"x"}, package
    )
    finish(import_model(package, settings, "second"))
    assert left(shelf.find("second")) == left(shelf.find("first"))


def test_what_a_killed_import_left_is_no_part_of_the_next(tmp_path: Path, settings: Settings, root: Path) -> None:
    write_files({"package/visual/old_tensor": b"old"}, root / ".staging" / "x")
    finish(import_model(write_files(immich_files(), tmp_path / "x"), settings))
    assert not (shelf.find("x") / "visual/old_tensor").exists()


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="needs a user who may not read everything")
def test_a_folder_that_may_not_be_read_says_so(tmp_path: Path, settings: Settings) -> None:
    folder = write_files(immich_files(), tmp_path / "x")
    folder.chmod(0)
    try:
        with pytest.raises(PackageError, match="cannot be read"):
            finish(import_model(folder, settings))
    finally:
        folder.chmod(0o755)


def test_what_cannot_be_imported_says_why(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(PackageError, match="There is no file or folder"):
        finish(import_model(tmp_path / "nothing", settings))
    with pytest.raises(PackageError, match="holds no model"):
        finish(import_model(tmp_path, settings))
    with pytest.raises(ClipsearchError, match="cannot be a model's name"):
        finish(import_model(write_files(immich_files(), tmp_path / "模型"), settings))


# Choosing and removing


def test_a_model_that_is_not_installed_cannot_be_used(library: Library) -> None:
    with pytest.raises(ClipsearchError, match="No model called 'nothing' is installed"):
        use(library, "nothing")


def test_an_installed_model_is_removed_and_frees_its_disk(library: Library, settings: Settings, root: Path) -> None:
    info = finish(install(NAME, settings))
    assert remove(library, NAME.lower()) == info.disk_bytes
    assert left(root) == []
    assert not find_model(NAME).installed


def test_the_model_in_use_is_not_removed(
    library: Library, settings: Settings, folder: Path, index: Index, inline: object
) -> None:
    paint(folder / "red.png", "red")
    index(library, folder)
    finish(install(NAME, settings))
    use(library, NAME)
    assert library.answering.package.name == "starter"
    with pytest.raises(ClipsearchError, match=f"{NAME} is in use"):
        remove(library, NAME)
    index(library)
    use(library, "starter")
    assert library.answering.package.name == "starter"
    remove(library, NAME)
    with pytest.raises(ClipsearchError, match="comes with the program"):
        remove(library, "starter")


# Trying a package out


def test_a_package_is_tried_in_another_process(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(import_model(write_files(immich_files(), tmp_path / "x"), settings))
    assert {step.stage for step in try_out(shelf.find("x"))} == {ModelStage.CHECKING}
    (shelf.find("x") / "textual/model.onnx").write_bytes(b"")
    with pytest.raises(PackageError, match=r"model\.onnx"):
        list(try_out(shelf.find("x")))
    monkeypatch.setattr(trial, "_TIMEOUT_S", 0.0)
    with pytest.raises(PackageError, match="cannot be used on this machine"):
        list(try_out(resource_path("models/starter")))


def never_done(folder: Path) -> None:
    time.sleep(600)


def test_a_trial_can_be_stopped_at_once_and_leaves_nothing(
    tmp_path: Path, settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "try_out", try_out)
    monkeypatch.setattr(trial, "encode_something", never_done)
    run = import_model(write_files(immich_files(), tmp_path / "x"), settings)
    while not multiprocessing.active_children():
        next(run)
    assert [next(run).stage for _ in range(3)] == [ModelStage.CHECKING] * 3
    began = time.monotonic()
    run.close()
    assert time.monotonic() - began < 10
    assert multiprocessing.active_children() == []
    assert left(root) == []
