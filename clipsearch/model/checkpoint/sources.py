"""What a checkpoint consists of on disk: its files of weights and the configuration beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipsearch.errors import CheckpointError

CONFIG, OPEN_CLIP_CONFIG = "config.json", "open_clip_config.json"
WEIGHTS = "model.safetensors"
#: the same weights in several formats: the first that is there is read
OPEN_CLIP_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
SHARDED = ".index.json"
TRANSFORMERS_WEIGHTS = (WEIGHTS, WEIGHTS + SHARDED, "pytorch_model.bin", "pytorch_model.bin" + SHARDED)
ENDINGS = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"}
JSON_LIMIT_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Source:
    """The files of one checkpoint; `config` is the content of the file `config_name`, {} where there is none."""

    path: Path
    weights: tuple[Path, ...]
    config_name: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Any] = field(default_factory=dict)  # Hugging Face's preprocessor_config.json


def find_source(path: Path) -> Source:
    """Find out what lies at a path: a folder as a program saved or published it, or one file of weights.

    A file that is part of such a folder, by its name, is read with the folder's configuration. Raises CheckpointError.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise CheckpointError(f"There is no file or folder {path}.", path)
    if path.name in OPEN_CLIP_WEIGHTS and (path.parent / OPEN_CLIP_CONFIG).exists():
        return _open_clip(path.parent, path)
    if path.name in TRANSFORMERS_WEIGHTS and (path.parent / CONFIG).exists():
        return _configured(path.parent, path)
    return Source(path, (path,))


def _folder(folder: Path) -> Source:
    if (folder / OPEN_CLIP_CONFIG).exists() and (weights := _first(folder, OPEN_CLIP_WEIGHTS)):
        return _open_clip(folder, weights)
    if (folder / CONFIG).exists() and (weights := _first(folder, TRANSFORMERS_WEIGHTS)):
        return _configured(folder, weights)
    files = sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
    if len(files) == 1:
        is_open_clip = (folder / OPEN_CLIP_CONFIG).exists()
        return _open_clip(folder, files[0]) if is_open_clip else Source(files[0], (files[0],))
    what = "several files" if files else "no file"
    raise CheckpointError(f"{folder.name} holds {what} of model weights; choose one file.", folder)


def _open_clip(folder: Path, weights: Path) -> Source:
    return Source(folder, (weights,), OPEN_CLIP_CONFIG, read_json(folder / OPEN_CLIP_CONFIG))


def _configured(folder: Path, weights: Path) -> Source:
    files = shards(weights) if weights.name.endswith(SHARDED) else (weights,)
    return Source(folder, files, CONFIG, read_json(folder / CONFIG), _image_processor(folder))


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _image_processor(folder: Path) -> dict[str, Any]:
    """Read how pictures are prepared; transformers 5 may keep that inside the whole processor's file."""
    if (folder / "preprocessor_config.json").exists():
        return read_json(folder / "preprocessor_config.json")
    if (folder / "processor_config.json").exists():
        inner = read_json(folder / "processor_config.json").get("image_processor")
        return inner if isinstance(inner, dict) else {}
    return {}


def shards(index: Path) -> tuple[Path, ...]:
    """Return the files that an index names; they must lie beside it."""
    mapping = read_json(index).get("weight_map")
    names = sorted({str(name) for name in mapping.values()}) if isinstance(mapping, dict) else []
    if not names:
        raise CheckpointError(f"{index.name} is damaged: it names no files.", index)
    if strange := next((name for name in names if not _is_plain(name)), None):
        raise CheckpointError(f"{index.name} names a file outside its folder ({strange}); it is not read.", index)
    if missing := next((name for name in names if not (index.parent / name).is_file()), None):
        raise CheckpointError(f"{missing} is missing in {index.parent.name}: the model has {len(names)} files.", index)
    return tuple(index.parent / name for name in names)


def _is_plain(name: str) -> bool:
    return Path(name).name == name and Path(name).suffix in ENDINGS and "\\" not in name


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that must hold a JSON object of a sensible size; else CheckpointError."""
    try:
        if path.stat().st_size > JSON_LIMIT_BYTES:
            raise ValueError("too long")
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} cannot be read, or is no valid JSON.", path) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path.name} does not hold a configuration.", path)
    return values
