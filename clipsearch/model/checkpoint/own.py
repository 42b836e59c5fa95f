"""clipsearch's own checkpoints: a folder with `model.safetensors` (native names) and `config.json`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from clipsearch.errors import CheckpointError
from clipsearch.model.checkpoint.sources import CONFIG, WEIGHTS
from clipsearch.model.clip import CLIP

OWN = "clipsearch"  # the key in config.json below which the architecture stands


def save(model: CLIP, folder: Path) -> None:
    """Write a model so that `read_checkpoint` returns the same weights and architecture.

    Each file is replaced in one step, so that a saved model stays whole when this is interrupted. Raises
    CheckpointError where the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    config = json.dumps({OWN: model.config.to_json()}, indent=2, ensure_ascii=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / CONFIG, lambda file: file.write_text(config, "utf-8"))
        replace(folder / WEIGHTS, lambda file: save_file(state, file, metadata={"format": "pt"}))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"The model cannot be saved in {folder} ({error}).", folder) from error


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place first, so that the old one is there until the new one is whole."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
