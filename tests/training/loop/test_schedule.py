"""The learning rate against numbers from the paper."""

from __future__ import annotations

import math

import pytest
import torch

from tests.training.loop.tiny import run_of
from training.loop.schedule import rate, set_rate

#: ViT-B/32 of the paper: 32 epochs of 400 million pairs, 32,768 a step
STEPS = 32 * 400_000_000 // 32_768


def test_the_paper_warms_up_over_2000_steps_to_its_peak() -> None:
    assert STEPS == 390_625
    assert rate(0, 5e-4, 2000, STEPS) == pytest.approx(2.5e-7)
    assert rate(999, 5e-4, 2000, STEPS) == pytest.approx(2.5e-4)
    assert rate(1999, 5e-4, 2000, STEPS) == rate(2000, 5e-4, 2000, STEPS) == 5e-4


def test_then_it_goes_down_a_cosine_to_zero() -> None:
    middle = 2000 + (STEPS - 2000) // 2
    assert rate(middle, 5e-4, 2000, STEPS) == pytest.approx(2.5e-4, rel=1e-4)
    third = 2000 + (STEPS - 2000) / 3
    assert rate(round(third), 5e-4, 2000, STEPS) == pytest.approx(5e-4 * (1 + math.cos(math.pi / 3)) / 2, rel=1e-4)
    assert 0 < rate(STEPS - 1, 5e-4, 2000, STEPS) < 1e-13
    assert rate(STEPS, 5e-4, 2000, STEPS) == 0


def test_it_never_rises_after_the_warm_up_and_needs_none() -> None:
    rates = [rate(step, 1.0, 0, 50) for step in range(50)]
    assert rates[0] == 1.0
    assert rates == sorted(rates, reverse=True)
    assert rate(3, 1.0, 10, 5) == pytest.approx(0.4)  # a run shorter than its warm-up
    assert rate(7, 1.0, 7, 7) == 1.0


def test_each_group_has_its_own_share() -> None:
    one, two = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimiser = torch.optim.SGD([{"params": [one], "rate": 1.0}, {"params": [two], "rate": 0.1}], lr=9.0)
    assert set_rate(optimiser, run_of(warmup_steps=10), 4) == pytest.approx(5e-4)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([5e-4, 5e-5])
