"""Run a package's towers with torch: on CUDA (NVIDIA and AMD) or MPS (Apple), and on the CPU as a reference."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clipsearch.encode.package import Package
from clipsearch.encode.tokenizer import pad
from clipsearch.errors import EngineError, PackageError

if TYPE_CHECKING:
    import torch

    from clipsearch.model import CLIP
    from clipsearch.model.configs import CLIPConfig

    Encode = Callable[[CLIP, torch.Tensor], torch.Tensor]

_LARGEST_BATCH = 256  # more makes no GPU faster
_CPU_BATCH = 4
_FREE_SHARE = 0.5  # of the device's free memory, for one batch's activations
_LIVE_WIDTHS = 16  # a block holds its residual, its norm, q, k, v, what attention mixed and twice the MLP's four widths


class TorchEngine:
    """Both towers of a package that has weights, loaded when first used.

    `device` is "cuda", "mps" or "cpu"; `precision` is "fp32", "fp16" or "bf16", by default fp16 on a GPU and fp32 on
    the CPU: fp16's vectors are nearer to fp32's than those of bf16, whose range is only needed where fp16 overflows;
    then this engine goes over to bf16 by itself. A batch that does not fit into memory is halved and tried again.
    """

    def __init__(self, package: Package, device: str = "", precision: str = "") -> None:
        self._package = package
        self._device = device or gpu() or "cpu"
        self._precision = precision or ("fp32" if self._device == "cpu" else "fp16")
        self._fits: int | None = None
        self._loaded: CLIP | None = None
        self._lock = threading.RLock()

    def __str__(self) -> str:
        return f"torch on {self._device} in {self._precision}"

    @property
    def batch_size(self) -> int:
        """How many pictures fit at once into half of the device's free memory: a power of two, at most 256."""
        with self._lock:
            if self._fits is None:
                self._fits = self._measured_batch()
            return self._fits

    def image_features(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map float32 [n, 3, size, size] to float32 [n, dim], not normalised. Raises ClipsearchError."""
        import torch

        return self._in_batches(
            lambda model, part: model.encode_image(part.to(memory_format=torch.channels_last)), torch.from_numpy(pixels)
        )

    def text_features(
        self, input_ids: npt.NDArray[np.int64], attention_mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Map int64 [n, l] token ids and mask to float32 [n, dim], not normalised. Raises ClipsearchError."""
        import torch

        text = self._config.text
        if not text.ends_early:
            input_ids, _ = pad(input_ids, attention_mask, text.context_length, self._package.pad_id)
        return self._in_batches(lambda model, part: model.encode_text(part), torch.from_numpy(input_ids))

    def _in_batches(self, encode: Encode, inputs: torch.Tensor) -> npt.NDArray[np.float32]:
        features = np.zeros((len(inputs), self._package.dim), np.float32)
        start = 0
        while start < len(inputs):
            stop = start + self.batch_size
            vectors = self._features(encode, inputs[start:stop])
            if vectors is not None:
                features[start:stop] = vectors
                start = stop
        return features

    def _features(self, encode: Encode, part: torch.Tensor) -> npt.NDArray[np.float32] | None:
        """Encode a batch, or make ready for another try, with fewer at once or with more range, and return None."""
        import torch

        try:
            with torch.inference_mode():
                vectors: npt.NDArray[np.float32] = encode(self._model, self._moved(part)).float().cpu().numpy()
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise self._failed(error) from error
        else:
            if self._precision != "fp16" or np.isfinite(vectors).all():
                return vectors
            self._widen()
            return None
        self._halve(len(part))  # outside the handler, which would keep what the failed batch took
        return None

    def _moved(self, part: torch.Tensor) -> torch.Tensor:
        """Bring a batch to the device; page-locked memory is copied there while this process goes on."""
        if self._device == "cuda":
            return part.pin_memory().to(self._device, non_blocking=True)
        return part.to(self._device)

    def _halve(self, tried: int) -> None:
        """Free what the failed batch took and let the next have half as many. Raises EngineError if one is too many."""
        import torch

        if tried <= 1:
            raise self._failed(torch.OutOfMemoryError())
        with self._lock:
            self._fits = tried // 2
        if self._device == "cuda":
            torch.cuda.empty_cache()

    def _widen(self) -> None:
        """Go over to bf16, whose numbers are as large as fp32's."""
        with self._lock:
            self._precision = "bf16"
            self._loaded = None

    @cached_property
    def _config(self) -> CLIPConfig:
        from clipsearch.model.configs import CLIPConfig, config

        architecture = self._package.architecture
        if architecture is None:
            raise PackageError(f"The package {self._package.name} does not say its architecture.", self._package.folder)
        return config(architecture) if isinstance(architecture, str) else CLIPConfig.from_json(architecture)

    @property
    def _model(self) -> CLIP:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> CLIP:
        import torch

        from clipsearch.model import as_parameter, assemble

        dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[self._precision]
        state = {name: as_parameter(tensor) for name, tensor in self._state()}
        model = assemble(self._config, state, self._package.weights).to(dtype)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.float()  # its statistics need fp32's range
            elif isinstance(module, torch.nn.Conv2d):
                module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
        try:
            return model.to(self._device)
        except RuntimeError as error:
            raise self._failed(error) from error

    def _failed(self, error: RuntimeError) -> EngineError:
        if _is_out_of_memory(error):
            return EngineError(f"The memory of the GPU does not suffice for the model {self._package.name}.")
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return EngineError(f"torch cannot run the model {self._package.name} on {self._device} ({reason}).")

    def _state(self) -> Iterator[tuple[str, Any]]:
        from safetensors import SafetensorError, safe_open

        path = self._package.weights
        if path is None:
            raise PackageError(f"The package {self._package.name} has no weights for torch.", self._package.folder)
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    yield name, file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise PackageError(f"The model package's {path.name} is damaged.", path) from error

    def _measured_batch(self) -> int:
        vision = self._config.vision
        if self._device == "cpu":
            return _CPU_BATCH
        one = vision.positions * vision.width * _LIVE_WIDTHS * (4 if self._precision == "fp32" else 2)
        if vision.kind == "resnet":
            one = 8 * vision.width * (vision.image_size // 2) ** 2  # the stem's maps are the largest
        _ = self._model  # takes its own memory first
        largest = int(_free_bytes(self._device) * _FREE_SHARE) // one
        return min(_LARGEST_BATCH, 1 << max(0, largest.bit_length() - 1))


def gpu() -> str:
    """Return the GPU that torch can use: "cuda", "mps" or ""."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else ""


def _free_bytes(device: str) -> int:
    """Return the device's free memory, in bytes."""
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())


def _is_out_of_memory(error: Exception) -> bool:
    """MPS, cuDNN and cuBLAS say so in words only."""
    import torch

    return (
        isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error) or "CUDNN_STATUS_NOT" in str(error)
    )
