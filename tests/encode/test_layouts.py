from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.layouts import Layout, describe_onnx, layout_of, wanted_files
from clipsearch.encode.package import Source, load_package
from clipsearch.errors import PackageError
from clipsearch.paths import resource_path
from tests.tiny_models import DIM, LENGTH, SIZE, immich_files, write_files

TOWERS = ["visual/model.onnx", "visual/preprocess_cfg.json", "textual/model.onnx", "textual/tokenizer.json",
          "textual/tokenizer_config.json"]  # fmt: skip


@pytest.fixture
def immich(tmp_path: Path) -> Path:
    return write_files(immich_files(), tmp_path / "model")


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def describe(folder: Path) -> None:
    describe_onnx(folder, "tiny", title="Tiny", licence="MIT", languages=("en",))


def test_what_lies_there_is_told_apart(immich: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "open_clip_model.safetensors").touch()
    (tmp_path / "model.pt").touch()
    assert layout_of(resource_path("models/starter")) is Layout.PACKAGE
    assert layout_of(immich) is Layout.ONNX
    assert layout_of(tmp_path / "weights") is Layout.CHECKPOINT
    assert layout_of(tmp_path / "model.pt") is Layout.CHECKPOINT


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nothing", "There is no file or folder"), ("notes.txt", "no checkpoint"), ("folder", "holds no model"),
     ("model.onnx", "import the folder that holds it")],
)  # fmt: skip
def test_what_is_no_model_says_so(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "model.onnx").touch()
    with pytest.raises(PackageError, match=reason):
        layout_of(tmp_path / name)


def test_what_cannot_be_read_says_so(immich: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(PackageError, match="cannot be read: Permission denied"):
        layout_of(immich)


def test_only_what_the_towers_need_is_downloaded() -> None:
    there = [*immich_files(), "textual/vocab.json", "textual/special_tokens_map.json", "visual/fp16/model.onnx",
             "visual/rknpu/model.rknn", ".gitattributes", "textual/model.bin", "other/model.onnx"]  # fmt: skip
    assert sorted(wanted_files(there, Layout.ONNX)) == sorted(["config.json", *TOWERS])


def test_tensors_in_files_of_their_own_belong_to_the_tower() -> None:
    tensors = ["visual/model.onnx.data", "visual/onnx__MatMul_6411", "textual/token_embedding.weight"]
    assert set(tensors) < set(wanted_files([*immich_files(), *tensors], Layout.ONNX))


def test_a_repository_that_lacks_a_part_says_which() -> None:
    with pytest.raises(PackageError, match=r"textual/tokenizer\.json is missing"):
        wanted_files([path for path in immich_files() if path != "textual/tokenizer.json"], Layout.ONNX)


@pytest.mark.parametrize(
    ("there", "weights"),
    [
        (["open_clip_pytorch_model.bin", "pytorch_model.bin", "open_clip_model.safetensors", "model.safetensors"],
         "open_clip_model.safetensors"),
        (["pytorch_model.bin", "model.safetensors"], "model.safetensors"),
        (["pytorch_model.bin", "open_clip_pytorch_model.bin"], "open_clip_pytorch_model.bin"),
    ],
)  # fmt: skip
def test_a_pickle_is_taken_only_where_there_is_nothing_safer(there: list[str], weights: str) -> None:
    beside = ["open_clip_config.json", "tokenizer.json", "README.md", "flax_model.msgpack", "merges.txt"]
    assert wanted_files([*there, *beside], Layout.CHECKPOINT) == ["open_clip_config.json", "tokenizer.json", weights]


def test_a_repository_without_weights_says_so() -> None:
    with pytest.raises(PackageError, match="holds no weights"):
        wanted_files(["config.json"], Layout.CHECKPOINT)


def test_immichs_layout_becomes_a_package(immich: Path) -> None:
    source = Source("someone/tiny", "0123", {"config.json": "ab"})
    describe_onnx(immich, "tiny", title="Tiny", licence="MIT", languages=("en", "de"), source=source)
    package = load_package(immich)
    assert (package.name, package.title, package.licence, package.languages) == ("tiny", "Tiny", "MIT", ("en", "de"))
    assert (package.dim, package.context_length, package.pad_id, package.cleaning) == (DIM, LENGTH, 0, "whitespace")
    assert (package.preprocess.size, package.preprocess.resize) == (SIZE, "squash")
    assert package.preprocess.interpolation == "bilinear"
    assert package.source == source


def test_the_package_encodes(immich: Path) -> None:
    describe(immich)
    red, blue = Encoder.from_folder(immich).encode_texts(["red", "Blue"])
    assert red[0] > 0.99
    assert blue[2] > 0.99


def test_another_revision_of_a_tower_is_another_model(tmp_path: Path) -> None:
    ids = []
    for number, files in enumerate([immich_files(), immich_files(), immich_files(2.0)]):
        folder = write_files(files, tmp_path / str(number))
        describe(folder)
        ids.append(load_package(folder).model_id)
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("name", ["config.json", *TOWERS[1:2], *TOWERS[4:]])
def test_another_configuration_or_tensor_is_another_model(immich: Path, name: str) -> None:
    describe(immich)
    before = load_package(immich).revision
    describe(immich)
    assert load_package(immich).revision == before
    (immich / "visual" / "onnx__MatMul_1").write_bytes(b"weights")
    describe(immich)
    after = load_package(immich).revision
    assert after != before
    change(immich / name, comment="")
    describe(immich)
    assert load_package(immich).revision != after


@pytest.mark.parametrize(
    ("text", "cleaning"),
    [
        ({}, "clip"),
        ({"hf_tokenizer_name": "x", "tokenizer_kwargs": {"clean": "canonicalize"}}, "canonical"),
        ({"hf_tokenizer_name": "x"}, "whitespace"),
        ({"hf_tokenizer_name": "x", "tokenizer_kwargs": {"clean": "lower"}}, "clip"),
        ({"hf_tokenizer_name": "x", "tokenizer_kwargs": None}, "whitespace"),
    ],
)
def test_texts_are_cleaned_as_open_clip_does(immich: Path, text: dict[str, Any], cleaning: str) -> None:
    change(immich / "config.json", text_cfg=text)
    describe(immich)
    package = load_package(immich)
    assert package.cleaning == cleaning
    assert package.context_length == 77


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"size": 224}, (224, "squash", "bilinear")),
        ({"resize_mode": "longest"}, (SIZE, "pad", "bilinear")),
        ({"resize_mode": "shortest", "interpolation": "bicubic"}, (SIZE, "shortest", "bicubic")),
    ],
)
def test_preprocessing_is_read_as_open_clip_writes_it(
    immich: Path, values: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    change(immich / "visual/preprocess_cfg.json", **values)
    describe(immich)
    read = load_package(immich).preprocess
    assert (read.size, read.resize, read.interpolation) == expected


@pytest.mark.parametrize(
    ("model", "pad", "expected"),
    [
        ({"type": "BPE", "vocab": {"a": 5, "<end>": 7}}, "<end>", 7),
        ({"type": "Unigram", "vocab": [["<unk>", 0.0], ["</s>", -1.5]]}, "</s>", 1),
        ({"type": "BPE", "vocab": {"a": 5}}, {"content": "a", "lstrip": False}, 5),
        ({"type": "BPE", "vocab": {}}, "<pad>", 0),
    ],
)
def test_the_padding_token_is_found_in_any_vocabulary(immich: Path, model: Any, pad: Any, expected: int) -> None:
    change(immich / "textual/tokenizer.json", model=model)
    change(immich / "textual/tokenizer_config.json", pad_token=pad)
    describe(immich)
    assert load_package(immich).pad_id == expected


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("config.json", {"embed_dim": None}, "misstates"),
        ("config.json", {"text_cfg": []}, "misstates"),
        ("config.json", {"text_cfg": {"hf_tokenizer_name": "x", "tokenizer_kwargs": {"clean": "odd"}}}, "odd"),
        ("visual/preprocess_cfg.json", {"size": [224, 320]}, "not a square"),
        ("visual/preprocess_cfg.json", {"resize_mode": "odd"}, "odd"),
        ("visual/preprocess_cfg.json", {"mean": None}, "misstates"),
        ("textual/tokenizer_config.json", {"pad_token": "<none>"}, "<none>"),
        ("textual/tokenizer_config.json", {"pad_token": None}, "misstates"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(
    immich: Path, name: str, values: dict[str, Any], reason: str
) -> None:
    change(immich / name, **values)
    with pytest.raises(PackageError, match=reason):
        describe(immich)


@pytest.mark.parametrize("content", [None, b"{", b"\xff", b"[" * 100_000, b"[]", b"null"])
@pytest.mark.parametrize("name", ["config.json", "visual/preprocess_cfg.json", "textual/tokenizer.json"])
def test_a_damaged_or_missing_file_is_named(immich: Path, name: str, content: bytes | None) -> None:
    (immich / name).unlink()
    if content is not None:
        (immich / name).write_bytes(content)
    with pytest.raises(PackageError):
        describe(immich)
