"""Which engine runs a package on this machine, and why; torch is not imported unless a GPU is there for it."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from clipsearch.encode.package import Package
from clipsearch.errors import EngineError

_INSTALL = 'pip install "clipsearch[gpu]"'


class Engine(Protocol):
    """Runs the two towers of a package."""

    @property
    def batch_size(self) -> int:
        """How many pictures to give at once."""

    def image_features(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map float32 [n, 3, size, size] to float32 [n, dim], not normalised."""

    def text_features(
        self, input_ids: npt.NDArray[np.int64], attention_mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Map int64 [n, l] token ids and mask to float32 [n, dim], not normalised."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine, torch's device ("" for ONNX Runtime), and the reason as a sentence."""

    engine: Literal["onnx", "torch"]
    reason: str
    device: str = ""


def choose(package: Package, wanted: str = "auto") -> Choice:
    """Choose an engine for a package: the `wanted` one, or with "auto" torch where it has a GPU and weights.

    Raises EngineError where torch is wanted and cannot run this package.
    """
    if wanted == "onnx":
        return Choice("onnx", "ONNX Runtime on the CPU, as the settings say.")
    if wanted == "torch":
        return _torch(package)
    return _automatic(package)


def _automatic(package: Package) -> Choice:
    if not (gpu := gpu_sign()):
        return Choice("onnx", "ONNX Runtime on the CPU: this machine has no GPU that torch could use.")
    if package.weights is None or package.architecture is None:
        return Choice("onnx", f"ONNX Runtime on the CPU: an {gpu} is there, but this package has no weights for torch.")
    if missing := _missing():
        return Choice("onnx", f"ONNX Runtime on the CPU: an {gpu} is there, but {missing} is not installed: {_INSTALL}")
    if device := _device():
        return Choice("torch", f"torch on the {gpu}, which is many times as fast as the CPU.", device)
    return Choice("onnx", f"ONNX Runtime on the CPU: an {gpu} is there, but the installed torch cannot use it.")


def _torch(package: Package) -> Choice:
    if package.weights is None or package.architecture is None:
        raise EngineError(
            f"The package {package.name} has no weights for torch; set engine to “auto” or “onnx”.", package.folder
        )
    if missing := _missing():
        raise EngineError(f"The settings ask for torch, but {missing} is not installed: {_INSTALL}")
    device = _device()
    where = {"cuda": "the GPU", "mps": "Apple's GPU"}.get(device, "the CPU, where ONNX Runtime would be faster")
    return Choice("torch", f"torch on {where}, as the settings say.", device or "cpu")


def gpu_sign() -> str:
    """Name a GPU that torch might use, by what its driver leaves on disk, or return ""; takes no time."""
    if sys.platform == "darwin":
        return "Apple GPU" if platform.machine() == "arm64" else ""
    if Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"):
        return "NVIDIA GPU"
    return "AMD GPU" if Path("/dev/kfd").exists() else ""


def _missing() -> str:
    return " and ".join(name for name in ("torch", "safetensors") if find_spec(name) is None)


def _device() -> str:
    """Ask torch for its GPU: "cuda" (also AMD's), "mps" or ""."""
    from clipsearch.encode.engine_torch import gpu

    return gpu()
