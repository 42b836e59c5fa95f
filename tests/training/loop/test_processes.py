"""Two real processes over Gloo against plain code in one."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file

from clipsearch.model import load
from tests.training.evaluation.learners import Words
from tests.training.evaluation.learners import learner as seeing
from tests.training.loop.reference import losses_of
from tests.training.loop.starting import finish, start
from tests.training.loop.tiny import (
    RESNET,
    VIT,
    Endless,
    assert_close,
    batch_of,
    gradients_of,
    learner_for,
    learner_of,
    plain_gradients,
    run_of,
)
from tests.training.loop.worker import HALF_RUN, LANGUAGE_MODEL, OBJECTIVES, exam, statistics_run
from training.errors import TrainingError
from training.evaluation.zero_shot import grade
from training.loop import checkpoints, logs, processes
from training.loop.accumulation import backward
from training.loop.folder import open_folder
from training.loop.processes import choose, joined
from training.loop.rounding import unpack
from training.loop.train import fit


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left that did all tasks."""
    folder = tmp_path_factory.mktemp("two")
    for status, told in finish(start(folder)):
        assert status == 0, told
    return folder


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("parts", [0, 2])
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_gradients_are_those_of_the_whole_batch(together: Path, parallel: str, parts: int, rank: int) -> None:
    found = load_file(together / f"{parallel}-{parts}-{rank}.safetensors")
    loss, wanted = plain_gradients(VIT, batch_of(VIT, 12, 1))
    assert found.pop("loss").item() == pytest.approx(loss, abs=1e-5)
    norm = torch.stack([value.norm() for value in wanted.values()]).norm().item()
    assert found.pop("norm").item() == pytest.approx(norm, rel=1e-5)
    assert_close(found, wanted)


def test_so_are_those_of_an_objective_that_uses_a_part_of_the_model(together: Path) -> None:
    learner = learner_for(LANGUAGE_MODEL)
    backward(learner, batch_of(VIT, 12, 1))
    for rank in (0, 1):
        assert_close(load_file(together / f"language-model-{rank}.safetensors"), gradients_of(learner))


@pytest.mark.parametrize("rank", [0, 1])
def test_gathered_rows_give_their_gradients_back(together: Path, rank: int) -> None:
    found = load_file(together / f"gather-{rank}.safetensors")
    assert found["a"][:, 0].tolist() == [0, 0, 1, 1]
    assert found["b"].tolist() == [0, 9, 1, 9]
    rows = torch.arange(4.0)[2 * rank : 2 * rank + 2]  # weighed 1 by the first process and 2 by the second
    assert torch.equal(found["gradient"], 3 * rows[:, None].expand(2, 3))


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_twenty_steps_are_those_of_a_plain_loop(together: Path, parallel: str) -> None:
    found = [row["loss"] for row in logs.read(together / parallel / "log.csv")]
    assert found == pytest.approx(losses_of(run_of(), 7), abs=1e-5)


def test_divided_weights_are_written_whole(together: Path) -> None:
    divided, whole = (load(together / name / "checkpoints" / "step-00000020").state_dict() for name in ("fsdp", "ddp"))
    assert_close(divided, whole, 1e-4)
    assert_close(load_file(together / "loaded.safetensors"), divided, 0)
    averages = (load(together / name / "model").state_dict() for name in ("fsdp", "ddp"))
    assert_close(*averages, 1e-4)


def test_half_statistics_of_divided_weights_are_those_of_whole_ones(together: Path, tmp_path: Path) -> None:
    run = replace(HALF_RUN, loop=replace(HALF_RUN.loop, parallel="ddp"))
    open_folder(run, tmp_path)
    alone = fit(run, tmp_path, learner_of(VIT, 7), Endless(run)).checkpoint
    curves = [[row["loss"] for row in logs.read(out / "log.csv")] for out in (together / "half", tmp_path)]
    assert curves[0] == pytest.approx(curves[1], abs=1e-3)
    found, wanted = (
        load_file(path / checkpoints.OPTIMISER) for path in (together / "half" / "checkpoints" / alone.name, alone)
    )
    assert {name: (value.shape, value.dtype) for name, value in found.items()} == {
        name: (value.shape, value.dtype) for name, value in wanted.items()
    }
    for name in [name for name in wanted if name.endswith("_scale")]:
        one, other = (unpack(state[name.removesuffix("_scale")], state[name]) for state in (found, wanted))
        assert (one - other).norm() < 0.01 * other.norm() + 1e-6, name


def test_so_they_come_back_from_a_checkpoint(together: Path) -> None:
    one, other = (together / name / "step-00000008" for name in ("half/checkpoints", "half-again"))
    found, wanted = (load_file(path / checkpoints.OPTIMISER) for path in (other, one))
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(found[name], wanted[name])] == []


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_running_statistics_are_those_of_all_pictures_everywhere(together: Path, parallel: str) -> None:
    run, seen = statistics_run(parallel), []
    for rank in (0, 1):
        learner = learner_of(RESNET, 7)
        with torch.no_grad():
            for part in [part for step in range(2) for part in Endless(run, rank, 2).batch(step).parts(3)]:
                learner(part)
        seen.append(dict(learner.clip.named_buffers()))
    wanted = {name: ((value + seen[1][name]) / 2).to(value.dtype) for name, value in seen[0].items()}
    assert not torch.allclose(seen[0]["visual.bn1.running_mean"], seen[1]["visual.bn1.running_mean"], rtol=0.01)
    for rank in (0, 1):
        assert_close(load_file(together / f"statistics-{parallel}-{rank}.safetensors"), wanted, 1e-6)
    last = together / f"statistics-{parallel}" / "checkpoints" / "step-00000002"
    for stored in (load(last).state_dict(), load(last / "average").state_dict()):
        assert_close({name: stored[name] for name in wanted}, wanted, 1e-6)


@pytest.mark.parametrize("rank", [0, 1])
def test_an_exam_that_is_shared_out_ends_as_that_of_one_process(together: Path, rank: int) -> None:
    told = json.loads((together / f"judging-{rank}.json").read_text())
    for name, objective in OBJECTIVES.items():
        alone = asdict(grade(seeing(objective), Words(), exam()))
        assert told[name] == json.loads(json.dumps(alone))
        assert alone["top1"] < alone["top5"]
        assert ["missing-0" in alone["unreadable"][0], len(alone["unreadable"])] == [True, 3]


@pytest.mark.parametrize("rank", [0, 1])
def test_where_one_process_cannot_judge_all_say_so_and_go_on(together: Path, rank: int) -> None:
    told = json.loads((together / f"judging-{rank}.json").read_text())
    assert [told[f"{name}, one fails"] for name in OBJECTIVES] == ["[Errno 5] the disk is gone"] * 2
    assert "do not see the same pictures" in told["other pictures"]
    assert told["afterwards"] == 2


def test_alone_nothing_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as group:
        assert (group.rank, group.world, group.is_first) == (0, 1, True)
        assert group.sum(torch.ones(2)).tolist() == [1, 1]
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize("missing", ["RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_one_of_several_must_know_which(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(TrainingError, match=f"WORLD_SIZE is 2, but {missing} is not set"), joined("cpu"):
        pass


def test_processes_wait_for_hours_rather_than_a_librarys_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)

    def begin(backend: str, *, timeout: timedelta, **named: object) -> None:
        assert timeout >= timedelta(hours=2)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "started", lambda rank, world: None)
    monkeypatch.setattr(processes, "PrefixStore", lambda name, store: None)
    monkeypatch.setattr(torch.distributed, "init_process_group", begin)
    with pytest.raises(KeyboardInterrupt), joined("cpu"):
        pass


def test_a_process_without_a_gpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingError, match="one process for each GPU"):
        choose("cuda", 2)
