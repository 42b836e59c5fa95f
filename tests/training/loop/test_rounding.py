"""Stochastic rounding: to a neighbour, and right on average."""

from __future__ import annotations

import math

import pytest
import torch

from training.loop.rounding import pack, round_stochastically, unpack

HALVES = [torch.float16, torch.bfloat16]
VALUES = [1.0003, -0.0213371, 3e-5, 1.00001e-7, -4321.37, 0.99999]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("value", VALUES)
def test_the_mean_is_the_value_and_each_draw_a_neighbour(dtype: torch.dtype, value: float) -> None:
    x = torch.full((200_000,), value)
    drawn = round_stochastically(x, dtype, torch.Generator().manual_seed(1)).double()
    kinds = drawn.unique()
    assert len(kinds) == 2
    assert kinds[0] < x[0].double() < kinds[1]
    bits = drawn.new_tensor(torch.finfo(dtype).eps) * 2.0 ** math.floor(math.log2(abs(value)))
    finest = torch.finfo(dtype).eps * torch.finfo(dtype).smallest_normal
    gap = (kinds[1] - kinds[0]).item()
    assert gap == pytest.approx(max(bits.item(), finest))
    assert drawn.mean().item() == pytest.approx(x[0].double().item(), abs=4 * gap * 0.5 / math.sqrt(len(x)))


@pytest.mark.parametrize("dtype", HALVES)
def test_what_is_exact_stays(dtype: torch.dtype) -> None:
    x = torch.tensor([0.0, -0.0, 1.0, -1.5, 2.0**-14, 1024.0, math.inf, -math.inf])
    assert torch.equal(round_stochastically(x, dtype).float(), x)
    assert round_stochastically(torch.tensor([math.nan]), dtype).isnan().all()


def test_what_is_too_large_becomes_the_largest() -> None:
    assert round_stochastically(torch.tensor([1e6, -1e6]), torch.float16).tolist() == [65504.0, -65504.0]


def test_many_small_steps_arrive() -> None:
    """Nearest rounding would stay at 1 for ever: each step is a hundredth of a bf16 step."""
    generator, weights = torch.Generator().manual_seed(2), torch.ones(20_000, dtype=torch.bfloat16)
    nearest = weights.clone()
    for _ in range(100):
        weights = round_stochastically(weights.float() + 2.0**-7 / 100, torch.bfloat16, generator)
        nearest = (nearest.float() + 2.0**-7 / 100).bfloat16()
    assert (nearest == 1).all()
    assert weights.double().mean().item() == pytest.approx(1 + 2.0**-7, abs=2e-4)


def test_rows_of_all_sizes_are_packed_closely() -> None:
    sizes = torch.logspace(-30, 30, 13)[:, None]
    x = sizes * torch.randn(13, 400, generator=torch.Generator().manual_seed(3))
    x[4] = 0
    half, scale = pack(x)
    assert (half.dtype, scale.shape) == (torch.float16, (13, 1))
    error = (unpack(half, scale) - x).abs() / x.abs().clamp_min(1e-38)
    assert error.max() < 2**-9
    assert torch.equal(unpack(half, scale)[4], x[4])


def test_rows_down_to_the_smallest_numbers_stay_finite_and_near() -> None:
    smallest = 2.0**-149
    x = torch.tensor([[1e-36, -1e-37], [1.1e-41, 3e-42], [-5e-44, smallest], [smallest, 0.0], [0.0, 0.0]])
    half, scale = pack(x, torch.Generator().manual_seed(4))
    assert (scale >= torch.finfo(torch.float32).smallest_normal).all()
    found = unpack(half, scale)
    assert ((found - x).abs() <= (x.abs() * 2**-9).clamp_min(smallest)).all()
