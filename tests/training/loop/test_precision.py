"""Autocast, checkpointed and compiled blocks: less memory or time, the same result."""

from __future__ import annotations

import shutil
from functools import partial

import pytest
import torch
from torch import Tensor

from clipsearch.model import CLIPConfig
from tests.training.loop.tiny import RESNET, VIT, assert_close, batch_of, gradients_of, learner_of, run_of
from training.errors import TrainingError
from training.loop.accumulation import backward
from training.loop.precision import autocast, frozen_statistics, prepare_blocks, scaler
from training.objectives.objective import Learner

CPU = torch.device("cpu")
dynamo_looks_at_gradients = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")


def state_after(config: CLIPConfig, micro_batch_size: int = 0, **changes: object) -> dict[str, Tensor]:
    """Return gradients and running statistics after one batch."""
    learner = learner_of(config)
    prepare_blocks(learner, run_of(config, **changes).loop, backend="eager")
    backward(learner, batch_of(config, 8, 1), micro_batch_size)
    return gradients_of(learner) | {f"buffer {name}": value.float() for name, value in learner.named_buffers()}


@pytest.mark.parametrize("config", [VIT, RESNET])
def test_checkpointed_blocks_compute_the_same(config: CLIPConfig) -> None:
    assert_close(state_after(config, gradient_checkpointing=True), state_after(config))


@dynamo_looks_at_gradients
def test_compiled_blocks_compute_the_same() -> None:
    assert_close(state_after(VIT, compile=True), state_after(VIT))


@pytest.mark.slow
@dynamo_looks_at_gradients
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="torch compiles for the CPU with it")
def test_a_resnets_blocks_compile_for_real() -> None:
    """Its blocks share their code but not their channels, of which inductor must not make one version."""
    learner = learner_of(RESNET)
    prepare_blocks(learner, run_of(RESNET, compile=True).loop)
    backward(learner, batch_of(RESNET, 8, 1))
    found = gradients_of(learner)
    learner.eval()
    learner.clip.encode_image(batch_of(RESNET, 8, 1).pixels)
    plain = learner_of(RESNET)
    backward(plain, batch_of(RESNET, 8, 1))
    assert_close(found, gradients_of(plain), 1e-4)


@pytest.mark.slow
@dynamo_looks_at_gradients
@pytest.mark.parametrize("config", [VIT, RESNET])
def test_checkpointed_blocks_may_be_compiled_and_cached(config: CLIPConfig) -> None:
    parts = 3 if config is VIT else 0
    both = state_after(config, parts, gradient_checkpointing=True, compile=True)
    assert_close(both, state_after(config))


def test_checkpointed_blocks_keep_their_input_only() -> None:
    def kept(**changes: object) -> int:
        learner, sizes = learner_of(VIT), []
        prepare_blocks(learner, run_of(VIT, **changes).loop)
        with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
            learner(batch_of(VIT, 8, 1))
        return sum(sizes)

    assert kept(gradient_checkpointing=True) < 0.6 * kept()


def test_the_names_of_the_weights_stay() -> None:
    learner = learner_of()
    before = list(learner.state_dict())
    prepare_blocks(learner, run_of(gradient_checkpointing=True, compile=True).loop, backend="eager")
    assert list(learner.state_dict()) == before


def test_frozen_statistics_stay_as_they_are() -> None:
    learner = learner_of(RESNET)
    before = {name: value.clone() for name, value in learner.named_buffers()}
    with frozen_statistics(learner):
        learner(batch_of(RESNET, 4, 1))
    assert all(torch.equal(value, before[name]) for name, value in learner.named_buffers())
    learner(batch_of(RESNET, 4, 1))
    assert not torch.equal(learner.clip.visual.bn1.running_mean, before["clip.visual.bn1.running_mean"])


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_autocast_is_near_fp32_and_equal_in_parts(precision: str) -> None:
    def gradients(kind: str, micro_batch_size: int = 0) -> dict[str, Tensor]:
        learner: Learner = learner_of()
        backward(learner, batch_of(VIT, 6, 1), micro_batch_size, precision=partial(autocast, kind, CPU))
        return gradients_of(learner)

    half, full = gradients(precision), gradients("fp32")
    assert any(not torch.equal(half[name], full[name]) for name in full)
    distance = sum((half[name] - full[name]).square().sum() for name in full).sqrt()
    assert distance < 0.05 * sum(value.square().sum() for value in full.values()).sqrt()
    parts = gradients(precision, 2)
    assert parts.keys() == half.keys()
    distance = sum((half[name] - parts[name]).square().sum() for name in full).sqrt()
    assert distance < 0.02 * sum(value.square().sum() for value in full.values()).sqrt()


def test_only_fp16_is_scaled() -> None:
    assert scaler(run_of(precision="fp16").loop, CPU).is_enabled()
    assert not scaler(run_of(precision="bf16").loop, CPU).is_enabled()
    with pytest.raises(TrainingError, match="bf16"):
        scaler(run_of(precision="fp16", parallel="fsdp").loop, CPU)
