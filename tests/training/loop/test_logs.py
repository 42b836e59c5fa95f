"""The log of a run: a table, pairs that were passed over, TensorBoard, a picture."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from tests.training.loop.tiny import VIT, batch_of
from training.data.pairs import Batch
from training.errors import TrainingError
from training.loop import logs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard", "ignore::DeprecationWarning:google")


def log_of(out: Path, first: int = 0, rank: int = 0) -> logs.Log:
    return logs.Log(out, 9, first, rank, Console(file=io.StringIO()))


def test_rows_come_back_and_new_numbers_get_their_column(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        log.row({"step": 1, "loss": 0.1 + 0.2, "scale": 14.0})
        log.row({"step": 2, "loss": 1e-30, logs.ACCURACY: 0.5})
        log.draw()
        assert not (tmp_path / logs.CURVES).exists()  # it is too early
        log.draw(is_last=True)
    assert (tmp_path / logs.TABLE).read_text().splitlines()[0] == "step,loss,scale,zero_shot_accuracy"
    rows = logs.read(tmp_path / logs.TABLE)
    assert rows == [{"step": 1, "loss": 0.1 + 0.2, "scale": 14.0}, {"step": 2, "loss": 1e-30, logs.ACCURACY: 0.5}]
    with Image.open(tmp_path / logs.CURVES) as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height > 200
    assert list((tmp_path / logs.TENSORBOARD).glob("events.out.tfevents.*"))


def test_what_came_after_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    broken = Batch(*[getattr(batch_of(VIT, 1, 1), name) for name in ("pixels", "tokens")], None, ["a\nb.png is torn"])
    with log_of(tmp_path) as log:
        for step in range(1, 6):
            log.bad(step, broken)
            log.row({"step": step, "loss": float(step)})
    with (tmp_path / logs.TABLE).open("a") as file:
        file.write("6,")  # a kill
    with (tmp_path / logs.BAD_PAIRS).open("a") as file:
        file.write("7")
    with log_of(tmp_path, first=3) as log:
        log.row({"step": 4, "loss": 40.0})
    assert [row["loss"] for row in logs.read(tmp_path / logs.TABLE)] == [1, 2, 3, 40]
    assert (tmp_path / logs.BAD_PAIRS).read_text().splitlines() == [f"{step}\ta b.png is torn" for step in (1, 2, 3)]


def test_what_is_said_of_many_bad_pairs_is_written_once(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        pixels, tokens = (getattr(batch_of(VIT, 1, 1), name) for name in ("pixels", "tokens"))
        log.bad(1, Batch(pixels, tokens, None, ["x", *["alike"] * 1000]))
    assert (tmp_path / "bad-pairs.txt").read_text() == "1\tx\n1\talike (1000 times)\n"


def test_other_processes_write_only_their_bad_pairs(tmp_path: Path) -> None:
    with log_of(tmp_path, rank=2) as log:
        log.bad(1, Batch(*[getattr(batch_of(VIT, 1, 1), name) for name in ("pixels", "tokens")], None, ["x"]))
        log.row({"step": 1, "loss": 1.0})
        log.draw(is_last=True)
    assert [path.name for path in tmp_path.iterdir()] == ["bad-pairs-2.txt"]


def test_without_a_terminal_a_line_is_said_now_and_then(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        for step in (1, 2, 3):
            log.advance(step, {"loss": step / 7})
        assert isinstance(log.console.file, io.StringIO)
        assert log.console.file.getvalue() == "step 1  loss 0.1429\n"


class Full:
    """A writer whose disk is full."""

    def add_scalar(self, *values: object) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        raise OSError(28, "No space left on device")


def said(log: logs.Log) -> str:
    assert isinstance(log.console.file, io.StringIO)
    return log.console.file.getvalue()


def test_without_tensorboard_the_table_goes_on_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_tensorboard", lambda folder, first: Full())
    with log_of(tmp_path) as log:
        for step in (1, 2, 3):
            log.row({"step": step, "loss": 1.0, "scale": 2.0})
    assert len(logs.read(tmp_path / logs.TABLE)) == 3
    assert said(log).count("No space left on device") == 1
    assert said(log).count("warning:") == 1


def test_tensorboard_that_cannot_begin_or_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / logs.TENSORBOARD).write_text("a file, no folder")
    with log_of(tmp_path) as log:
        log.row({"step": 1, "loss": 1.0})
    assert said(log).count("warning:") == 1
    monkeypatch.setattr(logs, "_tensorboard", lambda folder, first: Full())
    with log_of(tmp_path) as log:
        pass
    assert said(log).count("warning:") == 1


def test_a_picture_that_cannot_be_drawn_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / logs.CURVES).mkdir()
    with log_of(tmp_path) as log:
        log.row({"step": 1, "loss": 1.0})
        log.draw(is_last=True)
        log.row({"step": 2, "loss": 1.0})
    assert "curves.png cannot be written" in said(log).replace("\n", "")
    assert len(list((tmp_path / logs.TENSORBOARD).glob("events*"))) == 1


def test_a_table_or_bad_pairs_that_cannot_be_written_end_the_run_with_a_sentence(tmp_path: Path) -> None:
    broken = Batch(*[getattr(batch_of(VIT, 1, 1), name) for name in ("pixels", "tokens")], None, ["x"])
    with log_of(tmp_path) as log:
        for name in (logs.TABLE, logs.BAD_PAIRS):
            (tmp_path / name).mkdir()
        with pytest.raises(TrainingError, match=r"log.csv cannot be written .*goes on from its last checkpoint"):
            log.row({"step": 1, "loss": 1.0})
        with pytest.raises(TrainingError, match=r"bad-pairs.txt cannot be written"):
            log.bad(1, broken)
    with pytest.raises(TrainingError, match="cannot be written"), log_of(tmp_path):
        pass


def test_numbers_are_added_to_the_last_row(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        log.row({"step": 1, "loss": 0.5})
        log.row({"step": 2, "loss": 0.25})
        log.add({"step": 2, logs.ACCURACY: 0.75})
        log.add({"step": 3, logs.ACCURACY: 1.0})
    assert logs.read(tmp_path / logs.TABLE) == [
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": 0.25, logs.ACCURACY: 0.75},
        {"step": 3, logs.ACCURACY: 1.0},
    ]
