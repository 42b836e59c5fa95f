from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipsearch.encode.package import load_package
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
    assert package.strong > package.likely
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


@pytest.mark.parametrize("change_to", [{"dim": "wide"}, {"preprocess": {}}, {"text": 3}, {"relevance": None}])
def test_a_wrong_value_is_told(package: Path, change_to: dict[str, Any]) -> None:
    change(package, **change_to)
    with pytest.raises(PackageError, match=r"model\.json"):
        load_package(package)
