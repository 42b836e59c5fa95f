"""Small random models, and the files in which other programs would keep them."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP
from clipsearch.model.configs import HALF, CLIPConfig, TextConfig, VisionConfig

TEXT = TextConfig(context_length=12, vocab_size=99, width=64, heads=1, layers=2)
VIT = CLIPConfig("tiny", 32, VisionConfig("vit", 32, width=128, layers=2, heads=2, patch_size=8), TEXT)
RESNET = CLIPConfig(
    "tiny-resnet",
    64,
    VisionConfig("resnet", 64, width=8, layers=(1, 2, 1, 1), heads=4, class_token=False, pre_norm=False),
    TEXT,
    activation="quick_gelu",
)
SIGLIP = CLIPConfig(
    name="tiny-siglip",
    embed_dim=64,
    vision=VisionConfig(
        kind="vit",
        image_size=32,
        width=64,
        layers=2,
        heads=1,
        patch_size=8,
        class_token=False,
        pre_norm=False,
        patch_bias=True,
        pool="attention",
        projection=False,
    ),
    text=replace(TEXT, causal=False, pool="last", projection_bias=True),
    activation="gelu_tanh",
    norm_eps=1e-6,
    mean=HALF,
    std=HALF,
    resize="squash",
    logit_bias_init=-10.0,
)


def random_model(config: CLIPConfig, seed: int = 0) -> CLIP:
    """Make a model in which every number is random, so that no two parameters can be mistaken for each other."""
    generator = torch.Generator().manual_seed(seed)
    model = CLIP(config).eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
            if name.endswith(("running_var", "logit_scale")):
                tensor.abs_().add_(1)
    return model


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Store what OpenAI stores in fp16: all but normalisations, embeddings, positions and temperature."""
    kept = ("ln_", "bn", "embedding", "logit_scale", "downsample.1")
    return {name: tensor if any(word in name for word in kept) else tensor.half() for name, tensor in state.items()}


class Node(nn.Module):
    """A module with no program worth running: only the tree of names matters."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what comes in."""
        return x


def tree(state: dict[str, Tensor]) -> Node:
    """Build the tree of modules whose state dict this is."""
    root = Node()
    for name, tensor in state.items():
        *path, leaf = name.split(".")
        node: nn.Module = root
        for part in path:
            if part not in dict(node.named_children()):
                node.add_module(part, Node())
            node = node.get_submodule(part)
        if tensor.is_floating_point():
            node.register_parameter(leaf, nn.Parameter(tensor.clone(), requires_grad=False))
        else:
            node.register_buffer(leaf, tensor.clone())
    return root


def save_torchscript(state: dict[str, Tensor], path: Path, *, marked: bool = True) -> Path:
    """Write an archive like OpenAI's: a traced program, its weights and three numbers beside them."""
    marks = {name: torch.tensor(3) for name in ("input_resolution", "context_length", "vocab_size")}
    torch.jit.trace(tree({**state, **(marks if marked else {})}), torch.zeros(1)).save(path)
    return path


def rewrite_zip(source: Path, target: Path, changes: dict[str, bytes], **entry: Any) -> Path:
    """Copy a zip file, replacing or adding entries whose names begin behind the archive's own folder."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        root = old.namelist()[0].split("/")[0]
        changes = {name.format(root=root): content for name, content in changes.items()}
        for info in old.infolist():
            if info.filename not in changes:
                new.writestr(info.filename, old.read(info))
        for name, content in changes.items():
            new.writestr(name, content, **entry)
    return target


def logits(model: CLIP) -> Tensor:
    """Score the same random pictures and texts."""
    config = model.config
    generator = torch.Generator().manual_seed(1)
    size = config.vision.image_size
    pixels = torch.randn(3, 3, size, size, generator=generator)
    tokens = torch.randint(1, config.text.vocab_size, (4, config.text.context_length), generator=generator)
    with torch.no_grad():
        return model(pixels, tokens)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Tell whether two state dicts hold the same numbers under the same names, whatever their precision."""
    return one.keys() == other.keys() and all(torch.equal(one[name].float(), other[name].float()) for name in one)
