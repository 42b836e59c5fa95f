"""ModifiedResNet against a second implementation, written from the paper's description with plain functions."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.model.clip import CLIP
from tests.model.tiny import CLIP_RESNET, RESNET, pixels, random_clip

State = dict[str, Tensor]


def reference(state: State, depths: tuple[int, ...], heads: int, x: Tensor) -> Tensor:
    """Encode pictures with the weights of `visual.`."""
    x = normed(state, "bn1", functional.conv2d(x, state["conv1.weight"], stride=2, padding=1)).clamp(min=0)
    x = normed(state, "bn2", functional.conv2d(x, state["conv2.weight"], padding=1)).clamp(min=0)
    x = normed(state, "bn3", functional.conv2d(x, state["conv3.weight"], padding=1)).clamp(min=0)
    x = averaged(x)
    for stage, depth in enumerate(depths, start=1):
        for block in range(depth):
            x = bottleneck(state, f"layer{stage}.{block}.", x, strided=stage > 1 and block == 0)
    return attention_pool(below(state, "attnpool."), heads, x)


def bottleneck(state: State, name: str, x: Tensor, strided: bool) -> Tensor:
    inner = normed(state, f"{name}bn1", pointwise(state[f"{name}conv1.weight"], x)).clamp(min=0)
    inner = normed(state, f"{name}bn2", functional.conv2d(inner, state[f"{name}conv2.weight"], padding=1)).clamp(min=0)
    inner = averaged(inner) if strided else inner
    inner = normed(state, f"{name}bn3", pointwise(state[f"{name}conv3.weight"], inner))
    if f"{name}downsample.0.weight" in state:
        x = pointwise(state[f"{name}downsample.0.weight"], averaged(x) if strided else x)
        x = normed(state, f"{name}downsample.1", x)
    return (inner + x).clamp(min=0)


def attention_pool(state: State, heads: int, x: Tensor) -> Tensor:
    """Attend with the mean cell as the only query, one head after another."""
    cells = torch.cat([x.mean((2, 3))[:, None], x.flatten(2).mT], dim=1) + state["positional_embedding"]
    query, key, value = (cells @ state[f"{part}_proj.weight"].T + state[f"{part}_proj.bias"] for part in "qkv")
    width = query.shape[-1] // heads
    mixed = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = query[:, :1, part] @ key[..., part].mT / math.sqrt(width)
        mixed.append(scores.softmax(-1) @ value[..., part])
    return torch.cat(mixed, dim=-1)[:, 0] @ state["c_proj.weight"].T + state["c_proj.bias"]


def below(state: State, prefix: str) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def normed(state: State, name: str, x: Tensor) -> Tensor:
    """Batch normalisation with the stored statistics."""
    gain = state[f"{name}.weight"] / torch.sqrt(state[f"{name}.running_var"] + 1e-5)
    shift = state[f"{name}.bias"] - state[f"{name}.running_mean"] * gain
    return x * gain[:, None, None] + shift[:, None, None]


def pointwise(weight: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("nchw,oc->nohw", x, weight[:, :, 0, 0])


def averaged(x: Tensor) -> Tensor:
    """Average each square of two by two."""
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


@pytest.mark.parametrize("layers", [(2, 1, 3, 1), (1, 2, 1, 2)])
@torch.inference_mode()
def test_the_network_is_the_papers(layers: tuple[int, int, int, int]) -> None:
    config = replace(CLIP_RESNET, vision=replace(RESNET, layers=layers))
    model, pictures = random_clip(config), pixels(config)
    expected = reference(below(model.state_dict(), "visual."), layers, RESNET.heads, pictures)
    assert expected.std() > 0.1
    torch.testing.assert_close(model.encode_image(pictures), expected, rtol=1e-5, atol=1e-5)


def test_keys_are_openais() -> None:
    keys = CLIP(CLIP_RESNET).visual.state_dict().keys()
    assert {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_var", "attnpool.c_proj.bias"} <= keys
    assert {"bn3.num_batches_tracked", "layer4.0.bn3.weight", "attnpool.positional_embedding"} <= keys
    assert not any("pool.weight" in key or "layer3.1.downsample" in key for key in keys)


def test_every_block_starts_as_its_shortcut() -> None:
    torch.manual_seed(0)
    visual = CLIP(CLIP_RESNET).visual
    blocks = [block for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4) for block in stage]
    assert len(blocks) == sum(RESNET.layers)
    assert all(block.bn3.weight.abs().max() == 0 for block in blocks)
    assert visual.bn3.weight.min() == 1
    for linear in (visual.attnpool.q_proj, visual.attnpool.k_proj, visual.attnpool.v_proj, visual.attnpool.c_proj):
        assert float(linear.weight.detach().std()) == pytest.approx(256**-0.5, rel=0.05)
