"""OpenCLIP's open_clip_config.json -> CLIPConfig (OpenCLIP 3.3: model.py, transform.py; timm's SigLIP encoders)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clipsearch.model.checkpoint.values import colours, one_of, square
from clipsearch.model.configs import (
    CLIP_MEAN,
    CLIP_SCALE,
    CLIP_STD,
    SIGLIP_SCALE,
    Activation,
    CLIPConfig,
    TextConfig,
    VisionConfig,
)

#: settings that say nothing about the network as it answers: training, and the tokenizer
IRRELEVANT = re.compile(
    r"patch_dropout|output_tokens|attn_pooler_.*|timm_model_pretrained|timm_drop.*|timm_proj_bias|tokenizer_.*"
    r"|hf_tokenizer_name|hf_model_pretrained|pad_id|eos_id|init_logit_scale|custom_text"
)
#: the values at which OpenCLIP's other settings change nothing, besides None and false
NEUTRAL = {"pos_embed_type": "learnable", "pool_type": "tok", "proj_type": "linear", "block_type": "default"}
#: timm's SigLIP encoders: width, layers, heads, MLP ratio
TIMM_SIZES = {
    "base": (768, 12, 12, 4.0),
    "large": (1024, 24, 16, 4.0),
    "so400m": (1152, 27, 16, 3.7362),
    "giantopt": (1536, 40, 16, 4.0),
}
TIMM_NAME = re.compile(r"vit_(base|large|so400m|giantopt)_patch(\d+)_siglip_\d+")
#: those of them with the tanh approximation of GELU; the others have GELU itself, whatever the text tower has
TIMM_TANH = re.compile(r"vit_(base_patch32|large_patch16_siglip_512|so400m_patch16|giantopt).*")


def read_open_clip(values: Mapping[str, Any], name: str) -> CLIPConfig:
    """Read {"model_cfg", "preprocess_cfg"}.

    Raises ValueError, TypeError or LookupError, saying why, for what is missing, of a wrong type or not built here.
    """
    model, pictures = values["model_cfg"], values.get("preprocess_cfg") or {}
    vision_values, text_values = model["vision_cfg"], model["text_cfg"]
    refuse_unknown(model, {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "init_logit_bias"})
    quick = bool(model.get("quick_gelu"))
    text = _text(text_values)
    timm = vision_values.get("timm_model_name")
    vision, image_activation = _timm(vision_values) if timm else _vision(vision_values, quick)
    activation = _activation(text_values, quick)
    bias = model.get("init_logit_bias")
    norm_eps = 1e-6 if timm else _eps(vision_values)
    if norm_eps != _eps(text_values):
        raise ValueError("its two towers normalise differently")
    return CLIPConfig(
        name=name,
        embed_dim=int(model["embed_dim"]),
        vision=vision,
        text=replace(text, activation=None if activation == image_activation else activation),
        activation=image_activation,
        norm_eps=norm_eps,
        mean=colours(pictures.get("mean", CLIP_MEAN)),
        std=colours(pictures.get("std", CLIP_STD)),
        resize=one_of(pictures.get("resize_mode", "shortest"), "shortest", "squash"),
        interpolation=one_of(pictures.get("interpolation", "bicubic"), "bicubic", "bilinear"),
        logit_scale_init=SIGLIP_SCALE if bias else CLIP_SCALE,
        logit_bias_init=bias,
    )


def _vision(values: Mapping[str, Any], quick: bool) -> tuple[VisionConfig, Activation]:
    known = {"layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size", "act_kwargs", "norm_kwargs"}
    refuse_unknown(values, known | {"timm_pool", "timm_proj"})
    width, layers, head_width = values.get("width", 768), values.get("layers", 12), values.get("head_width", 64)
    image_size = square(values.get("image_size", 224))
    if isinstance(layers, list):
        one, two, three, four = layers
        stages = (one, two, three, four)
        pool_heads = width * 32 // head_width
        resnet = VisionConfig("resnet", image_size, width, stages, pool_heads, class_token=False, pre_norm=False)
        return resnet, _activation(values, quick)
    vit = VisionConfig(
        kind="vit",
        image_size=image_size,
        width=width,
        layers=layers,
        heads=width // head_width,
        patch_size=square(values.get("patch_size", 16)),
        mlp_ratio=values.get("mlp_ratio", 4.0),
    )
    return vit, _activation(values, quick)


def _timm(values: Mapping[str, Any]) -> tuple[VisionConfig, Activation]:
    name = values["timm_model_name"]
    match = TIMM_NAME.fullmatch(name)
    if not match or values.get("timm_pool") != "map" or values.get("timm_proj") not in {"none", None, ""}:
        raise ValueError(f"its image encoder is timm's {name}")
    width, layers, heads, mlp_ratio = TIMM_SIZES[match[1]]
    vision = VisionConfig(
        kind="vit",
        image_size=square(values.get("image_size", 224)),
        width=width,
        layers=layers,
        heads=heads,
        patch_size=int(match[2]),
        mlp_ratio=mlp_ratio,
        class_token=False,
        pre_norm=False,
        patch_bias=True,
        pool="attention",
        projection=False,
    )
    return vision, "gelu_tanh" if TIMM_TANH.fullmatch(name) else "gelu"


def _text(values: Mapping[str, Any]) -> TextConfig:
    known = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "no_causal_mask", "proj_bias"}
    refuse_unknown({**values, "pool_type": None}, known | {"act_kwargs", "norm_kwargs"})
    return TextConfig(
        context_length=values.get("context_length", 77),
        vocab_size=values.get("vocab_size", 49408),
        width=values.get("width", 512),
        heads=values.get("heads", 8),
        layers=values.get("layers", 12),
        mlp_ratio=values.get("mlp_ratio", 4.0),
        causal=not values.get("no_causal_mask"),
        pool=one_of(values.get("pool_type", "argmax"), "argmax", "last"),
        projection_bias=bool(values.get("proj_bias")),
    )


def _activation(values: Mapping[str, Any], quick: bool) -> Activation:
    options = values.get("act_kwargs") or {}
    if quick and not options:
        return "quick_gelu"
    if not quick and options in ({}, {"approximate": "none"}):
        return "gelu"
    if not quick and options == {"approximate": "tanh"}:
        return "gelu_tanh"
    raise ValueError(f"its activation has the options {options}")


def _eps(values: Mapping[str, Any]) -> float:
    options = dict(values.get("norm_kwargs") or {})
    eps = float(options.pop("eps", 1e-5))
    if options:
        raise ValueError(f"its normalisation has the options {options}")
    return eps


def refuse_unknown(values: Mapping[str, Any], known: set[str]) -> None:
    """Raise ValueError for a setting that changes the network in a way not built here."""
    for key, value in values.items():
        if key not in known and not IRRELEVANT.fullmatch(key) and value and NEUTRAL.get(key) != value:
            raise ValueError(f"it uses {key} ({value})")
