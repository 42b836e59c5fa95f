"""Settings of a run, changed on the command line."""

from __future__ import annotations

import pytest

from tests.training.loop.tiny import run_of
from training.errors import TrainingError
from training.loop.folder import changed, with_settings


def test_settings_are_changed_by_their_place() -> None:
    run = with_settings(
        run_of(),
        [
            "seed=3",
            "loop.steps=7",
            "optimiser.beta2=0.5",
            "name=other one",
            'data.augment="none"',
            "model.vision.width=32",
        ],
    )
    assert (run.seed, run.loop.steps, run.optimiser.beta2, run.name) == (3, 7, 0.5, "other one")
    assert (run.data.augment, run.network.vision.width) == ("none", 32)
    assert changed(run_of(), run) == [
        "data.augment",
        "loop.steps",
        "model.vision.width",
        "optimiser.beta2",
        "seed",
    ]


@pytest.mark.parametrize(
    ("setting", "told"),
    [("loop.stepz=7", "stepz"), ("loop.steps=many", "int"), ("lop.steps=7", "no table lop"), ("loop.steps=0.5", "int")],
)
def test_what_is_not_understood_is_told(setting: str, told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        with_settings(run_of(), [setting])


def test_a_changed_run_is_checked() -> None:
    with pytest.raises(TrainingError, match="batch_size"):
        with_settings(run_of(), ["loop.batch_size=0"])
