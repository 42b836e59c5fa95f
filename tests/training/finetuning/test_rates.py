from __future__ import annotations

import pytest
import torch

from clipsearch.model import CLIP, CLIPConfig
from tests.model.tiny import BAG_OF_WORDS, CLIP_RESNET, CLIP_VIT, EVERY
from training.finetuning.rates import IMAGE, TEXT, layer_wise

RATE, DECAY = 0.1, 0.5


def rates(config: CLIPConfig, towers: tuple[str, ...] = (IMAGE, TEXT)) -> dict[str, tuple[float, float]]:
    """Return each tuned parameter's learning rate and weight decay."""
    clip = CLIP(config)
    groups = layer_wise(clip, towers, RATE, DECAY, 0.2)
    of = {id(one): (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}
    assert {name for name, one in clip.named_parameters() if one.requires_grad} == {
        name for name, one in clip.named_parameters() if id(one) in of
    }
    return {name: of[id(one)] for name, one in clip.named_parameters() if id(one) in of}


@pytest.mark.parametrize(
    ("name", "rate", "decay"),
    [  # three layers: the projection 0.1, then 0.05, 0.025, 0.0125, and what comes before them 0.00625
        ("visual.proj", 0.1, 0.2),
        ("visual.ln_post.weight", 0.1, 0.0),
        ("visual.transformer.resblocks.2.attn.in_proj_weight", 0.05, 0.2),
        ("visual.transformer.resblocks.1.mlp.c_fc.bias", 0.025, 0.0),
        ("visual.transformer.resblocks.0.ln_1.weight", 0.0125, 0.0),
        ("visual.ln_pre.weight", 0.00625, 0.0),
        ("visual.conv1.weight", 0.00625, 0.2),
        ("visual.class_embedding", 0.00625, 0.0),
        ("visual.positional_embedding", 0.00625, 0.2),
        ("text.text_projection", 0.1, 0.2),
        ("text.ln_final.bias", 0.1, 0.0),
        ("text.transformer.resblocks.2.attn.out_proj.weight", 0.05, 0.2),
        ("text.transformer.resblocks.0.attn.out_proj.bias", 0.0125, 0.0),
        ("text.token_embedding.weight", 0.00625, 0.2),
        ("text.positional_embedding", 0.00625, 0.2),
    ],
)
def test_a_transformer_s_rates_are_as_computed_by_hand(name: str, rate: float, decay: float) -> None:
    assert rates(CLIP_VIT)[name] == pytest.approx((rate, decay))


@pytest.mark.parametrize(
    ("name", "rate", "decay"),
    [
        ("visual.attnpool.c_proj.weight", 0.1, 0.2),
        ("visual.layer4.0.conv1.weight", 0.05, 0.2),
        ("visual.layer3.2.bn3.weight", 0.025, 0.0),
        ("visual.layer1.1.conv2.weight", 0.00625, 0.2),
        ("visual.layer1.0.downsample.0.weight", 0.00625, 0.2),
        ("visual.bn2.bias", 0.003125, 0.0),
        ("visual.conv3.weight", 0.003125, 0.2),
    ],
)
def test_a_resnet_s_rates_are_as_computed_by_hand(name: str, rate: float, decay: float) -> None:
    assert rates(CLIP_RESNET)[name] == pytest.approx((rate, decay))


def test_a_bag_of_words_has_two_layers() -> None:
    of = rates(BAG_OF_WORDS, (TEXT,))
    assert of == {"text.token_embedding.weight": (RATE * DECAY, 0.2), "text.text_projection": (RATE, 0.2)}


@pytest.mark.parametrize("config", EVERY, ids=lambda config: config.name)
@pytest.mark.parametrize("towers", [(IMAGE,), (TEXT,), (IMAGE, TEXT)], ids=["image", "text", "both"])
def test_all_of_the_towers_and_nothing_else_is_tuned(config: CLIPConfig, towers: tuple[str, ...]) -> None:
    names = {name for name, _ in CLIP(config).named_parameters() if name.startswith(towers)}
    assert rates(config, towers).keys() == names
    assert not any(name.startswith("logit") for name in names)


def test_groups_are_in_the_same_order_every_time() -> None:
    torch.manual_seed(0)
    one, other = (layer_wise(CLIP(CLIP_VIT), (IMAGE, TEXT), 1.0, 0.5, 0.1) for _ in range(2))
    shapes = [[[value.shape for value in group["params"]] for group in groups] for groups in (one, other)]
    assert shapes[0] == shapes[1]
