"""The table of CLIP architectures, as data, under OpenCLIP's names.

Numbers: CLIP's paper (arXiv 2103.00020, tables 19 and 20) and the model configurations of OpenCLIP 3.3 and TinyCLIP.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from clipsearch.errors import ClipsearchError

Activation = Literal["gelu", "quick_gelu", "gelu_tanh"]
Config = TypeVar("Config", "VisionConfig", "TextConfig", "CLIPConfig")

EXAMPLES = "RN50, ViT-B-32, ViT-L-14-quickgelu or ViT-B-16-SigLIP; all stand in clipsearch.model.configs.CONFIGS"

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)
CLIP_SCALE = math.log(1 / 0.07)  # the paper's initial temperature
SIGLIP_SCALE, SIGLIP_BIAS = math.log(10.0), -10.0  # "Sigmoid Loss for Language Image Pre-Training", section 3.2


@dataclass(frozen=True)
class VisionConfig:
    """An image encoder; of a ResNet, `width` is its stem's, `layers` the blocks of each stage, `heads` its pool's."""

    kind: Literal["vit", "resnet"]
    image_size: int
    width: int
    layers: int | tuple[int, int, int, int]
    heads: int
    patch_size: int | None = None
    mlp_ratio: float = 4.0
    class_token: bool = True
    pre_norm: bool = True  # a LayerNorm before the first block
    patch_bias: bool = False
    pool: Literal["token", "attention"] = "token"  # the class token, or SigLIP's attention pooling
    projection: bool = True  # a linear map without bias to the joint space; else `width` must be its dimension

    @property
    def grid(self) -> int:
        """Patches (for a ResNet: cells of the last feature map) along one side."""
        return self.image_size // (self.patch_size or 32)

    @property
    def positions(self) -> int:
        """Rows of the positional embedding: a class token or, in a ResNet, the mean of all cells comes first."""
        return self.grid**2 + (self.class_token or self.kind == "resnet")

    @property
    def patch_width(self) -> int:
        """Channels of a patch (for a ResNet: of a cell) behind the last block."""
        return 32 * self.width if self.kind == "resnet" else self.width

    @property
    def mlp_width(self) -> int:
        """Width of the blocks' hidden layer."""
        return hidden_width(self.width, self.mlp_ratio)


@dataclass(frozen=True)
class TextConfig:
    """A text encoder; a bag of words uses only `context_length`, `vocab_size` and `width`."""

    kind: Literal["transformer", "bag-of-words"] = "transformer"
    context_length: int = 77
    vocab_size: int = 49408
    width: int = 512
    heads: int = 8
    layers: int = 12
    mlp_ratio: float = 4.0
    causal: bool = True
    pool: Literal["argmax", "last"] = "argmax"  # the end token (the first of the largest id), or the last position
    projection_bias: bool = False
    activation: Activation | None = None  # None: that of the whole model

    @property
    def ends_early(self) -> bool:
        """Whether what follows the end token has no influence on a text's feature."""
        return self.pool == "argmax" and (self.causal or self.kind == "bag-of-words")

    @property
    def mlp_width(self) -> int:
        """Width of the blocks' hidden layer."""
        return hidden_width(self.width, self.mlp_ratio)


@dataclass(frozen=True)
class CLIPConfig:
    """A whole model: two towers, the joint space between them, and how pictures are prepared (RGB, 0..1)."""

    name: str
    embed_dim: int
    vision: VisionConfig
    text: TextConfig
    activation: Activation = "gelu"
    norm_eps: float = 1e-5
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    resize: Literal["shortest", "squash"] = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    logit_scale_init: float = CLIP_SCALE
    logit_bias_init: float | None = None  # None: no bias

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CLIPConfig:
        """Read what `to_json` wrote.

        Raises ClipsearchError where a value is missing or not known to this version.
        """
        towers = {"vision": read(VisionConfig, values.get("vision")), "text": read(TextConfig, values.get("text"))}
        return read(cls, {**values, **towers})

    def with_activation(self, activation: Activation) -> CLIPConfig:
        """Return the same architecture with this activation in both towers."""
        return replace(self, activation=activation, text=replace(self.text, activation=None))

    def at_size(self, image_size: int) -> CLIPConfig:
        """Return the same architecture for pictures of another size, in pixels."""
        return replace(self, vision=replace(self.vision, image_size=image_size))


def config(name: str) -> CLIPConfig:
    """Return the architecture of this name, in whatever letter case; `CONFIGS` holds them all.

    Raises ClipsearchError, with the nearest names, where there is none.
    """
    names = {known.casefold(): known for known in CONFIGS}
    if name.casefold() in names:
        return CONFIGS[names[name.casefold()]]
    near = [names[one] for one in difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.5)]
    hint = f"The nearest names are {', '.join(near)}." if near else f"The names are OpenCLIP's, such as {EXAMPLES}."
    raise ClipsearchError("Unknown architecture", f"There is no architecture named “{name}”. {hint}")


def hidden_width(width: int, mlp_ratio: float) -> int:
    """Round down as OpenCLIP does, but not below a whole number that a quotient has just missed."""
    return math.floor(width * mlp_ratio + 1e-6)


def read(kind: type[Config], values: Any) -> Config:
    """Fill a configuration's fields from JSON values, lists becoming tuples."""
    try:
        if not isinstance(values, Mapping):
            raise TypeError("it is not there")
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        hints = get_type_hints(kind)
        if wrong := [key for key, value in given.items() if key not in hints or not allowed(value, hints[key])]:
            raise ValueError(f"{', '.join(wrong)} not understood")
        return kind(**given)
    except (TypeError, ValueError) as error:
        message = f"The description of the architecture cannot be read ({kind.__name__}: {error})."
        raise ClipsearchError("Architecture not usable", message) from error


def allowed(value: object, hint: Any) -> bool:
    """Say whether a value from JSON can be meant by a field's type."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) in {UnionType, Union}:
        return any(allowed(value, choice) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(allowed, value, parts))
    return isinstance(value, (int, float) if hint is float else hint)


def clip(name: str, embed_dim: int, vision: VisionConfig, text: TextConfig) -> CLIPConfig:
    """Describe a model of the paper's family with exact GELU, as OpenCLIP trains it."""
    return CLIPConfig(name, embed_dim, vision, text)


def resnet(px: int, width: int, layers: tuple[int, int, int, int]) -> VisionConfig:
    """Describe a ModifiedResNet; its attention pool works on 32 `width` channels in heads of 64."""
    return VisionConfig("resnet", px, width, layers, heads=width * 32 // 64, class_token=False, pre_norm=False)


def vit(px: int, patch: int, size: Size) -> VisionConfig:
    """Describe CLIP's Vision Transformer."""
    return VisionConfig("vit", px, size.width, size.layers, size.heads, patch, size.mlp_ratio)


def text(width: int, layers: int = 12) -> TextConfig:
    """Describe CLIP's text Transformer, in heads of 64."""
    return TextConfig(width=width, heads=width // 64, layers=layers)


def siglip(
    name: str, px: int, patch: int, size: Size, line: SiglipLine, *, context: int = 64, text_size: Size | None = None
) -> CLIPConfig:
    """Describe a SigLIP model; its text tower is as large as its image tower unless `text_size` says otherwise."""
    image = VisionConfig(
        kind="vit",
        image_size=px,
        width=size.width,
        layers=size.layers,
        heads=size.heads,
        patch_size=patch,
        mlp_ratio=size.mlp_ratio,
        class_token=False,
        pre_norm=False,
        patch_bias=True,
        pool="attention",
        projection=False,
    )
    words = text_size or size
    language = TextConfig(
        context_length=context,
        vocab_size=line.vocab_size,
        width=words.width,
        heads=words.heads,
        layers=words.layers,
        mlp_ratio=words.mlp_ratio,
        causal=False,
        pool="last",
        projection_bias=True,
        activation=line.text,
    )
    return CLIPConfig(
        name=name,
        embed_dim=size.width,
        vision=image,
        text=language,
        activation=line.image,
        norm_eps=1e-6,
        mean=HALF,
        std=HALF,
        resize="squash",
        logit_scale_init=SIGLIP_SCALE,
        logit_bias_init=SIGLIP_BIAS,
    )


class Size(NamedTuple):
    """The size of a Transformer."""

    width: int
    layers: int
    heads: int
    mlp_ratio: float = 4.0


class SiglipLine(NamedTuple):
    """What the models of a line share; OpenCLIP's towers do not always have the tanh GELU of the original."""

    vocab_size: int
    image: Activation
    text: Activation


BASE, LARGE, HUGE = Size(768, 12, 12), Size(1024, 24, 16), Size(1280, 32, 16)
GIANT, BIG_G = Size(1408, 40, 16, 4.3637), Size(1664, 48, 16, 4.9231)
SO400M, GIANT_OPT = Size(1152, 27, 16, 3.7362), Size(1536, 40, 16)
FIRST, I18N = SiglipLine(32_000, "gelu", "gelu"), SiglipLine(250_000, "gelu", "gelu")
SECOND, SECOND_TANH = SiglipLine(256_000, "gelu", "gelu_tanh"), SiglipLine(256_000, "gelu_tanh", "gelu_tanh")

PAPER = (
    clip("RN50", 1024, resnet(224, 64, (3, 4, 6, 3)), text(512)),
    clip("RN101", 512, resnet(224, 64, (3, 4, 23, 3)), text(512)),
    clip("RN50x4", 640, resnet(288, 80, (4, 6, 10, 6)), text(640)),
    clip("RN50x16", 768, resnet(384, 96, (6, 8, 18, 8)), text(768)),
    clip("RN50x64", 1024, resnet(448, 128, (3, 15, 36, 10)), text(1024)),
    clip("ViT-B-32", 512, vit(224, 32, BASE), text(512)),
    clip("ViT-B-16", 512, vit(224, 16, BASE), text(512)),
    clip("ViT-L-14", 768, vit(224, 14, LARGE), text(768)),
    clip("ViT-L-14-336", 768, vit(336, 14, LARGE), text(768)),
)
OPENCLIP = (
    clip("ViT-B-32-256", 512, vit(256, 32, BASE), text(512)),
    clip("ViT-H-14", 1024, vit(224, 14, HUGE), text(1024, 24)),
    clip("ViT-H-14-378", 1024, vit(378, 14, HUGE), text(1024, 24)),
    clip("ViT-g-14", 1024, vit(224, 14, GIANT), text(1024, 24)),
    clip("ViT-bigG-14", 1280, vit(224, 14, BIG_G), text(1280, 32)),
)
#: OpenAI's own weights, MetaCLIP's and DFN's are for these
QUICK = {model.name for model in PAPER} | {"ViT-H-14", "ViT-H-14-378", "ViT-bigG-14"}
TINY = (
    clip("TinyCLIP-ViT-8M-16-Text-3M", 512, vit(224, 16, Size(256, 10, 4)), text(256, 3)),
    clip("TinyCLIP-ViT-39M-16-Text-19M", 512, vit(224, 16, Size(512, 12, 8)), text(512, 6)),
    clip("TinyCLIP-ViT-40M-32-Text-19M", 512, vit(224, 32, Size(512, 12, 8)), text(512, 6)),
    clip("TinyCLIP-ViT-61M-32-Text-29M", 512, vit(224, 32, Size(640, 12, 10)), text(512, 9)),
)
#: the paper's other text encoder (figure 3); only the two smallest models are named
BAG_OF_WORDS = tuple(
    replace(model, name=f"{model.name}-bag-of-words", text=replace(model.text, kind="bag-of-words"))
    for model in PAPER
    if model.name in {"RN50", "ViT-B-32"}
)
SIGLIP = (
    siglip("ViT-B-16-SigLIP", 224, 16, BASE, FIRST),
    siglip("ViT-B-16-SigLIP-256", 256, 16, BASE, FIRST),
    siglip("ViT-B-16-SigLIP-i18n-256", 256, 16, BASE, I18N),
    siglip("ViT-B-16-SigLIP-384", 384, 16, BASE, FIRST),
    siglip("ViT-B-16-SigLIP-512", 512, 16, BASE, FIRST),
    siglip("ViT-L-16-SigLIP-256", 256, 16, LARGE, FIRST),
    siglip("ViT-L-16-SigLIP-384", 384, 16, LARGE, FIRST),
    siglip("ViT-SO400M-14-SigLIP", 224, 14, SO400M, FIRST, context=16),
    siglip("ViT-SO400M-14-SigLIP-378", 378, 14, SO400M, FIRST),
    siglip("ViT-SO400M-14-SigLIP-384", 384, 14, SO400M, FIRST),
)
SIGLIP2 = (
    siglip("ViT-B-32-SigLIP2-256", 256, 32, BASE, SECOND_TANH),
    siglip("ViT-B-16-SigLIP2", 224, 16, BASE, SECOND),
    siglip("ViT-B-16-SigLIP2-256", 256, 16, BASE, SECOND),
    siglip("ViT-B-16-SigLIP2-384", 384, 16, BASE, SECOND),
    siglip("ViT-B-16-SigLIP2-512", 512, 16, BASE, SECOND),
    siglip("ViT-L-16-SigLIP2-256", 256, 16, LARGE, SECOND),
    siglip("ViT-L-16-SigLIP2-384", 384, 16, LARGE, SECOND),
    siglip("ViT-L-16-SigLIP2-512", 512, 16, LARGE, SECOND_TANH),
    siglip("ViT-SO400M-14-SigLIP2", 224, 14, SO400M, SECOND),
    siglip("ViT-SO400M-14-SigLIP2-378", 378, 14, SO400M, SECOND),
    siglip("ViT-SO400M-16-SigLIP2-256", 256, 16, SO400M, SECOND_TANH),
    siglip("ViT-SO400M-16-SigLIP2-384", 384, 16, SO400M, SECOND_TANH),
    siglip("ViT-SO400M-16-SigLIP2-512", 512, 16, SO400M, SECOND_TANH),
    siglip("ViT-gopt-16-SigLIP2-256", 256, 16, GIANT_OPT, SECOND_TANH, text_size=SO400M),
    siglip("ViT-gopt-16-SigLIP2-384", 384, 16, GIANT_OPT, SECOND_TANH, text_size=SO400M),
)
QUICK_GELU = tuple(
    replace(model.with_activation("quick_gelu"), name=f"{model.name}-quickgelu")
    for model in PAPER + OPENCLIP
    if model.name in QUICK
)

CONFIGS: dict[str, CLIPConfig] = {
    model.name: model for model in PAPER + OPENCLIP + QUICK_GELU + TINY + BAG_OF_WORDS + SIGLIP + SIGLIP2
}
