from __future__ import annotations

import pytest
import torch

from clipsearch.model import CLIP, CLIPConfig
from tests.model.tiny import BAG_OF_WORDS, CLIP_RESNET, CLIP_VIT, EVERY, pixels, random_clip, texts
from training.finetuning.lora import attach, merged

every = pytest.mark.parametrize("config", EVERY, ids=lambda config: config.name)


def learned(config: CLIPConfig, rank: int = 3) -> tuple[CLIP, list[torch.nn.Parameter]]:
    """Make a model whose products have learned something."""
    clip = random_clip(config)
    parameters = attach(clip, rank, on_mlp=True, seed=0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for up in parameters[1::2]:
            up.copy_(0.1 * torch.randn(up.shape, generator=generator))
    return clip, parameters


def features(clip: CLIP) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([clip.encode_image(pixels(clip.config)), clip.encode_text(texts())])


@every
def test_merged_equals_unmerged(config: CLIPConfig) -> None:
    clip, _ = learned(config)
    plain = merged(clip)
    assert plain.state_dict().keys() == random_clip(config).state_dict().keys()
    assert torch.allclose(features(plain), features(clip), atol=1e-5)
    assert not torch.allclose(features(plain), features(random_clip(config)), atol=1e-2)


@every
@pytest.mark.parametrize("rank", [0, 3])
def test_rank_zero_and_no_step_change_nothing(config: CLIPConfig, rank: int) -> None:
    clip = random_clip(config)
    parameters = attach(clip, rank, on_mlp=True, seed=0)
    assert bool(parameters) == (rank > 0)
    before = random_clip(config).state_dict()
    assert all(torch.equal(value, before[name]) for name, value in merged(clip).state_dict().items())
    assert torch.allclose(features(clip), features(random_clip(config)), atol=1e-6)


def test_only_the_products_learn() -> None:
    clip, parameters = learned(CLIP_VIT)
    (clip.encode_image(pixels(CLIP_VIT)).sum() + clip.encode_text(texts()).sum()).backward()
    with_gradient = {id(one) for one in clip.parameters() if one.grad is not None}
    assert with_gradient == {id(one) for one in parameters}
    assert all(one.grad is not None and one.grad.abs().max() > 0 for one in parameters)


def test_each_of_query_key_and_value_has_a_product_of_its_own_rank() -> None:
    clip, _ = learned(CLIP_VIT, rank=1)
    before, after = random_clip(CLIP_VIT).state_dict(), merged(clip).state_dict()
    name = "visual.transformer.resblocks.0.attn.in_proj_weight"
    changes = (after[name] - before[name]).chunk(3)
    assert [int(torch.linalg.matrix_rank(change, atol=1e-4)) for change in changes] == [1, 1, 1]


def test_the_mlp_can_be_left_out() -> None:
    clip = random_clip(CLIP_VIT)
    blocks = CLIP_VIT.text.layers + 3
    assert len(attach(clip, 2, on_mlp=False, seed=0)) == blocks * 2 * 2
    assert len(attach(random_clip(CLIP_VIT), 2, on_mlp=True, seed=0)) == blocks * 4 * 2


def test_a_resnet_s_attention_pool_is_tuned_and_a_bag_of_words_is_not() -> None:
    _, parameters = learned(CLIP_RESNET)
    assert len(parameters) == (4 + CLIP_RESNET.text.layers * 4) * 2
    _, parameters = learned(BAG_OF_WORDS)
    assert len(parameters) == 3 * 4 * 2


def test_the_model_goes_on_learning_after_it_was_merged() -> None:
    clip, parameters = learned(CLIP_VIT)
    first = features(merged(clip))
    with torch.no_grad():
        parameters[1].add_(1.0)
    assert not torch.allclose(features(merged(clip)), first, atol=1e-3)


def test_the_seed_decides_the_first_weights() -> None:
    one, same, other = (attach(random_clip(CLIP_VIT), 2, True, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
