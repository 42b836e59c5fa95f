"""Writes ONNX graphs by hand: a list of nodes and small stored weights, nothing traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


class Graph:
    """An ONNX graph that grows node by node; every method returns the name of the tensor it adds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, kind: str, shape: list[int | str]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))
        return name

    def output(self, source: str, name: str, shape: list[int | str]) -> None:
        self.nodes.append(helper.make_node("Identity", [source], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def split(self, source: str, sizes: list[int]) -> tuple[str, ...]:
        """Cut a tensor along axis 1 into parts of the given sizes."""
        names = tuple(f"Split_{len(self.nodes)}_{part}" for part in range(len(sizes)))
        self.nodes.append(helper.make_node("Split", [source, self.constant(sizes, np.int64)], list(names), axis=1))
        return names

    def gelu(self, x: str) -> str:
        """Add the exact GELU, x * (1 + erf(x / sqrt 2)) / 2."""
        bell = self.add("Erf", self.add("Mul", x, self.constant(0.5**0.5)))
        half = self.add("Mul", x, self.constant(0.5))
        return self.add("Mul", half, self.add("Add", bell, self.constant(1.0)))

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Store `values` exactly as `dtype`."""
        name = f"weight_{len(self.weights)}"
        array = np.ascontiguousarray(np.asarray(values, dtype=dtype))
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def half(self, values: Any) -> str:
        """Store `values` as fp16; the runtime widens them to fp32 once, while it loads."""
        return self.add("Cast", self.constant(values, np.float16), to=TensorProto.FLOAT)

    def int8(self, values: npt.NDArray[Any], axis: int) -> str:
        """Store weights as int8 with one fp32 scale for each index of `axis`; widened to fp32 while loading."""
        stored, scale = quantise(values, axis)
        wide = self.add("Cast", self.constant(stored, np.int8), to=TensorProto.FLOAT)
        return self.add("Mul", wide, self.constant(scale))

    def save(self, path: Path) -> None:
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="clipsearch")
        model.ir_version = 9
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString())


def quantise(values: npt.NDArray[Any], axis: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return int8 values and fp32 scales (kept dimensions), one for each index of `axis`: int8 * scale ~ values."""
    others = tuple(index for index in range(values.ndim) if index != axis)
    scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
    return np.rint(values / scale).astype(np.int8), scale.astype(np.float32)
