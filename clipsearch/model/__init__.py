"""The CLIP network in torch, one family: the paper's architectures, OpenCLIP's larger ones, TinyCLIP and SigLIP."""

from __future__ import annotations

from pathlib import Path

import torch

from clipsearch.errors import CheckpointError
from clipsearch.model.clip import CLIP
from clipsearch.model.configs import CLIPConfig, config
from clipsearch.model.positions import fit_positions

__all__ = ["CLIP", "CLIPConfig", "config", "create", "load"]


def create(name: str, device: str | torch.device = "cpu") -> CLIP:
    """Make a model of this architecture with the paper's initialisation, in fp32, ready for training.

    `device="meta"` gives shapes without memory. Raises ClipsearchError for an unknown name.
    """
    with torch.device(device):
        return CLIP(config(name))


def load(path: Path | str, name: str | None = None, image_size: int | None = None) -> CLIP:
    """Read a model from a checkpoint file or folder, in fp32 and evaluation mode, on the CPU.

    OpenAI's, OpenCLIP's, Hugging Face's and own files are understood (see `clipsearch.model.checkpoint`); nothing in
    them is executed. `name` is the architecture where the file does not say it. `image_size` (pixels) resizes the
    image positions for other pictures than those the model was trained on.

    Raises CheckpointError where the file cannot be read or does not fit the architecture, ClipsearchError for an
    unknown name.
    """
    from clipsearch.model.checkpoint import read_checkpoint

    checkpoint = read_checkpoint(Path(path), name)
    state = {key: as_parameter(value) for key, value in checkpoint.state.items()}
    target = checkpoint.config
    if image_size is not None:
        target = target.at_size(image_size)
        state = fit_positions(state, target.vision)
    return assemble(target, state, Path(path))


def assemble(target: CLIPConfig, state: dict[str, torch.Tensor], path: Path | None = None) -> CLIP:
    """Make a model in evaluation mode out of these weights (native keys), which it keeps and does not copy.

    Raises CheckpointError, naming `path`, where they are not exactly those of the architecture.
    """
    with torch.device("meta"):
        model = CLIP(target)
    if mismatch := compare(model.state_dict(), state):
        raise CheckpointError(f"The weights do not fit the architecture {target.name}: {mismatch}.", path)
    model.load_state_dict(state, assign=True)
    return model.eval()


def as_parameter(value: torch.Tensor) -> torch.Tensor:
    """Copy a tensor, which may lie in a mapped file, as fp32 and contiguous; counters stay integers."""
    dtype = torch.float32 if value.is_floating_point() else value.dtype
    return value.to(dtype, copy=True, memory_format=torch.contiguous_format)


def compare(wanted: dict[str, torch.Tensor], given: dict[str, torch.Tensor]) -> str:
    """Say in a few words how the given weights differ from the wanted, or "" where they do not."""
    if missing := wanted.keys() - given.keys():
        return f"{count(missing)} missing, such as {min(missing)}"
    if unknown := given.keys() - wanted.keys():
        return f"{count(unknown)} too many, such as {min(unknown)}"
    for key, value in wanted.items():
        if value.shape != given[key].shape:
            return f"{key} is {shape(given[key])} instead of {shape(value)}"
    return ""


def count(keys: set[str]) -> str:
    """Say how many tensors these are."""
    return "1 tensor is" if len(keys) == 1 else f"{len(keys)} tensors are"


def shape(value: torch.Tensor) -> str:
    """Write a shape as people do: 768 x 512."""
    return " x ".join(map(str, value.shape)) or "a single number"
