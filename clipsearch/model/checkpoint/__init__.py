"""Anyone's CLIP weights -> tensors under the native names, with their architecture; no code in a file is ever run.

Read are OpenAI's TorchScript archives, OpenCLIP's files and folders, Hugging Face's CLIPModel and SiglipModel folders
and our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from clipsearch.errors import CheckpointError, ClipsearchError
from clipsearch.model import CLIP, compare
from clipsearch.model.checkpoint.archive import is_torchscript
from clipsearch.model.checkpoint.huggingface import read_hugging_face
from clipsearch.model.checkpoint.infer import infer, measure, mismatch, sizes
from clipsearch.model.checkpoint.names import native
from clipsearch.model.checkpoint.openclip import read_open_clip
from clipsearch.model.checkpoint.own import OWN, save
from clipsearch.model.checkpoint.sources import OPEN_CLIP_CONFIG, Source, find_source
from clipsearch.model.checkpoint.values import checked
from clipsearch.model.checkpoint.weights import read_weights
from clipsearch.model.configs import CONFIGS, SIGLIP_BIAS, Activation, CLIPConfig
from clipsearch.model.configs import config as named_config

__all__ = ["Checkpoint", "read_checkpoint", "save"]
#: numbers beside the weights in OpenAI's archives, whose models are all for QuickGELU
OPENAI_MARKS = ("input_resolution", "context_length", "vocab_size")
COUNTER = "num_batches_tracked"  # a BatchNorm's, the only integers among the weights


@dataclass(frozen=True)
class Checkpoint:
    """Weights as stored (fp32, fp16 or bf16), under the names of `CLIP.state_dict`, and their architecture.

    Large tensors may still lie in the file, mapped into memory: whoever keeps them copies them.
    """

    state: dict[str, Tensor]
    config: CLIPConfig


def read_checkpoint(path: Path, name: str | None = None) -> Checkpoint:
    """Read a file or folder of CLIP weights.

    The architecture is what the configuration beside the weights says; where there is none, that of `name`; without a
    name what the shapes and the name of the file leave no doubt about. Raises CheckpointError, with the reason, for
    weights that cannot be read, are no whole CLIP model, or are of another architecture.
    """
    try:
        source = find_source(path)
        state = read_weights(source.weights)
        is_script = any(is_torchscript(file) for file in source.weights)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or error}).", path) from error
    is_openai = any([state.pop(mark, None) is not None for mark in OPENAI_MARKS])  # noqa: C419 - pops every one
    state, measured = _native(state, source.path)
    activation: Activation | None = "quick_gelu" if is_openai or (is_script and name is None) else None
    config = _config(source, name, measured, activation, is_openai)
    if "logit_bias" in state:
        config = _with_bias(config)
    if wrong := mismatch(measured, config):
        raise CheckpointError(wrong, source.path)
    return Checkpoint(_complete(state, config, source.path, others_allowed=is_script), config)


def _native(state: dict[str, Tensor], path: Path) -> tuple[dict[str, Tensor], CLIPConfig]:
    """Return the weights under their native names, and the sizes that their shapes show."""
    try:
        state = native(state)
        _count_batches(state)
        if not all(tensor.is_floating_point() or key.endswith(COUNTER) for key, tensor in state.items()):
            raise CheckpointError(f"The weights in {path.name} are quantised, which cannot be read.", path)
        return state, measure(state)
    except KeyError as error:
        message = f"{path.name} does not hold a whole CLIP model of a kind known here ({error.args[0]} is missing)."
        raise CheckpointError(message, path) from error
    except (ValueError, TypeError, IndexError, ZeroDivisionError, RuntimeError) as error:
        message = f"{path.name} does not hold a CLIP model: its weights have impossible shapes."
        raise CheckpointError(message, path) from error


def _count_batches(state: dict[str, Tensor]) -> None:
    """Add the counters that old torch did not store with a BatchNorm; in evaluation they mean nothing."""
    for key in [key for key in state if key.endswith("running_mean")]:
        state.setdefault(key.replace("running_mean", COUNTER), torch.tensor(0))


def _config(
    source: Source, name: str | None, measured: CLIPConfig, activation: Activation | None, is_openai: bool
) -> CLIPConfig:
    if OWN in source.config:
        return _from_config(source)
    if source.config:
        return _named(_from_config(source))
    if name is None:
        return infer(measured, source.path, activation, is_openai)
    try:
        config = named_config(name)
    except ClipsearchError as error:
        raise CheckpointError(error.message, source.path) from error
    return _named(config.with_activation(activation)) if activation else config


def _from_config(source: Source) -> CLIPConfig:
    file, name = source.config_name, source.path.name
    try:
        if OWN in source.config:
            return checked(CLIPConfig.from_json(source.config[OWN]))
        if file == OPEN_CLIP_CONFIG:
            return checked(read_open_clip(source.config, name))
        return checked(read_hugging_face(source.config, source.pictures, name))
    except ClipsearchError as error:
        raise CheckpointError(error.message, source.path) from error
    except LookupError as error:
        message = f"{file} in {name} is not complete: “{error.args[0]}” is missing."
        raise CheckpointError(message, source.path) from error
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        message = f"{file} in {name} describes no model that can be read here: {error}."
        raise CheckpointError(message, source.path) from error


def _named(config: CLIPConfig) -> CLIPConfig:
    """Give an architecture the name it has in the table, if it is there."""

    def traits(one: CLIPConfig) -> tuple[object, ...]:
        heads = one.vision.heads, one.text.heads
        activations = one.activation, one.text.activation or one.activation
        return sizes(one), one.vision.image_size, heads, activations, one.norm_eps

    known = (name for name, other in CONFIGS.items() if traits(other) == traits(config))
    return replace(config, name=next(known, config.name))


def _complete(state: dict[str, Tensor], config: CLIPConfig, path: Path, others_allowed: bool) -> dict[str, Tensor]:
    """Return the weights that are, tensor by tensor, those of the architecture; else raise CheckpointError.

    `others_allowed`: the program in an archive may keep tensors beside its parameters, which look no different.
    """
    with torch.device("meta"):  # shapes without memory
        wanted = CLIP(config).state_dict()
    if others_allowed:
        state = {key: value for key, value in state.items() if key in wanted}
    if wrong := compare(wanted, state):
        raise CheckpointError(f"The weights in {path.name} do not fit the architecture {config.name}: {wrong}.", path)
    return state


def _with_bias(config: CLIPConfig) -> CLIPConfig:
    """Any architecture may have been trained with the sigmoid loss; the weights show it."""
    return config if config.logit_bias_init is not None else replace(config, logit_bias_init=SIGLIP_BIAS)
