"""Saving for other programs: a folder that transformers opens as a CLIPModel or SiglipModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clipsearch.errors import CheckpointError
from clipsearch.model.checkpoint.huggingface import BICUBIC, BILINEAR
from clipsearch.model.checkpoint.names import hugging_face
from clipsearch.model.checkpoint.own import write
from clipsearch.model.checkpoint.sources import CONFIG
from clipsearch.model.clip import CLIP
from clipsearch.model.configs import Activation, CLIPConfig, TextConfig, VisionConfig

#: Hugging Face's names of the activations
ACTIVATIONS: dict[Activation, str] = {
    "quick_gelu": "quick_gelu",
    "gelu": "gelu",
    "gelu_tanh": "gelu_pytorch_tanh",
}


def save_hugging_face(model: CLIP, folder: Path) -> None:
    """Write a model as config.json, preprocessor_config.json and model.safetensors, as transformers does.

    Raises CheckpointError for an architecture that transformers does not have (a ResNet, a bag of words), or where the
    folder cannot be written.
    """
    config, state = model.config, hugging_face(model.state_dict())
    kind = _kind(config)
    if kind is None:
        raise CheckpointError(f"Hugging Face's transformers has no architecture like {config.name}.", folder)
    if kind == "siglip":  # there both are vectors of one
        state |= {name: state[name].reshape(1) for name in ("logit_scale", "logit_bias")}
    write(folder, {CONFIG: _architecture(kind, config), "preprocessor_config.json": _pictures(config)}, state)


def _kind(config: CLIPConfig) -> str | None:
    """Return transformers' name for the family, or None where the architecture is a mixture of them."""
    vision, text = config.vision, config.text
    if vision.kind != "vit" or text.kind != "transformer":
        return None
    clip = [vision.class_token, vision.pre_norm, vision.pool == "token", vision.projection, text.causal]
    clip += [text.pool == "argmax", config.logit_bias_init is None, not vision.patch_bias, not text.projection_bias]
    if all(clip):
        return "clip"
    return None if any(clip) else "siglip"


def _architecture(kind: str, config: CLIPConfig) -> dict[str, Any]:
    vision, text = config.vision, config.text
    last = text.vocab_size - 1  # CLIP's texts end with the token of the largest id
    words = {
        **_tower(text, text.activation or config.activation, config.norm_eps),
        "max_position_embeddings": text.context_length,
        "vocab_size": text.vocab_size,
        "projection_size": config.embed_dim,
        **({"bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last} if kind == "clip" else {}),
    }
    pictures = {
        **_tower(vision, config.activation, config.norm_eps),
        "image_size": vision.image_size,
        "patch_size": vision.patch_size,
    }
    names = {"model_type": kind, "architectures": [{"clip": "CLIPModel", "siglip": "SiglipModel"}[kind]]}
    return {**names, "projection_dim": config.embed_dim, "text_config": words, "vision_config": pictures}


def _tower(tower: VisionConfig | TextConfig, activation: Activation, norm_eps: float) -> dict[str, Any]:
    return {
        "hidden_size": tower.width,
        "intermediate_size": tower.mlp_width,
        "num_hidden_layers": tower.layers,
        "num_attention_heads": tower.heads,
        "hidden_act": ACTIVATIONS[activation],
        "layer_norm_eps": norm_eps,
    }


def _pictures(config: CLIPConfig) -> dict[str, Any]:
    size, is_cut = config.vision.image_size, config.resize == "shortest"
    square = {"height": size, "width": size}
    return {
        "image_processor_type": "CLIPImageProcessor" if is_cut else "SiglipImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": size} if is_cut else square,
        **({"do_center_crop": True, "crop_size": square} if is_cut else {}),
        "resample": {"bicubic": BICUBIC, "bilinear": BILINEAR}[config.interpolation],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(config.mean),
        "image_std": list(config.std),
        "do_convert_rgb": True,
    }
