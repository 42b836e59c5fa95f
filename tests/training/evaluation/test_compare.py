"""Methods compared by made-up logs, whose ratios are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from tests.training.tiny_runs import BAG, VIT, run_of
from training import run as runs
from training.__main__ import main
from training.errors import TrainingError
from training.evaluation.curves import Curve, Method, methods_of
from training.evaluation.efficiency import gains, pairs_for, times

RISING = {100: 0.1, 200: 0.2, 400: 0.3, 800: 0.4}
Log = Mapping[int, float]


def logged(folder: Path, log: Log, method: str = "contrastive", seed: int = 0, **changes: Any) -> Path:
    """Lay out what of a run is read: its settings, and a log with a row between every two that have an accuracy."""
    is_bag = method == "bag-of-words-contrastive"
    run = run_of(BAG, "contrastive") if is_bag else run_of(VIT, method)
    folder.mkdir()
    runs.write(msgspec.structs.replace(run, name=f"my {method}", seed=seed, **changes), folder / "run.toml")
    lines = ["step,pairs,loss,zero_shot_accuracy"]
    for pairs, accuracy in log.items():
        lines += [f"{pairs // 10},{pairs},1.5,{accuracy}", f"{pairs // 10 + 1},{pairs + 10},1.5,"]
    (folder / "log.csv").write_text("\n".join([*lines, "9999,99"]), "utf-8")  # the last line is cut off
    return folder


def slower(factor: int, log: Log = RISING) -> Log:
    return {pairs * factor: accuracy for pairs, accuracy in log.items()}


def curve(log: Log) -> Curve:
    return Curve(np.array(list(log), float), np.array(list(log.values())))


def test_pairs_are_interpolated_on_their_logarithm() -> None:
    rising = curve(RISING)
    assert pairs_for(rising, 0.3) == (pytest.approx(400), False)
    assert pairs_for(rising, 0.35) == (pytest.approx(400 * 2**0.5), False)
    assert pairs_for(rising, 0.1) == pairs_for(rising, 0.05) == (100, True)
    assert pairs_for(rising, 0.41) is None


def test_of_a_curve_that_falls_again_the_first_time_counts() -> None:
    assert pairs_for(curve({100: 0.1, 200: 0.3, 400: 0.2, 800: 0.3}), 0.3) == (pytest.approx(200), False)
    assert pairs_for(curve({100: 0.1, 200: 0.3, 400: 0.2, 800: 0.3}), 0.2) == (pytest.approx(100 * 2**0.5), False)


def test_the_highest_accuracy_of_both_is_where_they_are_compared() -> None:
    fast, slow = curve(RISING), curve(slower(3))
    assert times(fast, slow).value == pytest.approx(3) and times(fast, slow).accuracy == 0.4
    assert times(slow, fast).value == pytest.approx(1 / 3)
    low = curve({100: 0.1, 800: 0.15})
    assert times(fast, low).accuracy == 0.15
    assert times(fast, low).value == pytest.approx(800 / (100 * 2**0.5))


def test_what_is_above_at_its_first_measurement_gains_at_least_so_much() -> None:
    high, low = curve({100: 0.5, 200: 0.6}), curve({100: 0.1, 200: 0.2})
    assert str(times(high, low)) == "≥ 2.00" and str(times(low, high)) == "≤ 0.50"
    assert "both" in str(times(curve({100: 0.2}), curve({100: 0.2})))


def method(kind: str, *logs: Log) -> Method:
    return Method(kind, kind, {seed: curve(log) for seed, log in enumerate(logs)})


def test_the_papers_pairs_keep_its_order_and_others_begin_with_the_faster() -> None:
    found = gains(
        [
            method("language-model", RISING),
            method("bag-of-words-prediction", slower(2)),
            method("bag-of-words-contrastive", slower(4)),
            method("contrastive", slower(8)),
        ]
    )
    told = {(gain.method.kind, gain.other.kind): (gain.times.value, gain.paper) for gain in found}
    assert told[("bag-of-words-prediction", "language-model")] == (pytest.approx(1 / 2), 3)
    assert told[("bag-of-words-contrastive", "bag-of-words-prediction")] == (pytest.approx(1 / 2), 4)
    assert told[("bag-of-words-contrastive", "language-model")] == (pytest.approx(1 / 4), 12)
    assert told[("bag-of-words-contrastive", "contrastive")] == (pytest.approx(2), None)
    assert len(told) == 6


def test_seeds_are_compared_one_by_one_too() -> None:
    fast, slow = method("contrastive", RISING, RISING), method("language-model", slower(2), slower(4))
    (gain,) = gains([slow, fast])
    assert gain.method is fast
    assert {seed: one.value for seed, one in gain.by_seed.items()} == {0: pytest.approx(2), 1: pytest.approx(4)}


def test_runs_of_one_name_are_a_method(tmp_path: Path) -> None:
    folders = [
        logged(tmp_path / "a", {100: 0.1, 200: 0.2, 400: 0.5}, seed=0),
        logged(tmp_path / "b", {100: 0.3, 200: 0.4}, seed=1),
        logged(tmp_path / "c", RISING, "bag-of-words-contrastive"),
    ]
    both, bag = methods_of(folders)
    assert (both.name, both.kind, bag.kind) == ("my contrastive", "contrastive", "bag-of-words-contrastive")
    assert both.pairs.tolist() == [100, 200]  # only so far have both come
    np.testing.assert_allclose(both.mean.accuracy, [0.2, 0.3])
    np.testing.assert_allclose([both.least, both.greatest], [[0.1, 0.2], [0.3, 0.4]])
    assert list(bag.curves) == [0] and bag.mean.final == 0.4


def test_the_command_draws_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ends = {"language-model": 6, "bag-of-words-prediction": 2, "bag-of-words-contrastive": 1}
    folders = [
        str(logged(tmp_path / f"{kind}-{seed}", slower(factor * (1 + seed)), kind, seed))
        for kind, factor in ends.items()
        for seed in range(2)
        if (kind, seed) != ("language-model", 1)
    ]
    low = logged(tmp_path / "low", {100: 0.1, 200: 0.2, 1600: 0.25})
    main(["compare", *folders, str(low), "--out", str(tmp_path / "figure.png")])
    out = capsys.readouterr().out
    told = json.loads(out.splitlines()[-1])
    assert [one["kind"] for one in told["methods"]][-1] == "contrastive"
    assert {one["kind"]: one["seeds"] for one in told["methods"]}["language-model"] == [0]
    assert "| my language-model | 1 | 4,800 | 0.400 |" in out
    assert "| my bag-of-words-prediction | 2 | 1,600 | 0.350 (0.300 to 0.400) |" in out
    by_pair = {(one["method"], one["than"]): one for one in told["gains"]}
    gain = by_pair["my bag-of-words-contrastive", "my bag-of-words-prediction"]
    assert gain["by_seed"] == {"0": 2.0, "1": 2.0} and gain["paper"] == 4 and gain["reached"]
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.format == "PNG" and len(picture.convert("RGB").getcolors(1 << 20) or []) > 50
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_faster_method_that_ends_lower_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = logged(tmp_path / "early", {100: 0.1, 200: 0.2, 1600: 0.2})
    late = logged(tmp_path / "late", slower(4), "language-model")
    main(["compare", str(early), str(late), "--out", str(tmp_path / "figure.png")])
    assert "| my contrastive | my language-model | 4.00 | 0.200 | 0.400, not reached |" in capsys.readouterr().out


def test_one_method_alone_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", str(logged(tmp_path / "one", RISING)), "--out", str(tmp_path / "figure.png")])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["gains"] == []


def refused(*folders: Path, out: Path) -> str:
    with pytest.raises(TrainingError) as error:
        main(["compare", *map(str, folders), "--out", str(out)])
    return error.value.message


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    out, good = tmp_path / "figure.png", logged(tmp_path / "good", RISING)
    assert "no folder of a run" in refused(tmp_path, out=out)
    assert "no accuracy yet" in refused(logged(tmp_path / "new", {}), out=out)
    assert "second run" in refused(good, logged(tmp_path / "again", RISING), out=out)
    faster = logged(tmp_path / "faster", RISING, seed=1, optimiser=runs.Optimiser(learning_rate=1e-2))
    assert "differ in optimiser.learning_rate" in refused(good, faster, out=out)
    asked = logged(tmp_path / "asked", RISING, seed=1, evaluation=runs.Evaluation(pictures=9))
    assert "evaluated differently" in refused(good, asked, out=out)
    assert "same number of pairs" in refused(good, logged(tmp_path / "other", {50: 0.1}, seed=1), out=out)
    spoiled = logged(tmp_path / "spoiled", {100: 0.5})
    (spoiled / "log.csv").write_text("step,pairs,zero_shot_accuracy\n1,100,many\n", "utf-8")
    assert "log.csv cannot be read" in refused(spoiled, out=out)
    assert "cannot be written" in refused(good, out=tmp_path / "missing" / "figure.png")
    assert not out.exists()
