"""Tiny architectures with random weights, of every kind, for tests."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from clipsearch.model.clip import CLIP
from clipsearch.model.configs import CLIPConfig, TextConfig, VisionConfig

EOT = 98  # the largest id that these texts use

TEXT = TextConfig(context_length=19, vocab_size=99, width=48, heads=4, layers=3)
VIT = VisionConfig("vit", image_size=40, width=72, layers=3, heads=3, patch_size=8, mlp_ratio=2.5)
RESNET = VisionConfig("resnet", image_size=64, width=8, layers=(2, 1, 3, 1), heads=4, class_token=False, pre_norm=False)
CLIP_VIT = CLIPConfig("tiny", embed_dim=40, vision=VIT, text=TEXT)
CLIP_RESNET = CLIPConfig("tiny resnet", embed_dim=40, vision=RESNET, text=TEXT)
BAG_OF_WORDS = replace(CLIP_VIT, name="tiny bag", text=replace(TEXT, kind="bag-of-words"))
SIGLIP = CLIPConfig(
    name="tiny siglip",
    embed_dim=72,
    vision=replace(VIT, class_token=False, pre_norm=False, patch_bias=True, pool="attention", projection=False),
    text=replace(TEXT, width=72, causal=False, pool="last", projection_bias=True),
    activation="gelu_tanh",
    norm_eps=1e-6,
    logit_scale_init=2.3,
    logit_bias_init=-10.0,
)
EVERY = (CLIP_VIT, CLIP_RESNET, BAG_OF_WORDS, SIGLIP)


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter and statistic values that are neither zero nor one, and features of ordinary size."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            scale = 0.1 if value.ndim < 2 else value[0].numel() ** -0.5
            gain = 1.0 if value.ndim == 1 and name.endswith("weight") else 0.0
            if value.ndim:
                value.copy_(gain + scale * torch.randn(value.shape, generator=generator))
        for name, value in model.named_buffers():
            if name.endswith("running_mean"):
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
            elif name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    return model.eval()


def random_clip(config: CLIPConfig) -> CLIP:
    """Make a model in evaluation mode in which every weight matters."""
    model = CLIP(config)
    randomised(model)
    return model


def pixels(config: CLIPConfig, count: int = 3) -> Tensor:
    """Make random pictures [count, 3, size, size]."""
    size = config.vision.image_size
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def texts(lengths: tuple[int, ...] = (7, 12, 3), context: int = 19, pad: int = 0) -> Tensor:
    """Make random texts [n, context] of these lengths, end token included."""
    generator = torch.Generator().manual_seed(2)
    tokens = torch.full((len(lengths), context), pad)
    for row, length in zip(tokens, lengths, strict=True):
        row[:length] = torch.randint(1, EOT, (length,), generator=generator)
        row[length - 1] = EOT
    return tokens
