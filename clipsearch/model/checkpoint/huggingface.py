"""Hugging Face's config.json and preprocessor_config.json of CLIPModel and SiglipModel -> CLIPConfig.

Both files leave out what is the default: the defaults below are those of transformers 5 (configuration_clip.py,
configuration_siglip.py and the image processors beside them).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clipsearch.model.checkpoint.values import colours, one_of, square
from clipsearch.model.configs import (
    CLIP_MEAN,
    CLIP_SCALE,
    CLIP_STD,
    HALF,
    SIGLIP_BIAS,
    SIGLIP_SCALE,
    Activation,
    CLIPConfig,
    TextConfig,
    VisionConfig,
)

CLIP_TEXT = {
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "eos_token_id": 49407,
}
CLIP_VISION = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
SIGLIP_TEXT = {
    "vocab_size": 32000,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 64,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
}
SIGLIP_VISION = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 16,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "vision_use_head": True,
}
ACTIVATIONS: dict[str, Activation] = {
    "quick_gelu": "quick_gelu",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
LEGACY_END = 2  # written before transformers 4.31; the end token was, as in OpenAI's code, that of the largest id
BILINEAR, BICUBIC = 2, 3  # Pillow's numbers


def read_hugging_face(values: Mapping[str, Any], pictures: Mapping[str, Any], name: str) -> CLIPConfig:
    """Read a model's config.json and what its image processor's says ({} where there is none).

    Raises ValueError, TypeError or LookupError, saying why, for what is missing, of a wrong type or not built here.
    """
    kind = values.get("model_type")
    if kind == "clip":
        return _clip(values, pictures, name)
    if kind == "siglip":
        return _siglip(values, pictures, name)
    raise ValueError(f"it is of the type “{kind}”, not CLIPModel or SiglipModel")


def _clip(values: Mapping[str, Any], pictures: Mapping[str, Any], name: str) -> CLIPConfig:
    text, vision = _tower(values, "text_config", CLIP_TEXT), _tower(values, "vision_config", CLIP_VISION)
    last = text["vocab_size"] - 1
    if text["eos_token_id"] != LEGACY_END and text["eos_token_id"] < last:
        raise ValueError(f"its texts end with token {text['eos_token_id']}, which is not the last of the vocabulary")
    resize, size = _geometry(pictures, "shortest")
    return CLIPConfig(
        name=name,
        embed_dim=values.get("projection_dim", 512),
        vision=VisionConfig(
            kind="vit",
            image_size=_agreeing(square(vision["image_size"]), size),
            patch_size=square(vision["patch_size"]),
            **_size(vision),
        ),
        text=TextConfig(**_language(text, vision)),
        activation=_activation(vision),
        norm_eps=_eps(text, vision),
        mean=colours(pictures.get("image_mean", CLIP_MEAN)),
        std=colours(pictures.get("image_std", CLIP_STD)),
        resize=resize,
        interpolation=_interpolation(pictures),
        logit_scale_init=CLIP_SCALE,
    )


def _siglip(values: Mapping[str, Any], pictures: Mapping[str, Any], name: str) -> CLIPConfig:
    text, vision = _tower(values, "text_config", SIGLIP_TEXT), _tower(values, "vision_config", SIGLIP_VISION)
    if not vision["vision_use_head"]:
        raise ValueError("its image encoder has no pooling head")
    resize, size = _geometry(pictures, "squash")
    return CLIPConfig(
        name=name,
        embed_dim=vision["hidden_size"],
        vision=VisionConfig(
            kind="vit",
            image_size=_agreeing(square(vision["image_size"]), size),
            patch_size=square(vision["patch_size"]),
            class_token=False,
            pre_norm=False,
            patch_bias=True,
            pool="attention",
            projection=False,
            **_size(vision),
        ),
        text=TextConfig(causal=False, pool="last", projection_bias=True, **_language(text, vision)),
        activation=_activation(vision),
        norm_eps=_eps(text, vision),
        mean=colours(pictures.get("image_mean", HALF)),
        std=colours(pictures.get("image_std", HALF)),
        resize=resize,
        interpolation=_interpolation(pictures),
        logit_scale_init=SIGLIP_SCALE,
        logit_bias_init=SIGLIP_BIAS,
    )


def _tower(values: Mapping[str, Any], key: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Complete one tower's settings; old files repeat them under `<key>_dict`, which counts more."""
    given = {**(values.get(key) or {}), **(values.get(f"{key}_dict") or {})}
    return {name: given.get(name, default) for name, default in defaults.items()}


def _size(tower: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "width": tower["hidden_size"],
        "layers": tower["num_hidden_layers"],
        "heads": tower["num_attention_heads"],
        "mlp_ratio": tower["intermediate_size"] / tower["hidden_size"],
    }


def _language(text: Mapping[str, Any], vision: Mapping[str, Any]) -> dict[str, Any]:
    activation = _activation(text)
    return {
        "context_length": text["max_position_embeddings"],
        "vocab_size": text["vocab_size"],
        "activation": None if activation == _activation(vision) else activation,
        **_size(text),
    }


def _activation(tower: Mapping[str, Any]) -> Activation:
    if tower["hidden_act"] not in ACTIVATIONS:
        raise ValueError(f"its activation is {tower['hidden_act']}")
    return ACTIVATIONS[tower["hidden_act"]]


def _eps(text: Mapping[str, Any], vision: Mapping[str, Any]) -> float:
    if text["layer_norm_eps"] != vision["layer_norm_eps"]:
        raise ValueError("its two towers normalise differently")
    return float(text["layer_norm_eps"])


def _geometry(pictures: Mapping[str, Any], default: str) -> tuple[Any, int | None]:
    """Return how pictures get their shape, and their size in pixels where it is said.

    The image processors say {"shortest_edge": n} with a centre crop, old ones just n, or {"height", "width"}.
    """
    size = pictures.get("size")
    if size is None:
        return default, None
    if isinstance(size, Mapping) and "shortest_edge" not in size:
        return "squash", square(size)
    edge = size["shortest_edge"] if isinstance(size, Mapping) else size
    if isinstance(size, int) and default == "squash":
        return "squash", square(edge)
    return "shortest", _agreeing(square(pictures.get("crop_size", edge)), square(edge))


def _agreeing(size: int, other: int | None) -> int:
    if other not in {None, size}:
        raise ValueError(f"pictures are resized to {other} pixels, but used at {size}")
    return size


def _interpolation(pictures: Mapping[str, Any]) -> Any:
    names = {BILINEAR: "bilinear", BICUBIC: "bicubic"}
    return one_of(names.get(pictures.get("resample", BICUBIC)), "bicubic", "bilinear")
