from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.training.tiny_runs import VIT, colours, run_of
from training import run as runs
from training.__main__ import main
from training.data.texts import Texts
from training.errors import TrainingError
from training.loop.train import train

COLOURS = ("red", "green", "blue")


def captioned(folder: Path) -> Path:
    """Paint pictures with captions beside them."""
    for path in colours(folder, COLOURS, 8).rglob("*.png"):
        path.with_suffix(".txt").write_text(f"a photo of the {path.parent.name} square .")
    return folder


def captions(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict[str, str]]:
    capsys.readouterr()
    main(["caption", *map(str, words)])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_model_says_what_it_was_taught_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = captioned(tmp_path / "pictures")
    data = runs.Data(kind="folder", path=str(pictures), augment="none", workers=0)
    optimiser = runs.Optimiser(learning_rate=3e-3, warmup_steps=5, clip_norm=1.0)
    loop = runs.Loop(steps=120, batch_size=12, checkpoint_every=1000)
    train(
        replace_in(run_of(VIT), data=data, objective=runs.Objective(captioning=3.0), optimiser=optimiser, loop=loop),
        tmp_path / "run",
    )
    asked = [pictures / name / "0.png" for name in COLOURS]
    (pictures / "broken.png").write_bytes(b"no picture")
    found = captions(capsys, tmp_path / "run", *asked, pictures / "broken.png")
    assert [line["path"] for line in found[:3]] == [str(path) for path in asked]
    assert [line["caption"] for line in found[:3]] == [f"a photo of the {name} square ." for name in COLOURS]
    assert found[3] == {"path": str(pictures / "broken.png"), "problem": found[3]["problem"]}
    checkpoint = tmp_path / "run" / "checkpoints" / "step-00000120"
    assert captions(capsys, checkpoint, asked[0], "--beams", 1)[0] == found[0]


def test_what_cannot_write_captions_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    train(replace_in(run_of(VIT), loop=runs.Loop(steps=1, batch_size=4)), run)
    (picture,) = colours(tmp_path / "pictures", ("red",), 1).rglob("*.png")
    with pytest.raises(TrainingError, match="does not write captions"):
        captions(capsys, run, picture)
    with pytest.raises(TrainingError, match="--beams must be 1"):
        captions(capsys, run, picture, "--beams", 0)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(TrainingError, match="holds no checkpoint"):
        captions(capsys, run, picture)
    with pytest.raises(TrainingError, match="no run and no checkpoint"):
        captions(capsys, tmp_path / "pictures", picture)


def replace_in(run: runs.Run, **tables: runs.Table) -> runs.Run:
    import msgspec

    return msgspec.structs.replace(run, **tables)


@pytest.mark.parametrize("text", ["a dog and the red square .", "zwölf boxkämpfer, jagen   viktor!"])
@pytest.mark.parametrize("vocabulary", [32, 600, 49408])
def test_tokens_say_their_text(text: str, vocabulary: int) -> None:
    kind = "clip" if vocabulary == 49408 else "learned"
    tokens = replace_in(run_of(VIT), text=runs.Text(tokenizer=kind, vocabulary=vocabulary, context_length=77))
    texts = Texts.of(tokens, [text, "a dog and a cat"] * 3)
    ids = texts([text])[0].tolist()
    words = ids[1 : ids.index(texts.vocabulary - 1)]
    assert texts([texts.text(words)])[0].tolist() == ids
    assert texts.text(words).replace(" ", "") == text.replace(" ", "")
