"""Values of configurations, checked: ValueError or TypeError for what cannot be meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from clipsearch.model.configs import Activation, CLIPConfig


def square(size: Any) -> int:
    """Return the side of a square given as one number, [height, width] or {"height", "width"}; else ValueError."""
    sides = list(size.values()) if isinstance(size, Mapping) else size if isinstance(size, list) else [size]
    if len(set(sides)) != 1:
        raise ValueError(f"its pictures or patches are not square ({size})")
    return int(sides[0])


def colours(values: Any) -> tuple[float, float, float]:
    """Return one number for red, green and blue each."""
    red, green, blue = values
    return float(red), float(green), float(blue)


def one_of(value: Any, *known: str) -> Any:
    """Return a word that must be one of these; else ValueError."""
    if value not in known:
        raise ValueError(f"“{value}” is not one of {', '.join(known)}")
    return value


def checked(config: CLIPConfig) -> CLIPConfig:
    """Return a configuration whose every value can be used; else ValueError, saying which cannot."""
    vision, text = config.vision, config.text
    layers = vision.layers if isinstance(vision.layers, tuple) else (vision.layers,)
    whole = {
        "image size": (vision.image_size,),
        "patch size": (vision.patch_size if vision.kind == "vit" else 1,),
        "number of image layers": layers,
        "context length": (text.context_length,),
        "vocabulary": (text.vocab_size,),
        "number of text layers": (text.layers,),
        "number of heads": (vision.heads, text.heads),
        "width": (vision.width, text.width, config.embed_dim),
    }
    for what, numbers in whole.items():
        if not all(type(number) is int and 0 < number < 2**31 for number in numbers):
            raise ValueError(f"its {what} is {' and '.join(map(repr, numbers))}")
    if vision.width * (32 if vision.kind == "resnet" else 1) % vision.heads or text.width % text.heads:
        raise ValueError("its heads do not share its width equally")
    _check_fractions(config)
    _check_words(config)
    return config


def _check_fractions(config: CLIPConfig) -> None:
    positive = (config.vision.mlp_ratio, config.text.mlp_ratio, config.norm_eps, *config.std)
    bias = config.logit_bias_init or 0.0
    if not all(math.isfinite(number) for number in (*positive, *config.mean, bias, config.logit_scale_init)):
        raise ValueError("one of its numbers is not finite")
    if min(positive) <= 0 or len(config.mean) != 3 or len(config.std) != 3:
        raise ValueError("one of its numbers is impossible")


def _check_words(config: CLIPConfig) -> None:
    one_of(config.vision.kind, "vit", "resnet")
    one_of(config.vision.pool, "token", "attention")
    one_of(config.text.kind, "transformer", "bag-of-words")
    one_of(config.text.pool, "argmax", "last")
    one_of(config.resize, "shortest", "squash")
    one_of(config.interpolation, "bicubic", "bilinear")
    one_of(config.activation, *get_args(Activation))
    one_of(config.text.activation or config.activation, *get_args(Activation))
