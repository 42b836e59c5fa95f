"""The state of every generator of random numbers that training may use, as numbers that can be stored."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor

TEXT_BYTES = 16_384  # room for a state that is written as JSON


def states() -> dict[str, Tensor]:
    """Return the states of Python, numpy and torch (CPU and current GPU), uint8 of a fixed length for each name."""
    kept: dict[str, Any] = np.random.get_state(legacy=False)
    kept = {**kept, "state": {"key": kept["state"]["key"].tolist(), "pos": int(kept["state"]["pos"])}}
    found = {"python": _as_bytes(random.getstate()), "numpy": _as_bytes(kept), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state()
    elif torch.backends.mps.is_available():
        found["mps"] = torch.mps.get_rng_state()
    return found


def restore(found: dict[str, Tensor]) -> None:
    """Set all generators to states that `states` returned; what this machine does not have is passed over.

    torch reads a state from where its storage begins, so it must not be a part of another tensor.
    """
    version, numbers, gauss = _from_bytes(found["python"])
    random.setstate((version, tuple(numbers), gauss))
    kept = _from_bytes(found["numpy"])
    kept["state"]["key"] = np.array(kept["state"]["key"], dtype=np.uint32)
    np.random.set_state(kept)
    torch.set_rng_state(found["torch"].cpu())
    if "cuda" in found and torch.cuda.is_available():
        torch.cuda.set_rng_state(found["cuda"].cpu())
    if "mps" in found and torch.backends.mps.is_available():
        torch.mps.set_rng_state(found["mps"].cpu())


def begin(seed: int) -> None:
    """Start all generators from one number."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _as_bytes(values: Any) -> Tensor:
    text = json.dumps(values).encode().ljust(TEXT_BYTES)
    assert len(text) == TEXT_BYTES
    return torch.tensor(list(text), dtype=torch.uint8)


def _from_bytes(content: Tensor) -> Any:
    return json.loads(bytes(content.tolist()))
