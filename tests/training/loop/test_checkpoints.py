"""Checkpoints: whole or not there, complete, exact, and without anything that could run."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from clipsearch.model import load as load_model
from tests.training.loop.tiny import RESNET, VIT, batch_of, learner_for, learner_of, run_of
from training.errors import TrainingError
from training.loop import checkpoints, optimiser, random_states
from training.loop.accumulation import backward
from training.loop.averaging import Average
from training.loop.checkpoints import Counts, Training
from training.loop.processes import Processes
from training.run import Objective, Run

ALONE = Processes()
RUN = run_of(RESNET, half_statistics=True)


def training_of(run: Run = RUN, seed: int = 0, steps: int = 0) -> Training:
    """Make what trains, and let it make some steps."""
    learner = learner_of(run.network, seed)
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    training = Training(learner, optimiser.make(run, learner), scaler, Average(learner, 0.9))
    for step in range(steps):
        move(training, step)
    return training


def move(training: Training, step: int) -> None:
    training.optimiser.zero_grad()
    backward(training.learner, batch_of(training.learner.clip.config, 4, step), scale=training.scaler.scale)
    training.scaler.step(training.optimiser)
    training.scaler.update()
    assert training.average is not None
    training.average.update(training.learner)
    training.counts.step += 1


def everything(training: Training) -> dict[str, torch.Tensor]:
    assert training.average is not None
    return {
        **training.learner.state_dict(),
        **{f"average {name}": value for name, value in training.average.state.items()},
        **checkpoints.statistics(training.optimiser),
        "scale": torch.tensor(training.scaler.get_scale()),
    }


@pytest.mark.parametrize("run", [RUN, run_of(VIT), run_of(VIT, half_text_tower=True)])
def test_all_comes_back_bit_for_bit_and_goes_on_alike(run: Run, tmp_path: Path) -> None:
    one = training_of(run, 0)
    if run.optimiser.half_text_tower:
        optimiser.halve_text_tower(one.learner.clip)
        one.optimiser = optimiser.make(run, one.learner)
    for step in range(3):
        move(one, step)
    one.counts = Counts(step=3, pairs=12, bad_pairs=2, seconds=1.5, best={"a": 0.5}, best_step={"a": 2})
    path = checkpoints.save(tmp_path, one, ALONE, 2)
    drawn = (random.random(), np.random.rand(), torch.rand(3))

    two = training_of(run, 1)
    if run.optimiser.half_text_tower:
        optimiser.halve_text_tower(two.learner.clip)
        two.optimiser = optimiser.make(run, two.learner)
    checkpoints.load(path, two, ALONE)
    again = (random.random(), np.random.rand(), torch.rand(3))
    assert drawn[:2] == again[:2]
    assert torch.equal(drawn[2], again[2])
    assert two.counts == one.counts
    for training in (one, two):
        move(training, 3)
    first, second = everything(one), everything(two)
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_it_holds_tensors_and_json_and_a_model_that_loads(tmp_path: Path) -> None:
    training = training_of(steps=1)
    path = checkpoints.save(tmp_path, training, ALONE, 2)
    assert path.name == "step-00000001"
    assert {file.suffix for file in path.rglob("*") if file.is_file()} == {".json", ".safetensors"}
    state = training.learner.clip.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in load_model(path).state_dict().items())
    average = load_model(path / "average").state_dict()
    assert training.average is not None
    assert all(torch.equal(value, training.average.state[f"clip.{name}"]) for name, value in average.items())


def test_an_average_that_was_stored_without_the_objectives_weights_goes_on(tmp_path: Path) -> None:
    def fresh() -> Training:
        learner = learner_for(Objective(captioning=1.0))
        return Training(learner, optimiser.make(RUN, learner), torch.amp.GradScaler("cpu"), Average(learner, 0.9))

    one, two, words = fresh(), fresh(), "objective.parts.1.words.weight"
    with torch.no_grad():
        one.learner.get_parameter(words).add_(1.0)
    path = checkpoints.save(tmp_path, one, ALONE, 2)
    assert one.average is not None and two.average is not None
    checkpoints.load(path, two, ALONE)
    assert torch.equal(two.average.state[words], one.average.state[words])
    (path / "average" / "objective.safetensors").unlink()
    checkpoints.load(path, two, ALONE)
    assert torch.equal(two.average.state[words], one.learner.get_parameter(words))


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    training = training_of(run_of(VIT), steps=1)
    for step in (5, 6, 7, 100_000_000):
        training.counts.step = step
        checkpoints.save(tmp_path, training, ALONE, 2)
    assert [path.name for path in checkpoints.found(tmp_path)] == ["step-100000000", "step-00000007"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_half_written_or_damaged_is_passed_over(tmp_path: Path) -> None:
    assert checkpoints.latest(tmp_path / "nothing") is None
    training = training_of(run_of(VIT), steps=1)
    good = checkpoints.save(tmp_path, training, ALONE, 9)
    shutil.copytree(good, tmp_path / ".step-00000002.part")
    (tmp_path / ".step-00000000.old").mkdir()
    assert checkpoints.latest(tmp_path) == good
    for name in ("model.safetensors", "random.safetensors", "state.json"):
        newer = tmp_path / "step-00000003"
        shutil.copytree(good, newer)
        content = (newer / name).read_bytes()
        (newer / name).write_bytes(content[: len(content) // 2])
        assert checkpoints.damage(newer)
        assert checkpoints.latest(tmp_path) == good
        (newer / name).unlink()
        assert checkpoints.latest(tmp_path) == good
        shutil.rmtree(newer)
    checkpoints.clear(tmp_path)
    assert list(tmp_path.iterdir()) == [good]
    (good / "state.json").write_text("{}")
    with pytest.raises(TrainingError, match=r"No checkpoint in .* is whole"):
        checkpoints.latest(tmp_path)


def test_what_is_damaged_is_set_aside_and_written_again(tmp_path: Path) -> None:
    training = training_of(run_of(VIT), steps=1)
    checkpoints.save(tmp_path, training, ALONE, 2)
    training.counts.step = 2
    for _ in range(2):
        newer = checkpoints.save(tmp_path, training, ALONE, 2)
        assert not checkpoints.damage(newer)
        (newer / "optimiser.safetensors").unlink()
        checkpoints.clear(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"step-00000001", "damaged-step-00000002", "damaged-step-00000002-2"}


def test_a_kill_while_it_is_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop at each call that reaches the disk, as a kill would."""
    training = training_of(run_of(VIT), steps=1)
    good = checkpoints.save(tmp_path, training, ALONE, 9)
    training.counts.step = 2
    for name in ("save_file", "write", "_to_disk"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, name, _killed)
            with pytest.raises(KeyboardInterrupt):
                checkpoints.save(tmp_path, training, ALONE, 9)
        assert checkpoints.latest(tmp_path) == good
    assert checkpoints.save(tmp_path, training, ALONE, 9) == checkpoints.latest(tmp_path) == tmp_path / "step-00000002"


def _killed(*arguments: object, **more: object) -> None:
    raise KeyboardInterrupt


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path, training_of(steps=1), ALONE, 2)
    with pytest.raises(TrainingError, match="does not fit this run"):
        checkpoints.load(path, training_of(run_of(VIT)), ALONE)
    values = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps(values | {"format": 2}))
    assert checkpoints.damage(path) == "it has format 2"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        checkpoints.save(tmp_path / "file", training_of(run_of(VIT)), ALONE, 2)


def test_one_number_starts_all_random_numbers() -> None:
    def drawn(seed: int) -> list[float]:
        random_states.begin(seed)
        return [random.random(), float(np.random.rand()), torch.rand(1).item()]

    assert drawn(3) == drawn(3)
    assert all(one != other for one, other in zip(drawn(3), drawn(4), strict=True))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("No space left on device")])
def test_nothing_stays_of_a_checkpoint_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    training = training_of(steps=1)
    first = checkpoints.save(tmp_path, training, ALONE, 2)
    move(training, 1)

    def fail(state: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_file", fail)
        with pytest.raises(TrainingError, match=r"step-00000002 cannot be written \(.*No space left"):
            checkpoints.save(tmp_path, training, ALONE, 2)
    assert list(tmp_path.iterdir()) == [first]
    assert checkpoints.save(tmp_path, training, ALONE, 2).name == "step-00000002"
