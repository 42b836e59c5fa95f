"""AdamW in half the memory, against torch's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from training.loop import half_adamw
from training.loop.half_adamw import HalfAdamW
from training.loop.rounding import pack

NUMBERS = (1e-2, (0.9, 0.98), 1e-6)


def problem(seed: int = 0) -> tuple[nn.Linear, Tensor, Tensor]:
    """Make a linear map and noisy samples of another one that it is to become."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(256, 24, generator=generator)
    y = x @ torch.randn(24, 16, generator=generator) + 0.1 * torch.randn(256, 16, generator=generator)
    torch.manual_seed(seed)
    return nn.Linear(24, 16), x, y


def descend(optimiser: torch.optim.Optimizer, model: nn.Linear, x: Tensor, y: Tensor, steps: int) -> float:
    for step in range(steps):
        rows = slice(step % 8 * 32, step % 8 * 32 + 32)
        loss = (model(x[rows].to(model.weight.dtype)).float() - y[rows]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return float((model.float()(x) - y).square().mean())


def groups(model: nn.Linear) -> list[dict[str, object]]:
    return [{"params": [model.weight], "weight_decay": 0.2}, {"params": [model.bias], "weight_decay": 0.0}]


def test_with_full_statistics_it_is_torchs() -> None:
    model, x, y = problem()
    other = copy.deepcopy(model)
    descend(HalfAdamW(groups(model), *NUMBERS, half_statistics=False), model, x, y, 30)
    descend(torch.optim.AdamW(groups(other), *NUMBERS), other, x, y, 30)
    torch.testing.assert_close(model.weight, other.weight, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(model.bias, other.bias, atol=1e-6, rtol=1e-6)


def test_rows_are_updated_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        sizes.append(x.numel())
        return pack(x, generator)

    monkeypatch.setattr(half_adamw, "pack", counted)
    monkeypatch.setitem(half_adamw.AT_ONCE, "cpu", 100)
    model, x, y = problem()
    other = copy.deepcopy(model)
    loss = descend(HalfAdamW(groups(model), *NUMBERS), model, x, y, 100)
    wanted = descend(torch.optim.AdamW(groups(other), *NUMBERS), other, x, y, 100)
    assert loss == pytest.approx(wanted, rel=0.01)
    assert set(sizes) == {4 * 24}  # four of the weight's sixteen rows
    assert list(half_adamw._rows(torch.zeros(0, 24))) == []  # a process may have none of the rows


@pytest.mark.parametrize("betas", [(0.9, 0.98), (0.9, 0.999)])
def test_half_statistics_are_close_and_half_as_large(betas: tuple[float, float]) -> None:
    model, x, y = problem()
    other = copy.deepcopy(model)
    optimiser = HalfAdamW(groups(model), 1e-2, betas, 1e-6)
    loss = descend(optimiser, model, x, y, 300)
    reference = torch.optim.AdamW(groups(other), 1e-2, betas, 1e-6)
    wanted = descend(reference, other, x, y, 300)
    assert loss == pytest.approx(wanted, rel=0.01)
    assert (model.weight - other.weight).norm() / other.weight.norm() < 0.005
    state = optimiser.state[model.weight]
    assert state["exp_avg"].dtype == state["exp_avg_sq"].dtype == torch.float16
    root = state["exp_avg_sq"].float() * state["exp_avg_sq_scale"]
    assert (root.square() / reference.state[other.weight]["exp_avg_sq"] - 1).abs().mean() < 0.02
    assert optimiser.state[model.bias]["exp_avg"].dtype == torch.float32


def test_half_weights_learn_where_nearest_rounding_would_not() -> None:
    """Steps of 1e-4 are far below bf16's at 1 (2^-7), so only stochastic rounding lets them count."""
    weights = nn.Parameter(torch.ones(100, 200, dtype=torch.bfloat16))
    optimiser = HalfAdamW([{"params": [weights], "weight_decay": 0.0}], 1e-4, (0.9, 0.98), 1e-6, half_statistics=False)
    for _ in range(50):
        weights.grad = torch.ones_like(weights)
        optimiser.step()
    assert weights.float().mean().item() == pytest.approx(1 - 50 * 1e-4, abs=3e-4)


def test_its_noise_follows_from_seed_and_step() -> None:
    def trained(seed: int) -> Tensor:
        model, x, y = problem()
        model = model.bfloat16()
        descend(HalfAdamW(groups(model), *NUMBERS, seed=seed), model, x, y, 5)
        torch.rand(7)  # torch's own random numbers do not matter
        return model.weight.detach()

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_a_row_without_gradient_decays_as_in_torchs() -> None:
    """A rare word's statistics go through all small numbers to none; nothing of it may reach the weights."""
    weights = nn.Parameter(torch.randn(3, 8, generator=torch.Generator().manual_seed(1)))
    other = nn.Parameter(weights.detach().clone())
    half = HalfAdamW([{"params": [weights], "weight_decay": 0.1}], *NUMBERS)
    full = torch.optim.AdamW([{"params": [other], "weight_decay": 0.1}], *NUMBERS)
    for step in range(2000):
        gradient = torch.randn(3, 8, generator=torch.Generator().manual_seed(step))
        gradient[1] *= step == 0
        for parameter, optimiser in ((weights, half), (other, full)):
            parameter.grad = gradient.clone()
            optimiser.step()
    assert all(value.isfinite().all() for value in half.state[weights].values())
    torch.testing.assert_close(weights[1], other[1], atol=1e-4, rtol=1e-3)
    assert (weights - other).norm() < 0.02 * other.norm()
