from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipsearch.encode import engine, engine_torch
from clipsearch.encode.encoder import Encoder
from clipsearch.encode.engine import choose, known
from clipsearch.encode.package import Package, load_package
from clipsearch.errors import EngineError
from clipsearch.paths import resource_path


@pytest.fixture
def plain() -> Package:
    """The starter, which has no weights for torch."""
    return load_package(resource_path("models/starter"))


@pytest.fixture
def whole(plain: Package, tmp_path: Path) -> Package:
    """A package with weights and an architecture."""
    (tmp_path / "weights.safetensors").write_bytes(b"")
    return replace(plain, folder=tmp_path, architecture="ViT-B-32")


@pytest.fixture
def machine(monkeypatch: Any) -> Any:
    """Pretend: what the driver left on disk, what is not installed, what torch finds."""

    def pretend(sign: str, missing: str = "", device: str = "") -> None:
        monkeypatch.setattr(engine, "gpu_sign", lambda: sign)
        monkeypatch.setattr(engine, "_missing", lambda: missing)
        monkeypatch.setattr(engine, "_device", lambda: device)

    return pretend


def test_without_a_gpu_the_cpu_works(whole: Package, monkeypatch: Any) -> None:
    monkeypatch.setattr(engine, "gpu_sign", lambda: "")
    monkeypatch.setattr(engine, "_device", lambda: pytest.fail("torch was asked"))
    choice = choose(whole)
    assert (choice.engine, choice.device) == ("onnx", "")
    assert "no GPU" in choice.reason


def test_a_gpu_is_used(whole: Package, machine: Any) -> None:
    machine("NVIDIA GPU", device="cuda")
    assert (choose(whole).engine, choose(whole).device) == ("torch", "cuda")
    assert "NVIDIA GPU" in choose(whole).reason


def test_a_gpu_without_torch_names_the_extra(whole: Package, machine: Any) -> None:
    machine("NVIDIA GPU", missing="torch")
    assert choose(whole).engine == "onnx"
    assert 'an NVIDIA GPU is there, but torch is not installed: pip install "clipsearch[gpu]"' in choose(whole).reason


def test_a_gpu_and_a_package_without_weights(plain: Package, machine: Any) -> None:
    machine("NVIDIA GPU", device="cuda")
    assert choose(plain).engine == "onnx"
    assert "an NVIDIA GPU is there, but the package has no weights for torch" in choose(plain).reason


def test_a_gpu_that_torch_cannot_use(whole: Package, machine: Any) -> None:
    machine("AMD GPU")
    assert choose(whole).engine == "onnx"
    assert "an AMD GPU is there, but the installed torch finds no GPU" in choose(whole).reason


def test_the_settings_decide(whole: Package, machine: Any) -> None:
    machine("NVIDIA GPU", device="cuda")
    assert choose(whole, "onnx").engine == "onnx"
    assert choose(whole, "torch").device == "cuda"
    machine("", device="cuda")  # a GPU that shows no sign of itself
    assert choose(whole, "torch").reason == "torch on the GPU, as the settings say."


def test_what_torch_cannot_do_goes_on_with_onnx_runtime(whole: Package, plain: Package, machine: Any) -> None:
    """Whatever the settings ask for, search goes on, and the reason says what is in the way."""
    begins = "ONNX Runtime on the CPU: the settings ask for torch, but "
    machine("NVIDIA GPU", device="cuda")
    assert choose(plain, "torch") == engine.Choice("onnx", f"{begins}the package has no weights for torch.")
    machine("", device="")
    assert choose(whole, "torch") == engine.Choice("onnx", f"{begins}the installed torch finds no GPU that it can use.")
    machine("", missing="torch")
    missing = f'{begins}torch is not installed: pip install "clipsearch[gpu]"'
    assert choose(whole, "torch") == engine.Choice("onnx", missing)


def test_the_starter_answers_though_the_settings_ask_for_torch(plain: Package) -> None:
    encoder = Encoder(plain, engine="torch")
    assert np.array_equal(encoder.encode_texts(["a dog"]), Encoder(plain).encode_texts(["a dog"]))
    assert "the package has no weights for torch" in encoder.engine_reason


def test_a_torch_that_does_not_load_is_none(whole: Package, monkeypatch: Any) -> None:
    def fail() -> str:
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(engine_torch, "gpu", fail)
    assert choose(whole, "torch").engine == "onnx"


def test_what_is_shown_of_the_engine_never_loads_torch(whole: Package, plain: Package, machine: Any) -> None:
    machine("NVIDIA GPU", device="cuda")
    assert "no weights for torch" in Encoder(plain).engine_known
    encoder = Encoder(whole)
    assert (known(whole), encoder.engine_known) == (None, "")
    assert encoder.engine_reason == encoder.engine_known == choose(whole).reason  # once it has been chosen


@pytest.mark.parametrize(
    ("system", "chip", "sign"), [("darwin", "arm64", "Apple GPU"), ("darwin", "x86_64", ""), ("linux", "x86_64", "")]
)
def test_signs_of_a_gpu(system: str, chip: str, sign: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(engine.platform, "machine", lambda: chip)
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    monkeypatch.setattr(engine.Path, "exists", lambda path: False)
    assert engine.gpu_sign() == sign
    monkeypatch.setattr(engine.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert engine.gpu_sign() == (sign if system == "darwin" else "NVIDIA GPU")


class Recorder:
    """An engine that notes what it was given."""

    batch_size = 128

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.texts: list[int] = []

    def image_features(self, pixels: np.ndarray) -> np.ndarray:
        return np.ones((len(pixels), self.dim), np.float32)

    def text_features(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.texts.append(len(ids))
        return np.ones((len(ids), self.dim), np.float32)


def test_few_texts_do_not_wait_for_torch_but_pictures_and_many_texts_use_it(whole: Package, machine: Any) -> None:
    machine("NVIDIA GPU", device="cuda")
    encoder = Encoder(replace(whole, folder=resource_path("models/starter")))
    encoder._choice = choose(whole)
    encoder._torch, encoder._onnx = Recorder(encoder.dim), Recorder(encoder.dim)
    encoder.encode_texts(["a dog"])
    assert (encoder._torch.texts, encoder._onnx.texts) == ([], [1])
    encoder.encode_texts(["a dog"] * 500)
    assert encoder._torch.texts == [500]
    assert encoder.batch_size == 128


def test_on_the_cpu_the_batch_is_the_settings(plain: Package, machine: Any) -> None:
    machine("")
    assert Encoder(plain).batch_size == 4
    assert Encoder(plain, batch_size=7).batch_size == 7
    assert "no GPU" in Encoder(plain).engine_reason


class Broken(Recorder):
    """A GPU that fails."""

    def image_features(self, pixels: np.ndarray) -> np.ndarray:
        raise EngineError("The memory of the GPU does not suffice for the model.")


def test_a_gpu_that_fails_leaves_the_work_to_the_cpu(plain: Package, machine: Any) -> None:
    encoder, asked = Encoder(plain), Encoder(plain, engine="torch")
    square = np.zeros((1, plain.preprocess.size, plain.preprocess.size, 3), np.uint8)
    for one in (encoder, asked):
        one._choice = engine.Choice("torch", "torch on the GPU.", "cuda")
        one._torch, one._onnx = Broken(plain.dim), Recorder(plain.dim)
        assert one.encode_images(square).shape == (1, plain.dim)
        assert one.engine_reason == "ONNX Runtime on the CPU: The memory of the GPU does not suffice for the model."
        assert one.engine_known == one.engine_reason
        assert one.batch_size == 4
