from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipsearch.encode.package import Files, Package, Source, load_package, revision_of
from clipsearch.errors import PackageError
from clipsearch.paths import resource_path

STARTER = resource_path("models/starter")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the starter's description and empty files for the rest."""
    shutil.copy(STARTER / "model.json", tmp_path)
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        (tmp_path / name).touch()
    return tmp_path


def change(package: Path, **values: Any) -> None:
    path = package / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def test_the_starter_is_whole() -> None:
    package = load_package(STARTER)
    assert package.model_id == f"starter-{package.revision}-p{package.preprocess.version}"
    background = package.background()
    assert background.shape[1] == package.dim
    assert np.allclose(np.linalg.norm(background, axis=1), 1, atol=2e-3)


def test_the_starter_stays_small() -> None:
    assert sum(path.stat().st_size for path in STARTER.iterdir()) <= 40e6


def test_another_preprocessing_is_another_model(package: Path) -> None:
    before = load_package(package)
    preprocess = json.loads((package / "model.json").read_text("utf-8"))["preprocess"]
    change(package, preprocess=preprocess | {"version": 2})
    assert load_package(package).model_id != before.model_id


def test_a_package_without_background_has_none(package: Path) -> None:
    assert load_package(package).background().shape == (0, load_package(package).dim)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_background_is_told(package: Path, content: bytes) -> None:
    (package / "background.npy").write_bytes(content)
    with pytest.raises(PackageError, match=r"background\.npy"):
        load_package(package).background()


@pytest.mark.parametrize("name", ["model.json", "image.onnx", "text.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(package: Path, name: str) -> None:
    (package / name).unlink()
    with pytest.raises(PackageError, match=name):
        load_package(package)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', "\udcff"])
def test_a_bad_description_is_told(package: Path, content: str) -> None:
    (package / "model.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(PackageError):
        load_package(package)


@pytest.mark.parametrize(
    "change_to",
    [
        {"dim": "wide"},
        {"dim": 0},
        {"dim": 10**30},
        {"preprocess": {}},
        {"text": 3},
        {"text": {"context_length": 64, "pad_id": 0, "cleaning": "magic"}},
        {"text": {"context_length": 64, "pad_id": 0, "eot_id": "last"}},
        {"text": {"context_length": 10**9, "pad_id": 0}},
        {"text": {"context_length": 64, "pad_id": -1}},
        {"files": []},
        {"source": "a hub"},
        {"source": {"revision": "1"}},
        {"architecture": 5},
        {"prompt": "a photo"},
        {"prompt": "{} and {}"},
        {"name": "../starter"},
        {"name": ".."},
        {"name": ""},
        {"name": "a/b"},
        {"revision": "a\\b"},
    ],
)
def test_a_wrong_value_is_told(package: Path, change_to: dict[str, Any]) -> None:
    change(package, **change_to)
    with pytest.raises(PackageError, match=r"model\.json"):
        load_package(package)


def test_what_is_left_out_has_its_default(package: Path) -> None:
    description = json.loads((package / "model.json").read_text("utf-8"))
    del description["text"]["cleaning"]
    (package / "model.json").write_text(
        json.dumps({key: description[key] for key in description if key not in {"title", "languages"}})
    )
    bare = load_package(package)
    assert (bare.title, bare.languages) == ("starter", ())
    assert (bare.cleaning, bare.eot_id, bare.prompt) == ("none", None, "{}")
    assert (bare.files, bare.source, bare.architecture, bare.weights) == (Files(), None, None, None)


def test_what_an_older_program_wrote_about_relevance_is_passed_over(package: Path) -> None:
    before = load_package(package)
    change(package, relevance={"strong": 6.92, "likely": 4.12})
    assert load_package(package) == before


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    package = elsewhere(tmp_path)
    package.write()
    for path in (package.image_model, package.text_model, package.tokenizer):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert load_package(tmp_path) == package
    assert package.weights is None
    (tmp_path / "towers.safetensors").touch()
    assert package.weights == tmp_path / "towers.safetensors"


def elsewhere(folder: Path) -> Package:
    """A package in Immich's layout that uses every key."""
    return Package(
        folder=folder,
        name="ViT-B-32__openai",
        revision="0123456789ab",
        title="Größe",
        licence="MIT",
        dim=512,
        preprocess=load_package(STARTER).preprocess,
        context_length=77,
        pad_id=0,
        cleaning="clip",
        eot_id=49407,
        files=Files("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json", "towers.safetensors"),
        languages=("en", "de"),
        prompt="a photo of a {}",
        source=Source("immich-app/ViT-B-32__openai", "main", {"visual/model.onnx": "00ff"}),
        architecture={"name": "ViT-B-32-quickgelu"},
    )


@pytest.mark.parametrize("part", ["image", "text", "tokenizer", "weights"])
@pytest.mark.parametrize(
    "path",
    [
        "../image.onnx",
        "a/../../b",
        "/etc/passwd",
        "C:/model.onnx",
        "C:model.onnx",
        "\\\\host\\share",
        "a\\b",
        "",
        "a\0b",
        "//h/s",
    ],
)
def test_a_path_out_of_the_folder_is_refused(package: Path, part: str, path: str) -> None:
    change(package, files={part: path})
    with pytest.raises(PackageError, match="outside the package"):
        load_package(package)


def test_the_revision_is_of_what_makes_the_vectors(package: Path) -> None:
    assert revision_of(STARTER) == load_package(STARTER).revision
    seen = {revision_of(package)}
    for name in ("image.onnx", "text.onnx", "tokenizer.json", "image.onnx.data", "text.onnx_data"):
        (package / name).write_bytes(name.encode())
        seen.add(revision_of(package))
    assert len(seen) == 6
    (package / "background.npy").write_bytes(b"other pictures")
    change(package, title="Another")
    assert revision_of(package) in seen
