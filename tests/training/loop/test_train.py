"""The loop as a whole: its curve, its end, its stops, and going on bit for bit after kills."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from clipsearch.model import load as load_model
from clipsearch.model.transformer import Block
from tests.training import tiny_runs
from tests.training.loop.reference import losses_of
from tests.training.loop.starting import ROOT
from tests.training.loop.tiny import Endless, assert_same, learner_for, learner_of, run_of
from training import card
from training import run as runs
from training.errors import TrainingError
from training.loop import checkpoints, logs, optimiser
from training.loop.folder import open_folder
from training.loop.train import Judge, Result, Score, fit
from training.loop.train import train as train_run
from training.objectives.objective import Learner
from training.run import Evaluation, Objective, Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard", "ignore::DeprecationWarning:google")


@dataclass(frozen=True)
class Judged:
    accuracy: float
    chance: float = 0.1


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave curves undrawn, which would take as long as all steps; `test_logs` and `test_command` draw them."""
    monkeypatch.setattr(logs, "draw", lambda rows, path: path.touch())


def go(run: Run, out: Path, judge: Judge | None = None, seed: int = 7, **steps: tuple[int, ...]) -> Result:
    open_folder(run, out)
    return fit(run, out, learner_of(run.network, seed), Endless(run, **steps), judge)


def rows_of(out: Path) -> list[logs.Row]:
    return logs.read(out / logs.TABLE)


@pytest.mark.parametrize("changes", [{}, {"micro_batch_size": 5, "gradient_checkpointing": True}])
def test_twenty_steps_are_those_of_a_plain_loop(tmp_path: Path, changes: dict[str, object]) -> None:
    run = run_of(**changes)
    result = go(run, tmp_path / "out")
    found = rows_of(tmp_path / "out")
    assert [row["loss"] for row in found] == pytest.approx(losses_of(run_of(), 7), abs=1e-5)
    assert found[-1]["loss"] < found[0]["loss"]
    assert [row["learning_rate"] for row in found[:5]] == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3])
    assert (result.steps, result.zero_shot_accuracy) == (20, None)
    assert found[-1]["pairs"] == 240


def test_it_leaves_all_that_was_promised(tmp_path: Path) -> None:
    scores = iter([0.2, 0.6, 0.4])
    seen: list[Learner] = []

    def judge(learner: Learner) -> Score:
        seen.append(learner)
        torch.rand(5)  # a judge's random numbers must not change the run
        return Judged(next(scores))

    run = replace_evaluation(run_of(steps=6, ema=0.5, checkpoint_every=2), every=2)
    out = tmp_path / "out"
    result = go(run, out, judge, bad=(1, 3))
    assert {path.name for path in out.iterdir()} == {
        "bad-pairs.txt",
        "checkpoints",
        "curves.png",
        "log.csv",
        "model",
        "result.json",
        "run.toml",
        "tensorboard",
    }
    assert (result.zero_shot_accuracy, result.chance) == (0.4, 0.1)
    assert result.checkpoint == out / "checkpoints" / "step-00000006"
    assert json.loads((out / "result.json").read_text()) == json.loads(json.dumps(result.to_json()))
    assert [row.get(logs.ACCURACY) for row in rows_of(out)] == [None, 0.2, None, 0.6, None, 0.4]
    assert rows_of(out)[-1]["bad_pairs"] == 2
    assert (out / "bad-pairs.txt").read_text() == "2\tpair 1 is broken\n4\tpair 3 is broken\n"
    counts = json.loads((result.checkpoint / "state.json").read_text())["counts"]
    assert (counts["best"], counts["best_step"]) == ({logs.ACCURACY: 0.6}, {logs.ACCURACY: 4})
    final, average = load_model(out / "model").state_dict(), load_model(result.checkpoint / "average").state_dict()
    assert all(torch.equal(final[name], average[name]) for name in final)
    assert all(torch.equal(value, final[name]) for name, value in seen[-1].clip.state_dict().items())


def test_the_average_of_what_an_objective_learned_is_judged_and_kept(tmp_path: Path) -> None:
    from msgspec.structs import replace as changed

    seen: list[Learner] = []

    def judge(learner: Learner) -> Score:
        seen.append(learner)
        return Judged(0.5)

    told = Objective(captioning=1.0)
    run = changed(run_of(steps=3, ema=0.5), objective=told)
    open_folder(run, tmp_path)
    path = fit(run, tmp_path, learner_for(told), Endless(run), judge).checkpoint
    average, last = (load_file(folder / "objective.safetensors") for folder in (path / "average", path))
    judged = seen[-1].objective.state_dict()
    assert judged.keys() == average.keys() == last.keys()
    assert all(torch.equal(value, average[name]) for name, value in judged.items())
    assert not any(torch.equal(value, last[name]) for name, value in judged.items())


def replace_evaluation(run: Run, every: int) -> Run:
    from msgspec.structs import replace as changed

    return changed(run, evaluation=Evaluation(every=every))


def test_measuring_does_not_change_what_is_learned(tmp_path: Path) -> None:
    def judge(learner: Learner) -> Score:
        return Judged(torch.rand(1).item())

    often = go(replace_evaluation(run_of(steps=4), every=1), tmp_path / "often", judge)
    never = go(run_of(steps=4), tmp_path / "never")
    assert_same(often.checkpoint, never.checkpoint)


def test_a_measurement_that_fails_on_the_way_is_told_and_training_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    calls: list[int] = []

    def judge(learner: Learner) -> Score:
        calls.append(1)
        if len(calls) in (1, 2):
            raise [TrainingError("The disk is gone."), OSError(5, "gone")][len(calls) - 1]
        return Judged(0.5)

    result = go(replace_evaluation(run_of(steps=6, checkpoint_every=2), every=2), tmp_path, judge)
    assert [row.get(logs.ACCURACY) for row in rows_of(tmp_path)] == [None] * 5 + [0.5]
    assert (result.steps, result.zero_shot_accuracy) == (6, 0.5)
    told = capfd.readouterr().err
    assert "Accuracy after step 2 is not known: The disk is gone." in told
    assert "Accuracy after step 4 is not known" in told


def test_what_was_learned_is_kept_where_the_last_measurement_fails(tmp_path: Path) -> None:
    def fail(learner: Learner) -> Score:
        raise TrainingError("The disk is gone.")

    run = run_of(steps=3)
    with pytest.raises(TrainingError, match="disk is gone"):
        go(run, tmp_path, fail)
    kept = checkpoints.latest(tmp_path / "checkpoints")
    assert kept == tmp_path / "checkpoints" / "step-00000003"
    final, last = (load_model(path).state_dict() for path in (tmp_path / "model", kept))
    assert all(torch.equal(value, last[name]) for name, value in final.items())
    assert go(run, tmp_path, lambda learner: Judged(0.5)).zero_shot_accuracy == 0.5
    assert [row.get(logs.ACCURACY) for row in rows_of(tmp_path)] == [None, None, 0.5]


def test_a_run_stopped_while_measuring_loses_neither_steps_nor_the_accuracy(tmp_path: Path) -> None:
    def stop(learner: Learner) -> Score:
        raise KeyboardInterrupt

    run = replace_evaluation(run_of(steps=4, checkpoint_every=2), every=2)
    with pytest.raises(KeyboardInterrupt):
        go(run, tmp_path, stop)
    assert checkpoints.latest(tmp_path / "checkpoints") == tmp_path / "checkpoints" / "step-00000002"
    scores = iter([0.3, 0.4])
    go(run, tmp_path, lambda learner: Judged(next(scores)))
    assert [row.get(logs.ACCURACY) for row in rows_of(tmp_path)] == [None, 0.3, None, 0.4]


def first_losses(out: Path, **changes: object) -> list[float]:
    """Return the losses of two steps; the first is computed with the same weights whatever the precision."""
    go(run_of(steps=2, **changes), out)
    return [row["loss"] for row in rows_of(out)]


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_the_precision_asked_for_is_computed_in(tmp_path: Path, name: str) -> None:
    half, full = first_losses(tmp_path / "half", precision=name), first_losses(tmp_path / "full")
    assert half[0] != full[0]
    assert half[0] == pytest.approx(full[0], rel=0.02)


def test_a_half_text_tower_is_stored_and_computed_in_half(tmp_path: Path) -> None:
    half, full = first_losses(tmp_path / "half", half_text_tower=True), first_losses(tmp_path / "full")
    assert half[0] != full[0]
    assert half[0] == pytest.approx(full[0], rel=0.02)
    stored = load_file(tmp_path / "half" / "checkpoints" / "step-00000002" / "model.safetensors")
    full_ones = load_file(tmp_path / "full" / "checkpoints" / "step-00000002" / "model.safetensors")
    halved = {name for name, value in stored.items() if value.dtype == torch.bfloat16}
    assert {value.dtype for value in full_ones.values()} == {torch.float32}
    assert len(halved) > 10
    learner = learner_of(run_of().network, 7)
    optimiser.halve_text_tower(learner.clip)
    assert halved == {name for name, value in learner.clip.state_dict().items() if value.dtype == torch.bfloat16}


def test_blocks_are_computed_again_only_where_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Block] = []
    forward = Block.forward

    def counted(block: Block, *values: object, **named: object) -> object:
        calls.append(block)
        return forward(block, *values, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Block, "forward", counted)
    go(run_of(steps=1), tmp_path / "kept")
    once = len(calls)
    calls.clear()
    go(run_of(steps=1, gradient_checkpointing=True), tmp_path / "again")
    assert (once, len(calls)) == (4, 8)  # two towers of two blocks


def test_a_loss_that_is_no_number_stops_with_the_step(tmp_path: Path) -> None:
    run, out = run_of(steps=8, checkpoint_every=3), tmp_path / "out"
    with pytest.raises(TrainingError, match=r"loss is nan at step 6; the last good checkpoint is .*step-00000003"):
        go(run, out, broken=(5,))
    assert checkpoints.latest(out / "checkpoints") == out / "checkpoints" / "step-00000003"
    assert len(rows_of(out)) == 5
    assert all(math.isfinite(row["loss"]) for row in rows_of(out))
    go(run, out)  # the pair is mended
    go(run, tmp_path / "whole")
    assert_same(out / "checkpoints" / "step-00000008", tmp_path / "whole" / "checkpoints" / "step-00000008")


def test_a_gradient_that_is_not_finite_stops_unless_fp16_is_scaled(tmp_path: Path) -> None:
    run = run_of(steps=2)
    open_folder(run, tmp_path)
    learner = learner_of()
    learner.clip.logit_scale.register_hook(lambda gradient: gradient / 0)
    with pytest.raises(TrainingError, match="gradient is not finite at step 1; no good checkpoint yet"):
        fit(run, tmp_path, learner, Endless(run))


def test_fp16_skips_steps_and_says_so(tmp_path: Path) -> None:
    run, calls = run_of(steps=4, precision="fp16"), []
    open_folder(run, tmp_path)
    learner = learner_of()

    def break_second(gradient: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return gradient / 0 if len(calls) == 2 else gradient

    learner.clip.logit_scale.register_hook(break_second)
    result = fit(run, tmp_path, learner, Endless(run))
    skipped = [row["skipped"] for row in rows_of(tmp_path)]
    assert skipped[1] == skipped[0] + 1
    assert skipped[3] < 4
    state = json.loads((result.checkpoint / "state.json").read_text())
    assert state["scaler"]["scale"] == 2.0 ** (16 - skipped[3])
    assert state["counts"]["skipped"] == skipped[3]


def test_gradients_are_clipped(tmp_path: Path) -> None:
    free, short = go(run_of(steps=2), tmp_path / "free"), go(run_of(steps=2, clip_norm=1e-9), tmp_path / "short")
    norms = [[row["gradient_norm"] for row in rows_of(one.checkpoint.parents[1])] for one in (free, short)]
    assert norms[0][0] == norms[1][0]  # the log tells the norm before
    state = load_file(short.checkpoint / "optimiser.safetensors")
    squares = sum(value.square().sum() for name, value in state.items() if name.endswith("/exp_avg"))
    assert squares.sqrt() < 2e-10


@pytest.mark.parametrize("changes", [{}, {"clip_norm": 1e-3, "ema": 0.5, "micro_batch_size": 5}])
def test_a_step_waits_for_the_device_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    waits: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        true = getattr(torch.Tensor, name)

        def call(*arguments: object) -> object:
            code = sys._getframe(1).f_code
            if "training" in Path(code.co_filename).parts:
                waits.append(f"{code.co_name}: {name}")
            return true(*arguments)

        return call

    for name in ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__", "__index__"):
        monkeypatch.setattr(torch.Tensor, name, counted(name))
    go(run_of(steps=3, **changes), tmp_path)
    assert waits[:3] == ["numbers: tolist"] * 3  # what follows them is the checkpoint


@pytest.mark.parametrize(
    "changes", [{"precision": "bf16"}, {"half_text_tower": True}, {"half_statistics": True, "compile": False}]
)
def test_other_precisions_learn_alike(tmp_path: Path, changes: dict[str, object]) -> None:
    go(run_of(**changes), tmp_path)
    wanted = losses_of(run_of(), 7)
    assert [row["loss"] for row in rows_of(tmp_path)] == pytest.approx(wanted, abs=0.1)


def test_another_run_is_refused(tmp_path: Path) -> None:
    run = run_of(steps=1)
    go(run, tmp_path)
    with pytest.raises(TrainingError, match=r"another run \(loop.steps, optimiser.learning_rate differ\)"):
        open_folder(run_of(steps=2, learning_rate=1.0), tmp_path)
    open_folder(run_of(steps=1, log_every=7), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    with pytest.raises(TrainingError, match="holds no run"):
        open_folder(run, other)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_what_cannot_be_compiled_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*graph: object) -> None:
        raise RuntimeError("No working C++ compiler")

    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda forward, **named: plain(forward, backend=fail))
    with pytest.raises(
        TrainingError, match=r"cannot be compiled here \(.*No working C\+\+ compiler.*loop.compile be false"
    ):
        go(run_of(compile=True), tmp_path)


def test_a_run_goes_on_with_other_settings_where_that_is_said(tmp_path: Path) -> None:
    before = run_of(steps=4, checkpoint_every=2, precision="fp16", learning_rate=1e-2)
    with pytest.raises(
        TrainingError, match=r"loss is nan at step 4; .*step-00000002\. .*--adjust goes on .*start\.path="
    ):
        go(before, tmp_path, broken=(3,))
    calm = run_of(steps=6, checkpoint_every=2, learning_rate=1e-4, clip_norm=1.0)
    with pytest.raises(TrainingError, match=r"differ\); choose a new folder, or go on .* by --adjust"):
        open_folder(calm, tmp_path)
    open_folder(calm, tmp_path, adjust=True)
    result = fit(calm, tmp_path, learner_of(), Endless(calm))
    assert result.steps == 6
    assert [row["learning_rate"] <= 1e-4 for row in rows_of(tmp_path)] == [False] * 2 + [True] * 4
    kept = runs.read(tmp_path / "run-until-step-00000002.toml")
    assert (kept.loop.precision, kept.optimiser.learning_rate) == ("fp16", 1e-2)
    assert "before: [run-until-step-00000002.toml]" in card.card(card.read(tmp_path))
    open_folder(calm, tmp_path)  # the settings are the run's now


def test_a_checkpoint_with_whose_weights_it_happened_is_not_called_good(tmp_path: Path) -> None:
    told = (
        r"nan at step 5; the last good checkpoint is .*step-00000002\. .* First move .*step-00000004 away, with whose"
    )
    with pytest.raises(TrainingError, match=told):
        go(run_of(checkpoint_every=2), tmp_path, broken=(4,))


def test_only_what_checkpoints_fit_is_adjusted(tmp_path: Path) -> None:
    go(run_of(steps=3), tmp_path)
    with pytest.raises(TrainingError, match=r"loop.batch_size differ\); choose a new folder\."):
        open_folder(run_of(steps=3, batch_size=6), tmp_path, adjust=True)
    with pytest.raises(TrainingError, match="has made 3 steps already"):
        open_folder(run_of(steps=2), tmp_path, adjust=True)
    assert runs.read(tmp_path / "run.toml").loop == run_of(steps=3).loop


def test_what_came_of_a_run_that_goes_on_is_set_aside(tmp_path: Path) -> None:
    go(run_of(steps=3), tmp_path)
    before = (tmp_path / "model" / "model.safetensors").read_bytes()
    open_folder(run_of(steps=5), tmp_path, adjust=True)
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "result.json").exists()
    assert (tmp_path / "model-until-step-00000003" / "model.safetensors").read_bytes() == before
    assert json.loads((tmp_path / "result-until-step-00000003.json").read_text())["steps"] == 3


def test_settings_that_cannot_work_are_refused_before_they_are_kept(tmp_path: Path) -> None:
    run = msgspec.structs.replace(tiny_runs.run_of(tiny_runs.VIT), loop=runs.Loop(steps=1, batch_size=4))
    optimiser = msgspec.structs.replace(run.optimiser, half_text_tower=True)
    run = msgspec.structs.replace(run, optimiser=optimiser)
    train_run(run, tmp_path / "run")
    kept = (tmp_path / "run" / "run.toml").read_bytes()
    loop = msgspec.structs.replace(run.loop, steps=2, precision="fp16")
    with pytest.raises(TrainingError, match="needs precision"):
        train_run(msgspec.structs.replace(run, loop=loop), tmp_path / "run", adjust=True)
    assert (tmp_path / "run" / "run.toml").read_bytes() == kept
    assert (tmp_path / "run" / "model").is_dir()


@pytest.mark.parametrize(
    ("every", "told"),
    [(2, "Stopped at step 3; the same command goes on from the checkpoint of step 2."), (500, "begins anew.")],
)
def test_an_interrupt_says_how_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, told: str
) -> None:
    def interrupt(log: logs.Log, step: int, values: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(logs.Log, "advance", interrupt)
    with pytest.raises(KeyboardInterrupt) as stop:
        go(run_of(checkpoint_every=every), tmp_path)
    assert str(stop.value).endswith(told)


def test_a_finished_run_is_not_made_again(tmp_path: Path) -> None:
    run = run_of(steps=3)
    first = go(run, tmp_path)
    again = go(run, tmp_path, seed=8)
    assert again.steps == 3
    assert_same(first.checkpoint, again.checkpoint)
    assert [row["step"] for row in rows_of(tmp_path)] == [1, 2, 3]


def kill(folder: Path, kills: int, seed: int) -> list[str]:
    command = [sys.executable, "-m", "tests.training.loop.killed", str(folder), str(kills), str(seed)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and killed as POSIX does")


@needs_fork
@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_random_kills_change_nothing(tmp_path: Path, kills: int) -> None:
    reached = kill(tmp_path, kills, seed=kills)
    assert len(set(reached)) > 2, reached  # the kills came in the middle
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert_same(whole / "checkpoints" / "step-00000025", killed / "checkpoints" / "step-00000025")
    final = [load_model(out / "model").state_dict() for out in (whole, killed)]
    assert all(torch.equal(value, final[1][name]) for name, value in final[0].items())
    told = [[(row["step"], row["loss"]) for row in rows_of(out)] for out in (whole, killed)]
    assert told[0] == told[1]
    assert not list((killed / "checkpoints").glob(".*"))
