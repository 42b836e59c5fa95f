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

_INSTALL = 'pip install "clipsearch[gpu]"'
_DEVICES = {"cuda": "the GPU", "mps": "Apple's GPU"}


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
    """Choose an engine for a package: torch where it has a GPU and weights, else, or where `wanted`, ONNX Runtime.

    With "torch" wanted, torch is asked for its GPU even where no driver shows one. ONNX Runtime can run any package, so
    that what the settings ask for never keeps a search from being answered; the reason says why it is not torch.
    """
    return known(package, wanted) or _ask_torch(wanted)


def known(package: Package, wanted: str = "auto") -> Choice | None:
    """Choose without loading torch, which takes seconds; None where only torch can say."""
    if wanted == "onnx":
        return Choice("onnx", "ONNX Runtime on the CPU, as the settings say.")
    if wanted == "auto" and not gpu_sign():
        return Choice("onnx", "ONNX Runtime on the CPU: this machine has no GPU that torch could use.")
    if package.weights is None or package.architecture is None:
        return _without_torch(wanted, "the package has no weights for torch.")
    if missing := _missing():
        return _without_torch(wanted, f"{missing} is not installed: {_INSTALL}")
    return None


def _ask_torch(wanted: str) -> Choice:
    if not (device := _device()):
        return _without_torch(wanted, "the installed torch finds no GPU that it can use.")
    if wanted == "torch":
        return Choice("torch", f"torch on {_DEVICES[device]}, as the settings say.", device)
    return Choice("torch", f"torch on the {gpu_sign()}, which is many times as fast as the CPU.", device)


def _without_torch(wanted: str, obstacle: str) -> Choice:
    reason = "the settings ask for torch" if wanted == "torch" else f"an {gpu_sign()} is there"
    return Choice("onnx", f"ONNX Runtime on the CPU: {reason}, but {obstacle}")


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
    """Ask torch for its GPU: "cuda" (also AMD's), "mps", or "" where there is none or torch itself does not load."""
    from clipsearch.encode.engine_torch import gpu

    try:
        return gpu()
    except (ImportError, OSError):  # an installation that is damaged, or lacks a library of the driver's
        return ""
