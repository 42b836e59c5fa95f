"""How models lie on disk and in repositories: our own packages, Immich's ready-made ONNX towers, and checkpoints.

Immich's folder holds OpenCLIP's config.json of the model, visual/{model.onnx, preprocess_cfg.json} and
textual/{model.onnx, tokenizer.json, tokenizer_config.json}; large towers keep their tensors in further files beside
them. Such a folder becomes a package by a model.json that says the same in our words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from clipsearch.encode.package import Files, Package, Source
from clipsearch.encode.preprocess import Preprocess
from clipsearch.errors import PackageError

ONNX_FILES = Files("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json")

#: Weights, the safest format first: a pickle is taken only where there is nothing else, and is never executed.
_WEIGHTS = (
    "open_clip_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
    "pytorch_model.bin",
)
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
_BESIDE_WEIGHTS = (
    "open_clip_config.json",
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
_ONNX_CONFIGS = ("config.json", "visual/preprocess_cfg.json", "textual/tokenizer_config.json")
_NOT_ONNX = (*_WEIGHT_SUFFIXES, ".pkl", ".armnn", ".rknn", ".md", ".txt", ".py", ".h5", ".msgpack")  # beside towers
_NOT_NEEDED = {"vocab.json", "special_tokens_map.json", "added_tokens.json"}


class Layout(StrEnum):
    """What a file or folder is."""

    PACKAGE = "package"
    ONNX = "onnx"
    CHECKPOINT = "checkpoint"


def layout_of(path: Path) -> Layout:
    """Say what the file or folder at `path` is. Raises PackageError if it is no model, or cannot be read."""
    try:
        return _layout_of(path)
    except OSError as error:
        raise PackageError(f"{path} cannot be read: {error.strerror or error}.", path) from error


def wanted_files(paths: Iterable[str], form: Layout) -> list[str]:
    """Choose from a repository's paths what a model in this form needs. Raises PackageError if something is missing."""
    there = list(paths)
    chosen = _onnx_files(there) if form is Layout.ONNX else _checkpoint_files(there)
    needed = {ONNX_FILES.image, ONNX_FILES.text, ONNX_FILES.tokenizer, *_ONNX_CONFIGS} if form is Layout.ONNX else set()
    if missing := needed.difference(chosen):
        raise PackageError(f"The repository holds no ready-made model: {', '.join(sorted(missing))} is missing.")
    if form is Layout.CHECKPOINT and not set(chosen) & set(_WEIGHTS):
        raise PackageError(f"The repository holds no weights ({' or '.join(_WEIGHTS)}).")
    return chosen


def describe_onnx(
    folder: Path,
    name: str,
    *,
    title: str,
    licence: str,
    languages: Sequence[str] = (),
    source: Source | None = None,
) -> None:
    """Make Immich's layout in `folder` a package by writing its model.json. Raises PackageError with what is wrong."""
    config, preprocess, tokenizer = (_read(folder / path) for path in _ONNX_CONFIGS)
    try:
        text = config["text_cfg"]
        package = Package(
            folder=folder,
            name=name,
            revision=_revision(folder),
            title=title,
            licence=licence,
            dim=int(config["embed_dim"]),
            preprocess=_preprocess(preprocess),
            context_length=int(text.get("context_length", 77)),
            pad_id=token_id(_read(folder / ONNX_FILES.tokenizer), tokenizer["pad_token"]),
            cleaning=cleaning(text),
            files=ONNX_FILES,
            languages=tuple(languages),
            source=source,
        )
        package.write()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PackageError(f"The configuration of {name} lacks or misstates {error}.", folder) from error
    except OSError as error:
        raise PackageError(f"The model {name} cannot be described: {error.strerror or error}.", folder) from error


def cleaning(text: dict[str, Any]) -> str:
    """Return our name for what OpenCLIP's `text_cfg` says of cleaning texts. Raises KeyError for what it cannot mean.

    OpenCLIP's own tokenizer lower-cases; one from elsewhere only collapses white space, unless told.
    """
    usual = "whitespace" if text.get("hf_tokenizer_name") else "lower"
    clean = dict(text.get("tokenizer_kwargs") or {}).get("clean", usual)
    return {"lower": "clip", "canonicalize": "canonical", "whitespace": "whitespace"}[clean]


def token_id(tokenizer: dict[str, Any], token: str | dict[str, Any]) -> int:
    """Look a token up in tokenizer.json, whose vocabulary is an object or a list of [token, score].

    Raises KeyError or ValueError if it is not there.
    """
    content = token["content"] if isinstance(token, dict) else token
    for added in tokenizer.get("added_tokens", ()):
        if added["content"] == content:
            return int(added["id"])
    vocabulary = tokenizer["model"]["vocab"]
    if isinstance(vocabulary, dict):
        return int(vocabulary[content])
    return [entry[0] for entry in vocabulary].index(content)


def _layout_of(path: Path) -> Layout:
    if not path.exists():
        raise PackageError(f"There is no file or folder {path}.", path)
    if path.is_file():
        if path.suffix in _WEIGHT_SUFFIXES:
            return Layout.CHECKPOINT
        hint = "; import the folder that holds it" if path.suffix in {".onnx", ".json"} else ""
        raise PackageError(f"{path.name} is no checkpoint ({', '.join(_WEIGHT_SUFFIXES)}){hint}.", path)
    if (path / "model.json").is_file():
        return Layout.PACKAGE
    if any((path / tower).exists() for tower in (ONNX_FILES.image, ONNX_FILES.text)):
        return Layout.ONNX
    if any(file.suffix in _WEIGHT_SUFFIXES for file in path.iterdir()):
        return Layout.CHECKPOINT
    raise PackageError(
        f"{path} holds no model: neither model.json, nor visual/model.onnx and textual/model.onnx, nor weights.", path
    )


def _onnx_files(paths: list[str]) -> list[str]:
    """The configurations, and what lies beside the towers: any name, as tensors may be files of their own."""
    beside = [path for path in paths if path.count("/") == 1 and path.startswith(("visual/", "textual/"))]
    tensors = [path for path in beside if not path.endswith(_NOT_ONNX) and path.split("/")[1] not in _NOT_NEEDED]
    return [*(path for path in ("config.json",) if path in paths), *tensors]


def _checkpoint_files(paths: list[str]) -> list[str]:
    """The weights in one format, with the configurations, which say what they are."""
    weights = [path for path in _WEIGHTS if path in paths][:1]
    return [*(path for path in _BESIDE_WEIGHTS if path in paths), *weights]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise PackageError(f"The model is incomplete: {path.parent.name}/{path.name} is missing.", path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise PackageError(f"{path.name} cannot be read: {error}", path) from error


def _preprocess(values: dict[str, Any]) -> Preprocess:
    """Read OpenCLIP's preprocess_cfg; what it may leave out is OpenCLIP's default."""
    size = values["size"]
    resize = values.get("resize_mode", "shortest")
    sides = size if isinstance(size, list) else [size]
    if len(set(sides)) != 1:
        raise ValueError(f"size ({size}: not a square)")
    return Preprocess.from_json(
        {
            "version": 1,
            "size": sides[0],
            "resize": "pad" if resize == "longest" else resize,
            "interpolation": values.get("interpolation", "bicubic"),
            "mean": values["mean"],
            "std": values["std"],
            "fill": [int(values.get("fill_color", 0))] * 3,
        }
    )


def _revision(folder: Path) -> str:
    """Return 12 hexadecimal digits that change whenever a vector could: SHA-256 over the towers and configurations."""
    digest = hashlib.sha256()
    files = [path for part in ("visual", "textual") for path in (folder / part).rglob("*") if path.is_file()]
    for path in [folder / _ONNX_CONFIGS[0], *sorted(files, key=lambda path: path.relative_to(folder).as_posix())]:
        with path.open("rb") as stream:
            digest.update(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape") + b"\0")
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]
