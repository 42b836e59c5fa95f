"""CLIP's ModifiedResNet: ResNet-D's stem, anti-aliased strides and an attention pool (paper, section 2.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model.configs import CLIPConfig
from clipsearch.model.transformer import attend

EXPANSION = 4  # a bottleneck's output channels for each of its inner ones


class ModifiedResNet(nn.Module):
    """Pixels float [n, 3, size, size] -> features [n, embed_dim]."""

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        vision = config.vision
        width, half = vision.width, vision.width // 2
        self.conv1 = nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        depths = vision.layers if isinstance(vision.layers, tuple) else (vision.layers,) * 4
        self.layer1 = stage(width, width, depths[0], stride=1)
        self.layer2 = stage(width * 4, width * 2, depths[1], stride=2)
        self.layer3 = stage(width * 8, width * 4, depths[2], stride=2)
        self.layer4 = stage(width * 16, width * 8, depths[3], stride=2)
        self.attnpool = AttentionPool2d(vision.positions, width * 32, vision.heads, config.embed_dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode pixels [n, 3, size, size]; features come in the precision of the weights."""
        features: Tensor = self.attnpool(self.cells(pixels))
        return features

    def with_patches(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return, of one pass, the features and the cells before their pooling: [n, cells, 32 width], row by row."""
        cells = self.cells(pixels)
        return self.attnpool(cells), cells.flatten(2).transpose(1, 2)

    def cells(self, pixels: Tensor) -> Tensor:
        """Reduce pixels [n, 3, size, size] to the last feature map, [n, 32 width, size / 32, size / 32]."""
        x = self.stem(pixels.to(self.conv1.weight.dtype))
        mapped: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return mapped

    def stem(self, x: Tensor) -> Tensor:
        """Reduce x [n, 3, size, size] to [n, width, size / 4, size / 4]."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = functional.relu(self.bn3(self.conv3(x)))
        return functional.avg_pool2d(x, 2)


class Bottleneck(nn.Module):
    """A residual block in which every convolution has stride 1; an average pool before the last one does the striding.

    Its last gain starts at zero, so that the block starts as the identity.
    """

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        outputs = planes * EXPANSION
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs) if stride > 1 or inputs != outputs else nn.Identity()
        nn.init.zeros_(self.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, inputs, h, w] to [n, 4 planes, h / stride, w / stride]."""
        residual = functional.relu(self.bn1(self.conv1(x)))
        residual = functional.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(self.pool(residual)))
        return functional.relu(residual + self.downsample(self.pool(x)))


def stage(inputs: int, planes: int, depth: int, stride: int) -> nn.Sequential:
    """Make a stage of so many blocks, the first of which strides."""
    first = Bottleneck(inputs, planes, stride)
    return nn.Sequential(first, *(Bottleneck(planes * EXPANSION, planes, 1) for _ in range(depth - 1)))


def shortcut(inputs: int, outputs: int) -> nn.Sequential:
    """Make the projection of a block whose input and output differ."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


class AttentionPool2d(nn.Module):
    """One layer of multi-head attention whose query is the mean of all cells; its output map is the projection."""

    def __init__(self, positions: int, width: int, heads: int, embed_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(positions, width))
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, embed_dim)
        for linear in (self.q_proj, self.k_proj, self.v_proj, self.c_proj):
            nn.init.normal_(linear.weight, std=width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Reduce x [n, width, h, w] to [n, embed_dim]."""
        cells = x.flatten(2).transpose(1, 2)
        cells = torch.cat([cells.mean(1, keepdim=True), cells], dim=1) + self.positional_embedding
        mixed = attend(self.q_proj(cells[:, :1]), self.k_proj(cells), self.v_proj(cells), self.heads)
        pooled: Tensor = self.c_proj(mixed.squeeze(1))
        return pooled
