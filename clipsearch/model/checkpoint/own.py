"""Saving: our own checkpoints, a folder with `model.safetensors` (native names) and `config.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from clipsearch.errors import CheckpointError
from clipsearch.model.checkpoint.sources import CONFIG, WEIGHTS
from clipsearch.model.clip import CLIP

OWN = "clipsearch"  # the key in config.json below which the architecture stands


def save(model: CLIP, folder: Path) -> None:
    """Write a model so that `read_checkpoint` returns the same weights and architecture.

    Each file is replaced in one step, so that a saved model stays whole when this is interrupted. Raises
    CheckpointError where the folder cannot be written.
    """
    write(folder, {CONFIG: {OWN: model.config.to_json()}}, model.state_dict())


def write(folder: Path, configs: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Write JSON files and the weights of a model, each in one step; `save` says what can go wrong."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in configs.items():
            text = json.dumps(values, indent=2, ensure_ascii=False)
            replace(folder / name, partial(Path.write_text, data=text, encoding="utf-8"))
        replace(folder / WEIGHTS, lambda file: save_file(tensors, file, metadata={"format": "pt"}))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"The model cannot be saved in {folder} ({error}).", folder) from error


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place first, so that the old one is there until the new one is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
