from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.preprocess import to_square
from clipsearch.errors import ClipsearchError
from clipsearch.files.decode import decode
from clipsearch.model import load
from tests.encode.tiny_packages import SIGLIP, random_model
from tests.encode.tiny_packages import package as made_package
from tests.training.tiny_runs import EOT, VIT, colours, write_run
from training.__main__ import main
from training.errors import TrainingError
from training.export import export
from training.finetuning import finetune as steps
from training.finetuning.finetune import finetune
from training.finetuning.original import open_original
from training.finetuning.pictures import halves, read_classes, some
from training.finetuning.prepare import Data
from training.finetuning.settings import RATES, Settings
from training.finetuning.tasks import Retention
from training.finetuning.tunable import Tuning

QUICK = Settings(epochs=1, batch_size=16, alphas=2, rates=dict.fromkeys(RATES, 1e-3))


def test_all_methods_from_the_command_line_to_a_package(tmp_path: Path, capsys: Any) -> None:
    run, out = write_run(tmp_path / "run"), tmp_path / "tuned"
    data, kept = colours(tmp_path / "data"), colours(tmp_path / "kept", ("yellow", "red"), 3)
    options = ["--epochs", "1", "--shots", "3", "--alphas", "2", "--rate", "full=1e-3", "--rate", "head=1e-2"]
    main(["finetune", str(run), str(data), "--out", str(out), "--retention", str(kept), *options])

    report = json.loads((out / "results.json").read_text("utf-8"))
    assert [one["method"] for one in report["outcomes"]] == list(RATES)
    parts = {"train": 9, "validation": 3, "test": 6, "retention_watched": 3, "retention_reported": 3}
    assert report["pictures"] == parts
    assert (report["model"], report["measured_on"]) == ("tiny run", "test")
    assert ["only 3 pictures" in warning for warning in report["warnings"]] == [True]
    assert (
        len({one["before"] for one in report["outcomes"]})
        == len({one["validation"]["0"] for one in report["outcomes"]})
        == 1
    )
    for one in report["outcomes"]:
        assert (
            set(one["validation"]) == {"0", "0.5", "1"}
            and one["validation"][f"{one['alpha']:g}"] >= one["validation"]["0"]
        )
        assert len(one["epochs"]) == 2 and one["retention_before"] is not None
        assert load(out / one["folder"]).config == VIT
    head, lora = (next(one for one in report["outcomes"] if one["method"] == name) for name in ("head", "lora"))
    assert head["learned"] == 3 * VIT.embed_dim

    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(table) == 1 + len(RATES) and table[2].startswith(f"| lora | {100 * lora['before']:.1f} ± ")
    card = (out / "README.md").read_text("utf-8")
    assert card.startswith("# tiny run, tuned\n") and all(line in card for line in table) and "9 train" in card
    package = export(out / "lora", tmp_path / "package", background=data)
    assert (package.name, package.eot_id, package.dim) == ("lora", EOT, VIT.embed_dim)


def test_what_a_head_learned_goes_into_its_package(tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    settings = replace(QUICK, epochs=8, alphas=1, rates={"head": 3e-2})
    report = finetune(str(run), Data(data, templates="a photo of {}"), tmp_path / "out", ["head"], settings)
    assert report.outcomes[0].alpha == 1.0 and report.outcomes[0].after > report.outcomes[0].before
    assert report.measured_on == "validation" and "Without a retention set" in report.warnings[0]
    package = export(tmp_path / "out" / "head", tmp_path / "package", background=data)
    encoder, paths = Encoder(package, engine="onnx"), read_classes(data).paths
    squares = [to_square(decode(path, package.preprocess.size).image, package.preprocess) for path in paths]
    texts = encoder.encode_texts([f"a photo of {name}" for name in ("blue", "green", "red")])
    found = (encoder.encode_images(np.stack(squares)) @ texts.T).argmax(1)
    assert np.mean(found == np.array(read_classes(data).labels)) > report.outcomes[0].before


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    for name in ("one", "other"):
        finetune(str(run), Data(data), tmp_path / name, ["full"], QUICK)
    files = [(tmp_path / name / "full" / "model.safetensors").read_bytes() for name in ("one", "other")]
    assert files[0] == files[1] != (run / "model" / "model.safetensors").read_bytes()


def test_pairs_from_a_table_are_learned(tmp_path: Path) -> None:
    colours(tmp_path, count=12)
    lines = [f"{name}/{n}.png,a {name} square and {n}" for name in ("red", "green", "blue") for n in range(12)]
    (tmp_path / "pairs.csv").write_text("\n".join(["filepath,title", *lines]) + "\n")
    run, told = write_run(tmp_path / "run"), []
    data = Data(tmp_path / "pairs.csv", pairs=True)
    report = finetune(str(run), data, tmp_path / "out", ["head", "locked-image"], QUICK, told.append)
    assert [one.method for one in report.outcomes] == ["locked-image"] and report.task == "pairs"
    assert any("small for the contrastive objective" in line for line in told)
    with pytest.raises(TrainingError, match="needs classes"):
        finetune(str(run), data, tmp_path / "more", ["head"], QUICK)
    with pytest.raises(TrainingError, match="too small"):
        finetune(str(run), data, tmp_path / "less", ["lora"], Settings(batch_size=4))


def test_a_test_set_of_its_own_is_reported_on(tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    test = colours(tmp_path / "test", ("red", "blue"), 2)
    report = finetune(str(run), Data(data, test=test), tmp_path / "out", ["head"], QUICK)
    assert (report.measured_on, report.pictures["test"]) == ("test", 4)
    colours(test, ("yellow",), 1)
    with pytest.raises(TrainingError, match="“yellow”"):
        finetune(str(run), Data(data, test=test), tmp_path / "more", ["head"], QUICK)


def test_the_reported_half_of_the_retention_set_chooses_nothing(tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    kept = colours(tmp_path / "kept", ("yellow", "red", "blue"), 5)
    settings = replace(QUICK, epochs=4, allowed_loss=0.0, rates=dict.fromkeys(RATES, 3e-2))
    watched, reported = halves(some(read_classes(kept), 500, settings.seed), settings.seed)
    reports = []
    for name in ("one", "other"):
        report = finetune(str(run), Data(data, retention=kept), tmp_path / name, ["lora", "full"], settings)
        reports.append(report)
        for number, path in enumerate(reported.paths):
            Image.effect_noise((40, 40), 90 + number).convert("RGB").save(path)
    one, other = (
        [replace(one, seconds=0, retention_before=0, retention_after=0) for one in report.outcomes]
        for report in reports
    )
    assert one == other and len(watched) == 7 and reports[0].pictures["retention_reported"] == 8
    for method in ("lora", "full"):
        assert same_bytes(*(tmp_path / name / method / "model.safetensors" for name in ("one", "other")))
    assert any(outcome.rolled_back for outcome in one)  # so that something was chosen by retention


@pytest.mark.parametrize("stage", ["tune", "choose"])
def test_tuning_and_choosing_see_the_watched_half_only(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    kept = colours(tmp_path / "kept", ("yellow", "red", "blue"), 5)  # 7 are watched, and 8 reported on
    inside, seen = [False], set()
    honest, accuracy = getattr(steps, stage), Retention.accuracy

    def watched_stage(*arguments: Any) -> Any:
        inside[0] = True
        done = honest(*arguments)
        inside[0] = False
        return done

    def watched_accuracy(self: Retention, tuning: Tuning) -> float:
        seen.add((inside[0], len(self.pictures)))
        return accuracy(self, tuning)

    monkeypatch.setattr(steps, stage, watched_stage)
    monkeypatch.setattr(Retention, "accuracy", watched_accuracy)
    finetune(str(run), Data(data, retention=kept), tmp_path / "out", ["head"], replace(QUICK, alphas=4, allowed_loss=1))
    assert {size for is_inside, size in seen if is_inside} == {7} and (False, 8) in seen


def test_other_draws_are_reported_and_the_first_one_is_written(tmp_path: Path) -> None:
    run, data, kept = write_run(tmp_path / "run"), colours(tmp_path / "data"), colours(tmp_path / "kept")
    settings = replace(QUICK, epochs=2, shots=2, rates={"lora": 1e-7})
    told: list[str] = []
    first = finetune(str(run), Data(data, retention=kept), tmp_path / "first", ["lora"], settings)
    all_three = replace(settings, draws=3)
    report = finetune(str(run), Data(data, retention=kept), tmp_path / "all", ["lora"], all_three, told.append)
    assert same_bytes(*(tmp_path / name / "lora" / "model.safetensors" for name in ("first", "all")))
    assert [outcome.draw for outcome in report.outcomes] == [0, 1, 2]
    assert [outcome.folder for outcome in report.outcomes] == ["lora", None, None]
    seeds = [replace(settings, seed=seed) for seed in (1, 2)]
    alone = [finetune(str(run), Data(data), tmp_path / str(one.seed), ["lora"], one).outcomes[0] for one in seeds]
    assert [one.epochs[-1].loss for one in alone] == [one.epochs[-1].loss for one in report.outcomes[1:]]
    assert report.table().splitlines()[2].split("|")[2] == first.table().splitlines()[2].split("|")[2]
    assert len(report.table().splitlines()) == 3 and first.spread() == ""
    shares = [100 * outcome.after for outcome in report.outcomes]
    wanted = f"{sum(shares) / 3:.1f} ({min(shares):.1f} to {max(shares):.1f})"
    assert report.spread().splitlines()[2].split(" | ")[:2] == ["| lora", "3"]
    assert report.spread().splitlines()[2].split(" | ")[3] == wanted and report.spread() in report.card()
    assert any(line.startswith("draw 3, lora, epoch 2") for line in told)
    assert sum("lora learned next to nothing" in line for line in told) == 1
    assert "lora learned next to nothing" in report.card()


def test_one_retention_picture_cannot_be_watched_and_reported(tmp_path: Path) -> None:
    run, data, kept = write_run(tmp_path / "run"), colours(tmp_path / "data"), colours(tmp_path / "kept", ("red",), 1)
    with pytest.raises(TrainingError, match="at least two pictures"):
        finetune(str(run), Data(data, retention=kept), tmp_path / "out", ["head"], QUICK)


def same_bytes(*paths: Path) -> bool:
    return len({path.read_bytes() for path in paths}) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--methods", "magic"], "no method magic"),
        (["--rate", "magic=1"], "no method magic"),
        (["--rate", "1e-3"], "METHOD=RATE"),
        (["--allowed-loss", "2"], "allowed_loss cannot be 2"),
        (["--templates", "defauld"], "no prompts"),
        (["--templates", "{} and {}"], "needs one {}"),
        (["--device", "cuda:99"], "cuda:99 cannot be used"),
    ],
)
def test_options_that_make_no_sense_are_told(options: list[str], reason: str, tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    with pytest.raises(ClipsearchError, match=reason):
        main(["finetune", str(run), str(data), "--out", str(tmp_path / "out"), *options])
    assert not (tmp_path / "out").exists()


def test_classes_that_the_tokenizer_does_not_know_are_refused(tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data", ("red", "blue", "green"))
    for name in ("red", "blue"):
        (data / name).rename(data / f"un{name}")
    with pytest.raises(TrainingError, match="reads “unblue” and “unred” alike"):
        finetune(str(run), Data(data), tmp_path / "out", ["head"], QUICK)
    with pytest.raises(TrainingError, match="alike"):
        good = colours(tmp_path / "good")
        finetune(str(run), Data(good, retention=data), tmp_path / "out", ["head"], QUICK)


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    run, data = write_run(tmp_path / "run"), colours(tmp_path / "data")
    with pytest.raises(TrainingError, match="choose a new folder"):
        finetune(str(run), Data(data), run, ["head"], QUICK)


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TrainingError, match=r"Nothing can be written into .*tuned: Not a directory"):
        finetune("nowhere", Data(tmp_path), tmp_path / "file" / "tuned", ["head"], QUICK)


def test_an_installed_package_is_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    made_package(SIGLIP, tmp_path).folder.rename(tmp_path / "models" / "for-tuning")
    original = open_original("For-Tuning")
    wanted = random_model(SIGLIP).state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in original.clip.state_dict().items())
    assert original.name == "tiny" and original.preprocess.resize == "squash"
    tokens = original.tokens()(["a dog"])
    assert tokens.tolist() == [[9, 10, *[7] * 14]]  # SigLIP sees its padding


def test_ready_made_towers_are_refused() -> None:
    with pytest.raises(TrainingError, match="starter holds no weights that can be tuned"):
        open_original("starter")


def test_a_model_that_only_predicts_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no space"):
        open_original(str(write_run(tmp_path / "run", kind="language-model")))


def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(ClipsearchError, match="'nowhere' is installed"):
        open_original("nowhere")
