"""The architecture of bare weights: measured from their shapes, then looked up by name or among the known ones."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from clipsearch.errors import ArchitectureUnknownError
from clipsearch.model.configs import CONFIGS, HALF, Activation, CLIPConfig, TextConfig, VisionConfig

HEAD_WIDTH = 64
#: words in the names of published weights that tell their activation (OpenCLIP 3.3, pretrained.py); the first match
#: counts. LAION-400M's B/32 weights are for QuickGELU, its larger ones are not.
TRAINED_WITH: tuple[tuple[str, Activation], ...] = (
    (r"altogether|dfn2b.*39b", "gelu"),
    (r"openai|metaclip|dfn2b|dfn5b", "quick_gelu"),
    (r"laion2b|laion5b|datacomp|commonpool", "gelu"),
)


def measure(state: Mapping[str, Tensor]) -> CLIPConfig:
    """Read sizes from shapes. Heads are put at 64 wide, see `infer`; activation and preprocessing are the defaults.

    Raises KeyError, naming the parameter, where the weights are not a whole CLIP model's.
    """
    vision = _resnet(state) if "visual.layer1.0.conv1.weight" in state else _vit(state)
    return CLIPConfig("these weights", _embed_dim(state), vision, _text(state))


def _vit(state: Mapping[str, Tensor]) -> VisionConfig:
    width, _, patch_size, _ = state["visual.conv1.weight"].shape
    class_token = "visual.class_embedding" in state
    attention = "visual.attn_pool.probe" in state
    grid = math.isqrt(len(state["visual.positional_embedding"]) - class_token)
    return VisionConfig(
        kind="vit",
        image_size=grid * patch_size,
        width=width,
        layers=_blocks(state, "visual.transformer.resblocks"),
        heads=max(1, width // HEAD_WIDTH),
        patch_size=patch_size,
        mlp_ratio=_mlp_ratio(state, "visual.transformer.resblocks", width),
        class_token=class_token,
        pre_norm="visual.ln_pre.weight" in state,
        patch_bias="visual.conv1.bias" in state,
        pool="attention" if attention else "token",
        projection="visual.proj" in state,
    )


def _resnet(state: Mapping[str, Tensor]) -> VisionConfig:
    width = len(state["visual.layer1.0.conv1.weight"])
    grid = math.isqrt(len(state["visual.attnpool.positional_embedding"]) - 1)
    one, two, three, four = (_blocks(state, f"visual.layer{stage}") for stage in (1, 2, 3, 4))
    return VisionConfig(
        kind="resnet",
        image_size=grid * 32,
        width=width,
        layers=(one, two, three, four),
        heads=max(1, width * 32 // HEAD_WIDTH),
        class_token=False,
        pre_norm=False,
    )


def _text(state: Mapping[str, Tensor]) -> TextConfig:
    vocab_size, width = state["token_embedding.weight"].shape
    if "positional_embedding" not in state:
        return TextConfig("bag-of-words", vocab_size=vocab_size, width=width, heads=max(1, width // HEAD_WIDTH))
    biased = "text_projection.bias" in state  # only SigLIP's
    return TextConfig(
        context_length=len(state["positional_embedding"]),
        vocab_size=vocab_size,
        width=width,
        heads=max(1, width // HEAD_WIDTH),
        layers=_blocks(state, "transformer.resblocks"),
        mlp_ratio=_mlp_ratio(state, "transformer.resblocks", width),
        causal=not biased,
        pool="last" if biased else "argmax",
        projection_bias=biased,
    )


def _embed_dim(state: Mapping[str, Tensor]) -> int:
    if "text_projection.weight" in state:
        return len(state["text_projection.weight"])
    return state["text_projection"].shape[1]


def _blocks(state: Mapping[str, Tensor], prefix: str) -> int:
    pattern = re.compile(rf"{re.escape(prefix)}\.(\d+)\.")
    return len({match[1] for name in state if (match := pattern.match(name))})


def _mlp_ratio(state: Mapping[str, Tensor], prefix: str, width: int) -> float:
    return len(state[f"{prefix}.0.mlp.c_fc.weight"]) / width


def sizes(config: CLIPConfig) -> list[str]:
    """Say everything that weights show of an architecture, what matters most to a reader first."""
    vision, text = config.vision, config.text
    is_vit, is_bag = vision.kind == "vit", text.kind == "bag-of-words"
    return [
        "a Vision Transformer as image encoder" if is_vit else "a ResNet as image encoder",
        f"{_listed(vision.layers)} image layers of width {vision.width}",
        f"patches of {vision.patch_size} pixels" if is_vit else "no patches",
        f"positions for {vision.grid} x {vision.grid} patches",
        f"{'a' if vision.class_token else 'no'} class token and pooling by {vision.pool}",
        f"image MLPs of width {vision.mlp_width}" if is_vit else "no image MLPs",
        "a bag of words as text encoder" if is_bag else f"{text.layers} text layers of width {text.width}",
        f"word vectors of width {text.width}" if is_bag else f"text MLPs of width {text.mlp_width}",
        "texts of any length" if is_bag else f"texts of {text.context_length} tokens",
        f"a vocabulary of {text.vocab_size:,} tokens",
        f"a joint space of {config.embed_dim} dimensions",
        f"{'a' if vision.projection else 'no'} projection of pictures",
        f"{'a' if text.projection_bias else 'no'} bias in the projection of texts",
    ]


def _listed(layers: int | tuple[int, ...]) -> str:
    return str(layers) if isinstance(layers, int) else "+".join(map(str, layers))


def mismatch(measured: CLIPConfig, wanted: CLIPConfig) -> str | None:
    """Say in one sentence how weights differ from the architecture they should be of, or None."""
    pairs = zip(sizes(measured), sizes(wanted), strict=True)
    different = next(((found, asked) for found, asked in pairs if found != asked), None)
    return different and f"These weights have {different[0]}; {wanted.name} has {different[1]}."


def infer(
    measured: CLIPConfig, path: Path, activation: Activation | None = None, is_openai: bool = False
) -> CLIPConfig:
    """Complete what was measured by the known architectures of that shape and by what the file's name tells.

    Raises ArchitectureUnknownError where several architectures remain, asking for a name, and where none has that
    shape: weights do not show their attention heads. Only OpenAI's (`is_openai`) are known to be 64 wide, all of them.
    """
    activation = activation or published_activation(measured, path)
    known = [config for config in CONFIGS.values() if sizes(config) == sizes(measured)]
    if not known and not is_openai:
        raise _no_heads(measured, path)
    fitting = [config for config in known if activation in {None, config.activation}]
    if not fitting and activation:
        fitting = [config.with_activation(activation) for config in known or [replace(measured, name=path.stem)]]
    if len({(config.activation, config.text.activation) for config in fitting}) == 1:  # only the size is open
        fitting = [config for config in fitting if plain(config.name) in published_name(path)][-1:] or fitting
    if len(fitting) == 1:
        return as_published(fitting[0], path)
    raise _question(path, [config.name for config in known])


def _no_heads(measured: CLIPConfig, path: Path) -> ArchitectureUnknownError:
    message = (
        f"No known architecture has the sizes of the weights in {path.name} ({_listed(measured.vision.layers)} image "
        f"layers of width {measured.vision.width}, ...), which do not tell their number of attention heads; put the "
        "model's config.json or open_clip_config.json beside them and choose the folder."
    )
    return ArchitectureUnknownError(message, path, ())


def _question(path: Path, known: list[str]) -> ArchitectureUnknownError:
    message = (
        f"The weights in {path.name} do not tell their architecture completely (such as the activation they were "
        f"trained with); give its name, such as {' or '.join(known)}."
    )
    return ArchitectureUnknownError(message, path, known)


def published_activation(measured: CLIPConfig, path: Path) -> Activation | None:
    """Recognise published weights by the names of their file and folder."""
    words = published_name(path)
    if "laion400m" in words and measured.vision.kind == "vit":
        return "quick_gelu" if (measured.vision.patch_size, measured.vision.width) == (32, 768) else "gelu"
    return next((activation for pattern, activation in TRAINED_WITH if re.search(pattern, words)), None)


def as_published(config: CLIPConfig, path: Path) -> CLIPConfig:
    """Prepare pictures as published weights need it that differ from their architecture's other weights."""
    words = published_name(path)
    if "laion2b" in words and config.name == "ViT-L-14":
        return replace(config, mean=HALF, std=HALF)
    if "dfn5b" in words:
        return replace(config, resize="squash")
    return config


def published_name(path: Path) -> str:
    return plain(path.parent.name + path.name)


def plain(name: str) -> str:
    """Leave out case and punctuation, in which the same name differs from place to place."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
