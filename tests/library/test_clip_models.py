"""A random CLIP model, served by a hub in both layouts: installed, indexed with, searched with, and changed."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest

from clipsearch.encode import shelf
from clipsearch.encode.convert import convert
from clipsearch.encode.encoder import Encoder
from clipsearch.encode.package import Package, load_package
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.library import Library
from clipsearch.library.models import install, remove, use
from clipsearch.library.search import search_text
from clipsearch.model.checkpoint import save
from clipsearch.model.configs import CLIPConfig, TextConfig, VisionConfig, config
from clipsearch.paths import resource_path
from clipsearch.records import ModelInfo, ModelProgress
from clipsearch.settings import Settings
from tests.hub_server import Hub, serving
from tests.model.tiny import random_clip

READY_MADE, CHECKPOINT = "ViT-B-32__openai", "ViT-B-32-256__datacomp_s34b_b86k"
READY_MADE_REPOSITORY = "immich-app/ViT-B-32__openai"
CHECKPOINT_REPOSITORY = "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"
TINY = CLIPConfig(
    "tiny",
    embed_dim=16,
    vision=VisionConfig("vit", image_size=64, width=32, layers=2, heads=2, patch_size=32),
    text=TextConfig(width=16, heads=2, layers=2),
)
QUESTIONS = ["a dog", "mountains and a lake", "a photo of a cat, lying in the sun", "caf\u00e9 &amp; cake"]


@pytest.fixture(
    scope="module",
    params=[TINY, pytest.param(config("ViT-B-32"), marks=pytest.mark.slow)],
    ids=lambda given: given.name,
)
def repositories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("models")
    save(random_clip(request.param), folder / "checkpoint")
    finish(convert(folder / "checkpoint", folder / "made", name="made", title="Made", licence="MIT"))
    ready_made = as_immich(load_package(folder / "made"), folder / "immich")
    return {CHECKPOINT_REPOSITORY: contents(folder / "checkpoint"), READY_MADE_REPOSITORY: contents(ready_made)}


@pytest.fixture
def hub(
    repositories: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Hub, None, None]:
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path / "models"))
    with serving(**repositories) as hub:
        yield hub


def as_immich(package: Package, folder: Path) -> Path:
    """Lay a package out as Immich does: whole ONNX files for one picture and one text of fixed length."""
    for part, tower, shape in (
        ("visual", package.image_model, {0: 1}),
        ("textual", package.text_model, {0: 1, 1: package.context_length}),
    ):
        (folder / part).mkdir(parents=True)
        model = onnx.load(tower)
        for value in model.graph.input:
            for dimension, size in shape.items():
                value.type.tensor_type.shape.dim[dimension].dim_value = size
        onnx.save(model, folder / part / "model.onnx")
    spec, text = package.preprocess, {"context_length": package.context_length}
    settings = {"size": spec.size, "mean": spec.mean, "std": spec.std, "resize_mode": spec.resize}
    tokenizer = resource_path("tokenizers/clip") / "tokenizer.json"
    write_json(folder / "visual/preprocess_cfg.json", {**settings, "interpolation": spec.interpolation})
    write_json(folder / "config.json", {"embed_dim": package.dim, "text_cfg": text})
    write_json(folder / "textual/tokenizer.json", json.loads(tokenizer.read_text("utf-8")))
    write_json(folder / "textual/tokenizer_config.json", {"pad_token": "<|endoftext|>"})
    return folder


def write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values), "utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finish(run: Generator[ModelProgress, None, Any]) -> ModelInfo:
    while True:
        try:
            next(run)
        except StopIteration as end:
            return cast(ModelInfo, end.value)


def test_both_layouts_are_installed_and_find_the_same(hub: Hub, tmp_path: Path, inline: object) -> None:
    settings = Settings(hub_mirror=hub.url, decode_workers=1)
    vectors = []
    for name in (READY_MADE, CHECKPOINT):
        assert finish(install(name, settings)).installed
        encoder = Encoder.from_folder(shelf.find(name), engine="onnx")
        squares = np.random.default_rng(0).integers(0, 256, (3, *[encoder.preprocess.size] * 2, 3), np.uint8)
        vectors.append(np.vstack([encoder.encode_images(squares), encoder.encode_texts(QUESTIONS)]))
    assert np.allclose(np.sum(vectors[0] * vectors[1], axis=1), 1, atol=1e-4)

    photos = resource_path("demo")
    with Library.open(tmp_path / "library", settings) as library:
        finish_indexing(library, photos)
        before = [hit.photo.path for hit in search_text(library, "a dog", 3)]
        for name in (READY_MADE, CHECKPOINT):
            use(library, name)
            assert library.answering.package.name != name
            finish_indexing(library, photos)
            assert library.answering.package.name == name
            assert len(search_text(library, "a dog", 3)) == 3
        use(library, "starter")
        assert [hit.photo.path for hit in search_text(library, "a dog", 3)] == before


def test_switching_back_while_photos_are_being_encoded_again(hub: Hub, tmp_path: Path, inline: object) -> None:
    settings = Settings(hub_mirror=hub.url, decode_workers=1)
    photos = resource_path("demo")
    finish(install(READY_MADE, settings))
    with Library.open(tmp_path / "library", settings) as library:
        finish_indexing(library, photos)
        before = [hit.photo.path for hit in search_text(library, "a dog", 3)]
        use(library, READY_MADE)
        run = index_folders(library, [photos])
        while next(run).done < 5:
            assert [hit.photo.path for hit in search_text(library, "a dog", 3)] == before
        use(library, "starter")
        assert [hit.photo.path for hit in search_text(library, "a dog", 3)] == before
        run.close()
        assert library.encoder.package.name == library.answering.package.name == "starter"
        assert remove(library, READY_MADE) > 0


def finish_indexing(library: Library, photos: Path) -> None:
    for _ in index_folders(library, [photos]):
        pass
