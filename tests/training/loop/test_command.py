"""`python -m training train` from the file to the line of JSON, with the real scenes, tokens and questions."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.model import load
from tests.training.loop.starting import ROOT
from tests.training.loop.tiny import assert_same
from training import __main__
from training import run as runs
from training.data.texts import Texts
from training.loop import logs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard", "ignore::DeprecationWarning:google")

SMOKE = Path(runs.__file__).parent / "configs" / "smoke.toml"
SMALL = (
    "model.text.layers=1",
    "loop.steps=3",
    "loop.batch_size=16",
    "loop.log_every=1",
    "loop.checkpoint_every=2",
    "data.workers=0",
    "evaluation.pictures=14",
    "evaluation.every=0",
)


def train(out: Path, *settings: str) -> None:
    changes = [part for setting in (*SMALL, *settings) for part in ("--set", setting)]
    __main__.main(["train", "--config", str(SMOKE), "--out", str(out), *changes])


def test_it_ends_with_a_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    train(out)
    told = capsys.readouterr()
    assert "warning: The warm-up takes 100 of 3 steps" in told.err
    assert "warning: Each picture is compared with 16 texts only" in told.err
    result = json.loads(told.out.splitlines()[-1])
    assert result.keys() == {"zero_shot_accuracy", "chance", "steps", "seconds", "checkpoint"}
    assert 0 <= result["zero_shot_accuracy"] <= 1
    assert 0 < result["chance"] < 0.1
    assert result["steps"] == 3
    assert Path(result["checkpoint"]).is_dir()
    assert load(out / "model").config.text.layers == 1
    assert Texts.load(out).vocabulary == 128
    assert "smoke" in (out / "README.md").read_text().splitlines()[0]
    assert runs.read(out / "run.toml").loop.batch_size == 16
    assert [row["step"] for row in logs.read(out / logs.TABLE)] == [1, 2, 3]

    train(out)  # nothing is left to be done
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["zero_shot_accuracy"] == result["zero_shot_accuracy"]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("evaluation.classes=/nope", "/nope cannot be read"),
        ("evaluation.templates=nope", "nope"),
        ("evaluation.pictures=0", "pictures must be 1"),
    ],
)
def test_what_cannot_be_measured_with_is_told_before_anything_is_learned(
    tmp_path: Path, setting: str, told: str
) -> None:
    with pytest.raises(ClipsearchError) as error:
        train(tmp_path / "out", setting)
    assert told in error.value.message
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_goes_on_with_the_real_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(log: logs.Log, step: int, told: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(logs.Log, "advance", interrupt)
        train(tmp_path / "interrupted", "data.augment=crop-and-flip")
    steps = sorted(path.name for path in (tmp_path / "interrupted" / "checkpoints").iterdir())
    assert steps == ["step-00000002"]
    for name in ("interrupted", "whole"):
        train(tmp_path / name, "data.augment=crop-and-flip")
    assert_same(*(tmp_path / name / "checkpoints" / "step-00000003" for name in ("interrupted", "whole")))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups that a signal reaches")
def test_ctrl_c_ends_it_with_a_sentence_and_without_workers(tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = [part for one in (*SMALL, "loop.steps=100000", "data.workers=1") for part in ("--set", one)]
    command = [sys.executable, "-m", "training", "train", "--config", str(SMOKE), "--out", str(out), *settings]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + 120
    while not list((out / "checkpoints").glob("step-*")) and time.monotonic() < end:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert re.search(r"Stopped at step \d+; the same command goes on from the checkpoint of step \d+\.$", told.strip())
    while time.monotonic() < end:  # the processes that read pictures are of its group
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("A worker is left.")
