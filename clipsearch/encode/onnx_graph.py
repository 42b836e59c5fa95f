"""Writes ONNX graphs node by node; their weights stay in one safetensors file beside them, stored once.

An initializer may lie in another file, at an offset (the ONNX format's "external data"), and a safetensors file is
nothing but a JSON header and the tensors' bytes. So both towers, and the torch engine, read the same file, which the
runtime maps into memory.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 20  # the first with Gelu; ONNX Runtime 1.20 reads it
IR_VERSION = 9

#: safetensors' names -> (ONNX type, bytes)
_DTYPES = {"F32": (TensorProto.FLOAT, 4), "F16": (TensorProto.FLOAT16, 2), "BF16": (TensorProto.BFLOAT16, 2)}


@dataclass(frozen=True)
class Stored:
    """A tensor in the file: its ONNX type, the bytes of a number, its shape, and where its bytes begin."""

    kind: int
    item_bytes: int
    shape: tuple[int, ...]
    offset: int


class WeightsFile:
    """The header of a safetensors file: an 8-byte length, then JSON {name: dtype, shape, data_offsets}."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        self.name = path.name
        self._start = 8 + length
        self._header = {name: entry for name, entry in header.items() if entry.get("dtype") in _DTYPES}

    def __getitem__(self, name: str) -> Stored:
        entry = self._header[name]
        return Stored(*_DTYPES[entry["dtype"]], tuple(entry["shape"]), self._start + entry["data_offsets"][0])

    def __contains__(self, name: str) -> bool:
        return name in self._header


class Graph:
    """An ONNX graph that grows node by node; a method that adds a tensor returns its name."""

    def __init__(self, name: str, weights: WeightsFile) -> None:
        self.weights = weights
        self._name = name
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, kind: int, shape: list[int | str]) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, source: str, name: str, shape: list[int | str]) -> None:
        self._nodes.append(helper.make_node("Identity", [source], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def numbers(self, *values: int) -> str:
        """Add a list of whole numbers."""
        return self.constant(np.array(values, np.int64))

    def constant(self, array: Any) -> str:
        """Add an array, stored in the graph itself."""
        name = f"constant_{len(self._initializers)}"
        self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def reshape(self, x: str, *shape: int) -> str:
        """Give x another shape; 0 keeps a dimension, -1 is what remains."""
        return self.add("Reshape", x, self.numbers(*shape))

    def linear(self, x: str, weight: str, bias: str, rows: slice | None = None) -> str:
        """Map x [m, inputs] by a weight stored [outputs, inputs] as torch does, or by some of its rows."""
        return self.add("Gemm", x, self.weight(weight, rows), self.weight(bias, rows), transB=1)

    def weight(self, name: str, rows: slice | None = None, shape: tuple[int, ...] | None = None) -> str:
        """Add a weight as float32, all of it or some of its rows, perhaps in another shape of the same size."""
        stored = self.stored_weight(name, rows, shape)
        return stored if self.is_float(name) else self.to_float(stored)

    def stored_weight(self, name: str, rows: slice | None = None, shape: tuple[int, ...] | None = None) -> str:
        """Add a weight in the precision in which it is stored."""
        stored = self.weights[name]
        first, last, _ = (rows or slice(None)).indices(stored.shape[0])
        row_bytes = math.prod(stored.shape[1:]) * stored.item_bytes
        key = f"{name}[{first}:{last}]" if rows else name
        place = {
            "location": self.weights.name,
            "offset": stored.offset + first * row_bytes,
            "length": (last - first) * row_bytes,
        }
        self._initializers[key] = _external(key, stored.kind, shape or (last - first, *stored.shape[1:]), place)
        return key

    def is_float(self, name: str) -> bool:
        """Whether a weight is stored as float32."""
        return bool(self.weights[name].kind == TensorProto.FLOAT)

    def to_float(self, x: str) -> str:
        return self.add("Cast", x, to=TensorProto.FLOAT)

    def save(self, path: Path) -> None:
        """Write the graph; its weights' file must lie beside it."""
        weights = list(self._initializers.values())
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="clipsearch")
        model.ir_version = IR_VERSION
        path.write_bytes(model.SerializeToString())
        checker.check_model(str(path), full_check=True)


def _external(name: str, kind: int, shape: tuple[int, ...], place: dict[str, Any]) -> Any:
    """Describe a tensor whose bytes lie in another file."""
    tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
