"""OpenAI's TorchScript archives: the weights by their state-dict names, without running the program beside them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from clipsearch.model.checkpoint.archive import Archive
from clipsearch.model.checkpoint.pickles import Module, PickleRefusedError, Storage, TensorRecord, read_pickle

PICKLE_LIMIT_BYTES = 16 * 2**20
DEPTH_LIMIT = 32
DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.DoubleStorage": torch.float64,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
}
MASK = "attn_mask"  # a text tower's causal mask, which is not learned


def read_torchscript(archive: Archive) -> dict[str, Tensor]:
    """Return the weights as stored (OpenAI's: fp16, with normalisations and embeddings in fp32).

    Format: `data.pkl` is the tree of modules, `data/<key>` a storage, `byteorder` the machine's that wrote it (little
    where it is missing). Raises CheckpointError.
    """
    records = dict(_tensors(_tree(archive), archive))
    swap = archive.has("byteorder") and archive.read("byteorder") != sys.byteorder.encode()
    storages: dict[Storage, Tensor] = {}
    for record in records.values():
        if record.storage not in storages:
            storages[record.storage] = _read_storage(record.storage, archive, swap)
    return {name: _view(storages[record.storage], record, archive) for name, record in records.items()}


def _tree(archive: Archive) -> Any:
    if archive.size_bytes("data.pkl") > PICKLE_LIMIT_BYTES:
        raise archive.damaged("its description is longer than any network's")
    try:
        return read_pickle(bytes(archive.read("data.pkl")))
    except PickleRefusedError as error:
        raise archive.damaged("its description of the network is not one that torch writes") from error


def _tensors(tree: Any, archive: Archive) -> Iterator[tuple[str, TensorRecord]]:
    """Walk the tree of modules, each module once, and name its tensors as `state_dict` would."""
    pending, seen = [("", tree, 0)], {id(tree)}
    while pending:
        prefix, module, depth = pending.pop()
        if not isinstance(module, Module) or depth > DEPTH_LIMIT:
            raise archive.damaged("it holds no network")
        for name, value in module.attributes.items():
            if isinstance(value, TensorRecord) and name != MASK:
                yield prefix + name, value
            elif isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                pending.append((f"{prefix}{name}.", value, depth + 1))


def _read_storage(storage: Storage, archive: Archive, swap: bool) -> Tensor:
    """Return a storage as a one-dimensional tensor of `count` numbers."""
    dtype = DTYPES.get(storage.kind)
    if dtype is None or archive.size_bytes(f"data/{storage.key}") != storage.count * dtype.itemsize:
        raise archive.damaged(f"the numbers in data/{storage.key} are not as many as it says")
    content = archive.read(f"data/{storage.key}")
    if not content:
        return torch.empty(0, dtype=dtype)
    numbers = torch.frombuffer(content, dtype=torch.uint8)
    if swap:
        numbers = numbers.view(-1, dtype.itemsize).flip(1).flatten()
    return numbers.view(dtype)


def _view(storage: Tensor, record: TensorRecord, archive: Archive) -> Tensor:
    count = math.prod(record.shape)
    last = record.offset + sum((size - 1) * step for size, step in zip(record.shape, record.strides, strict=True))
    if count > storage.numel() or (count and last >= storage.numel()):
        raise archive.damaged("a tensor reaches beyond its numbers")
    return storage.as_strided(record.shape, record.strides, record.offset)
