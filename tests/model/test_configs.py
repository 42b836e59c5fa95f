"""The table of architectures: names, numbers that other projects' files rely on, and its form in JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.model.configs import CONFIGS, EXAMPLES, CLIPConfig, TextConfig, VisionConfig, config

OPENAI = ["RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"]
OTHERS = [
    "ViT-B-32-256",
    "ViT-H-14",
    "ViT-g-14",
    "ViT-bigG-14",
    "TinyCLIP-ViT-40M-32-Text-19M",
    "TinyCLIP-ViT-61M-32-Text-29M",
    "TinyCLIP-ViT-8M-16-Text-3M",
    "ViT-B-16-SigLIP",
    "ViT-B-16-SigLIP-i18n-256",
    "ViT-L-16-SigLIP-384",
    "ViT-SO400M-14-SigLIP-384",
    "ViT-B-32-SigLIP2-256",
    "ViT-B-16-SigLIP2-512",
    "ViT-SO400M-14-SigLIP2-378",
    "ViT-SO400M-16-SigLIP2-384",
]


@pytest.mark.parametrize("name", [*OPENAI, *(f"{name}-quickgelu" for name in OPENAI), *OTHERS])
def test_architectures_have_openclips_names(name: str) -> None:
    assert config(name).name == name


@pytest.mark.parametrize("name", OPENAI)
def test_a_quickgelu_twin_differs_in_nothing_but_its_activation(name: str) -> None:
    twin = config(f"{name}-quickgelu")
    assert twin.activation == "quick_gelu"
    assert replace(twin, name=name, activation="gelu") == config(name)


def test_every_width_divides_into_its_heads() -> None:
    for model in CONFIGS.values():
        channels = model.vision.width * (32 if model.vision.kind == "resnet" else 1)
        assert channels % model.vision.heads == 0, model.name
        assert model.text.width % model.text.heads == 0, model.name
        assert model.vision.projection or model.vision.width == model.embed_dim, model.name


@pytest.mark.parametrize(
    ("name", "head", "mlp"),
    [
        ("ViT-H-14", 80, 5120),
        ("ViT-g-14", 88, 6144),
        ("ViT-bigG-14", 104, 8192),
        ("ViT-SO400M-16-SigLIP2-384", 72, 4304),
    ],
)
def test_the_large_models_have_their_own_heads_and_mlps(name: str, head: int, mlp: int) -> None:
    vision = config(name).vision
    assert (vision.width // vision.heads, vision.mlp_width) == (head, mlp)


def test_an_mlp_width_survives_being_written_as_a_ratio() -> None:
    for width in range(64, 2048, 32):
        for hidden in (width * 4 - 1, 4304, 6144, 8192):
            assert TextConfig(width=width, mlp_ratio=hidden / width).mlp_width == hidden


def test_siglips_towers_need_not_share_an_activation() -> None:
    assert (config("ViT-B-16-SigLIP2").activation, config("ViT-B-16-SigLIP2").text.activation) == ("gelu", "gelu_tanh")
    both = config("ViT-B-16-SigLIP2").with_activation("gelu_tanh")
    assert (both.activation, both.text.activation) == ("gelu_tanh", None)


def test_positions_count_the_class_token_or_the_mean() -> None:
    assert config("ViT-B-32").vision.positions == 50
    assert config("RN50").vision.positions == 50
    assert config("ViT-B-32-SigLIP2-256").vision.positions == 64
    assert config("ViT-SO400M-14-SigLIP-384").vision.grid == 27
    assert config("ViT-L-14").at_size(336).vision == config("ViT-L-14-336").vision


@pytest.mark.parametrize("name", CONFIGS)
def test_json_keeps_everything(name: str) -> None:
    assert CLIPConfig.from_json(json.loads(json.dumps(CONFIGS[name].to_json()))) == CONFIGS[name]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"embed_dim": "512"}, "embed_dim"),
        ({"activation": "swish"}, "activation"),
        ({"mean": [0.5, 0.5]}, "mean"),
        ({"dropout": 0.1}, "dropout"),
        ({"vision": None}, "VisionConfig"),
        ({"text": {"kind": "lstm"}}, "kind"),
        ({"vision": {"kind": "vit"}}, "image_size"),
    ],
)
def test_json_that_is_not_understood_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(ClipsearchError, match=named):
        CLIPConfig.from_json({**config("ViT-B-32").to_json(), **change})


def test_json_without_a_part_is_an_error() -> None:
    values = config("ViT-B-32").to_json()
    del values["embed_dim"]
    with pytest.raises(ClipsearchError, match="embed_dim"):
        CLIPConfig.from_json(values)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ClipsearchError, match="ViT-B-32"):
        config("ViT-B/32")
    with pytest.raises(ClipsearchError, match="nearest names are ViT-B-16-SigLIP"):
        config("VIT_b_16_SIGLIP")


def test_a_name_like_no_other_is_answered_with_a_few() -> None:
    with pytest.raises(ClipsearchError, match=r"such as RN50, .*configs\.CONFIGS") as caught:
        config("?")
    assert len(caught.value.message) < 200
    examples = [word.strip(",;") for word in EXAMPLES.split(";")[0].replace(" or ", " ").split()]
    assert set(examples) <= CONFIGS.keys()


@pytest.mark.parametrize("name", ["vit-b-32", "VIT-B-32", "rn50X4-QuickGELU", "vit-so400m-16-siglip2-384"])
def test_letter_case_does_not_matter(name: str) -> None:
    assert config(name).name.casefold() == name.casefold()
    assert len({known.casefold() for known in CONFIGS}) == len(CONFIGS)


def test_tables_agree_with_a_vit_written_out() -> None:
    assert config("ViT-B-16").vision == VisionConfig(
        "vit", image_size=224, width=768, layers=12, heads=12, patch_size=16, mlp_ratio=4.0
    )
