from __future__ import annotations

from typing import Any

import pytest
import torch

from clipsearch.model import CLIPConfig
from tests.encode.tiny_packages import SIGLIP, random_model
from tests.training.finetuning.scripted import Scripted, task, words
from tests.training.tiny_runs import BAG, RESNET, VIT
from training.finetuning.methods import begin
from training.finetuning.settings import RATES, Settings
from training.finetuning.tasks import Classes
from training.finetuning.towers import Towers
from training.finetuning.tunable import Tuning
from training.finetuning.tuning import tune

EAGER = Settings(epochs=3, batch_size=5, rates=dict.fromkeys(RATES, 3e-3))


def start(method: str, own: Classes, settings: Settings = EAGER, config: CLIPConfig = VIT) -> Tuning:
    return begin(method, original(config), own.words, words(20, 1), settings)


def original(config: CLIPConfig = VIT) -> Towers:
    return Towers(random_model(config).requires_grad_(False))  # as it is tuned: torch computes differently for it


def values(tuning: Tuning) -> dict[str, torch.Tensor]:
    return tuning.tuned().state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("method", RATES)
def test_every_method_learns(method: str) -> None:
    own = task()
    tuning = start(method, own)
    before = own.score(tuning, own.train)
    epochs = tune(tuning, own, EAGER)
    assert [epoch.number for epoch in epochs] == [0, 1, 2, 3]
    assert own.score(tuning, own.train).minus_loss > before.minus_loss


@pytest.mark.parametrize("method", RATES)
@pytest.mark.parametrize("config", [RESNET, BAG, SIGLIP], ids=["resnet", "bag", "siglip"])
def test_other_towers_are_tuned(method: str, config: CLIPConfig) -> None:
    own = task()
    tuning = start(method, own, config=config)
    first = values(tuning)
    tune(tuning, own, Settings(epochs=1, rates=EAGER.rates), None)
    after = values(tuning)
    fixed = {name for name in first if "running" in name or "tracked" in name or name.startswith("logit")}
    assert all(torch.equal(first[name], after[name]) for name in fixed)


@pytest.mark.parametrize("method", RATES)
def test_no_epoch_changes_nothing(method: str) -> None:
    own = task()
    tuning = start(method, own)
    first = values(tuning)
    epochs = tune(tuning, own, Settings(epochs=0))
    assert len(epochs) == 1 and same(values(tuning), first)
    assert same(first, random_model(VIT).state_dict())


def test_rank_zero_has_nothing_to_learn() -> None:
    own = task()
    tuning = start("lora", own, Settings(rank=0))
    assert len(tune(tuning, own, EAGER)) == 1
    assert same(values(tuning), random_model(VIT).state_dict())


@pytest.mark.parametrize(("method", "part"), [("locked-image", "visual."), ("locked-text", "")])
def test_a_locked_tower_stays_and_the_other_learns(method: str, part: str) -> None:
    own = task()
    tuning = start(method, own)
    first = values(tuning)
    tune(tuning, own, EAGER)
    after = values(tuning)
    changed = {name for name, value in first.items() if not torch.equal(value, after[name])}
    assert changed
    assert all(name.startswith("visual.") != (part == "visual.") for name in changed)


@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_what_forgets_too_much_is_rolled_back_bit_for_bit(method: str, monkeypatch: Any) -> None:
    own = task()
    tuning = start(method, own)
    first = values(tuning)
    restored: list[bool] = []
    restore = Tuning.restore

    def watched(self: Tuning, state: list[torch.Tensor]) -> None:
        moved = not same(values(self), first)
        restore(self, state)
        restored.append(moved and same(values(self), first))

    monkeypatch.setattr(Tuning, "restore", watched)
    epochs = tune(tuning, own, EAGER, Scripted(0.8, 0.5, 0.6, 0.779))
    assert restored[:3] == [True, True, True]
    assert [epoch.rolled_back for epoch in epochs] == [False, True, True, True]
    assert same(values(tuning), first)


def test_a_loss_that_is_allowed_is_kept() -> None:
    own = task()
    tuning = start("full", own)
    epochs = tune(tuning, own, EAGER, Scripted(0.8, 0.78, 0.9, 0.78))
    assert not any(epoch.rolled_back for epoch in epochs)
    assert not same(values(tuning), random_model(VIT).state_dict())


def test_after_a_roll_back_the_rate_is_halved_and_after_too_many_it_ends(monkeypatch: Any) -> None:
    own, rates = task(), []
    step = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, *arguments: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    settings = Settings(epochs=9, batch_size=12, rollbacks=1, rates={"head": 1.0})
    epochs = tune(start("head", own, settings), own, settings, Scripted(0.8, 0.1, 0.1))
    assert len(epochs) == 3  # before, and two that were taken back
    assert rates[0] == pytest.approx(1.0)
    assert rates[1] == pytest.approx(0.5 * (1 + torch.cos(torch.tensor(torch.pi / 9)).item()) / 2)


def test_a_loss_that_is_no_number_is_rolled_back(monkeypatch: Any) -> None:
    own = task()
    tuning = start("full", own)
    honest = Classes.loss

    def broken(self: Classes, tuning: Tuning, pictures: Any, rows: torch.Tensor) -> torch.Tensor:
        return honest(self, tuning, pictures, rows) * (torch.nan if pictures is self.train else 1)

    monkeypatch.setattr(Classes, "loss", broken)
    epochs = tune(tuning, own, EAGER)
    assert [epoch.rolled_back for epoch in epochs] == [False, True, True, True]
    assert same(values(tuning), random_model(VIT).state_dict())


def test_the_best_on_validation_is_kept(monkeypatch: Any) -> None:
    own = task()
    tuning, states = start("full", own), []
    accuracies = iter([0.2, 0.4, 0.9, 0.3])
    monkeypatch.setattr(Classes, "accuracy", lambda *arguments: next(accuracies))
    tune(tuning, own, EAGER, told=lambda epoch: states.append(tuning.state()))
    assert all(torch.equal(one, other) for one, other in zip(tuning.state(), states[2], strict=True))


def test_the_seed_decides() -> None:
    made = []
    for seed in (1, 1, 2):
        own, settings = task(), Settings(epochs=2, batch_size=4, seed=seed, rates=EAGER.rates)
        tuning = start("lora", own, settings)
        tune(tuning, own, settings)
        made.append(values(tuning))
    assert same(made[0], made[1]) and not same(made[0], made[2])
