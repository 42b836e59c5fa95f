"""The pickle inside a TorchScript archive, interpreted as plain records: no name in it is imported, nothing is called.

Only the opcodes that TorchScript's writer uses are known (torch/csrc/jit/serialization/pickler.cpp; pickletools.py says
what each does), and only the globals below mean anything. Everything else is refused.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TENSOR = "torch._utils._rebuild_tensor_v2"
EMPTY_MAPPING = "collections.OrderedDict"
TYPED_LISTS = {f"torch.jit._pickle.build_{kind}list" for kind in ("int", "double", "bool", "tensor")}
TAGGED = "torch.jit._pickle.restore_type_tag"
LITERALS = {"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
IGNORED = {"PROTO", "STOP"}


@dataclass(frozen=True, slots=True)
class Name:
    """A global of the pickle, as text: "torch.HalfStorage", "__torch__.clip.model.CLIP"."""

    text: str


@dataclass(slots=True, eq=False)
class Module:
    """An object of a class that the archive itself defines: nothing but its attributes."""

    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of numbers in the entry `data/<key>`; `kind` names the type, like "torch.HalfStorage"."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A view of a storage; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class PickleRefusedError(Exception):
    """The pickle is damaged, or asks for something that no TorchScript archive of a network asks for."""


def read_pickle(pickle: bytes) -> Any:
    """Return what the pickle describes, out of dict, list, tuple, str, numbers and the records above.

    Raises PickleRefusedError for anything else.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            machine.step(opcode.name, argument)
        return machine.stack.pop()
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, struct.error) as error:
        raise PickleRefusedError(str(error)) from error


class _Machine:
    """The pickle's stack, marks and memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._steps: dict[str, Callable[[], None]] = {
            "MARK": lambda: self._marks.append(len(self.stack)),
            "EMPTY_DICT": lambda: self.stack.append({}),
            "EMPTY_LIST": lambda: self.stack.append([]),
            "TUPLE": lambda: self.stack.append(tuple(self._pop_to_mark())),
            "APPEND": lambda: self._extend([self.stack.pop()]),
            "APPENDS": lambda: self._extend(self._pop_to_mark()),
            "SETITEM": lambda: self._set_items([self.stack.pop(-2), self.stack.pop()]),
            "SETITEMS": lambda: self._set_items(self._pop_to_mark()),
            "BINPERSID": lambda: self.stack.append(_storage(self.stack.pop())),
            "REDUCE": lambda: self.stack.append(_result(self.stack.pop(-2), self.stack.pop())),
            "NEWOBJ": lambda: self.stack.append(_module(self.stack.pop(-2), self.stack.pop())),
            "BUILD": lambda: self._set_attributes(self.stack.pop()),
        }

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in LITERALS:
            self.stack.append(argument)
        elif opcode in CONSTANTS:
            self.stack.append(CONSTANTS[opcode])
        elif opcode == "GLOBAL":
            self.stack.append(Name(argument.replace(" ", ".")))
        elif opcode in {"BINPUT", "LONG_BINPUT"}:
            self._memo[argument] = self.stack[-1]
        elif opcode in {"BINGET", "LONG_BINGET"}:
            self.stack.append(self._memo[argument])
        elif opcode in {"TUPLE1", "TUPLE2", "TUPLE3"}:
            self._marks.append(len(self.stack) - int(opcode[-1]))
            self._steps["TUPLE"]()
        elif opcode not in IGNORED:
            self._steps[opcode]()

    def _pop_to_mark(self) -> list[Any]:
        mark = self._marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def _extend(self, items: list[Any]) -> None:
        _expect(self.stack[-1], list).extend(items)

    def _set_items(self, items: list[Any]) -> None:
        _expect(self.stack[-1], dict).update(
            (_expect(key, str), value) for key, value in zip(items[::2], items[1::2], strict=True)
        )

    def _set_attributes(self, attributes: Any) -> None:
        _expect(self.stack[-1], Module).attributes.update(_expect(attributes, dict))


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected, not {type(value).__name__}")
    return value


def _module(name: Any, arguments: Any) -> Module:
    if not _expect(name, Name).text.startswith("__torch__.") or arguments:
        raise ValueError(f"the pickle asks for {name.text}")
    return Module()


def _storage(reference: Any) -> Storage:
    _, kind, key, _, count = _expect(reference, tuple)
    return Storage(_expect(kind, Name).text, _expect(key, str), _expect(count, int))


def _result(function: Any, arguments: Any) -> Any:
    """What calling the named function would give, for the few that describe data; none is called."""
    name = _expect(function, Name).text
    arguments = _expect(arguments, tuple)
    if name == TENSOR:
        return _tensor(*arguments[:4])
    if name == EMPTY_MAPPING and not arguments:
        return {}
    if name in TYPED_LISTS or name == TAGGED:
        return arguments[0]
    raise ValueError(f"the pickle asks for {name}")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> TensorRecord:
    numbers = [offset, *_expect(shape, tuple), *_expect(strides, tuple)]
    if any(_expect(number, int) < 0 for number in numbers) or len(shape) != len(strides):
        raise ValueError("a tensor has an impossible shape")
    return TensorRecord(_expect(storage, Storage), offset, shape, strides)
