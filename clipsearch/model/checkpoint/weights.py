"""Files of weights -> tensors by name, as stored; what a file is, its first bytes say, not its ending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clipsearch.errors import CheckpointError
from clipsearch.model.checkpoint.archive import Archive, is_zip
from clipsearch.model.checkpoint.torchscript import read_torchscript


def read_weights(files: Sequence[Path]) -> dict[str, Tensor]:
    """Return the tensors of one checkpoint, which may be spread over several files; large files are mapped, not read.

    Raises CheckpointError for anything that is not, whole and safely readable, a mapping from names to numbers.
    """
    state: dict[str, Tensor] = {}
    for file in files:
        try:
            state.update(_read_file(file))
        except OSError as error:
            raise CheckpointError(f"{file.name} cannot be read ({error.strerror or error}).", file) from error
    return state


def _read_file(path: Path) -> dict[str, Tensor]:
    if is_zip(path):
        with Archive(path) as archive:
            if archive.is_torchscript:
                return read_torchscript(archive)
            archive.check_plain()
        return _read_torch(path, mapped=True)
    with path.open("rb") as file:
        head = file.read(64)
    if head[8:9] == b"{":
        return _read_safetensors(path)
    if head[:1] == b"\x80":
        return _read_torch(path, mapped=False)  # torch's format before 1.6
    if head.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path.name} only points to the weights; download the file itself (Git LFS).", path)
    raise CheckpointError(f"{path.name} is not a file of model weights, or it is damaged.", path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise CheckpointError(f"{path.name} is damaged or was not downloaded completely.", path) from error


def _read_torch(path: Path, mapped: bool) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a damaged or hostile pickle can raise anything
        message = f"{path.name} is damaged, or holds more than weights; nothing in it was run."
        raise CheckpointError(message, path) from error
    return _state(content, path)


def _state(content: Any, path: Path) -> dict[str, Tensor]:
    """Find the weights in what a training run saved: alone, or as "state_dict" beside epoch and optimizer."""
    state = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise CheckpointError(f"{path.name} holds no weights by name.", path)
    if strange := next((name for name, value in state.items() if not isinstance(value, Tensor)), None):
        raise CheckpointError(f"{path.name} holds something else than weights (“{strange}”).", path)
    return dict(state)
