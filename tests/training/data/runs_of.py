"""Runs from small sources, and what their batches hold."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import torch

from clipsearch.model import CLIPConfig
from clipsearch.model.configs import TextConfig, VisionConfig
from tests.pictures import jpeg, paint
from training import run as runs
from training.data.batches import open_batches, run_texts
from training.data.pairs import Batch
from training.data.texts import Texts

_known: dict[bytes, Texts] = {}

CONTEXT, VOCABULARY, SIZE = 8, 64, 32
NETWORK = CLIPConfig(
    "tiny",
    16,
    VisionConfig("vit", SIZE, width=16, layers=1, heads=2, patch_size=8),
    TextConfig(context_length=CONTEXT, vocab_size=VOCABULARY, width=16, heads=2, layers=1),
)


def run_of(kind: str, path: Path | str = "", **changes: Any) -> runs.Run:
    """Describe a run; `changes` are of its table data, but for batch_size, seed, self_supervision and network."""
    batch_size, seed = changes.pop("batch_size", 4), changes.pop("seed", 0)
    objective = runs.Objective(self_supervision=changes.pop("self_supervision", 0.0))
    network = changes.pop("network", NETWORK)
    return runs.Run(
        name="tiny",
        model=network.to_json(),
        data=runs.Data(kind=kind, path=str(path), **({"workers": 0} | changes)),  # type: ignore[arg-type]
        text=runs.Text("learned", network.text.vocab_size, network.text.context_length),
        objective=objective,
        optimiser=runs.Optimiser(learning_rate=1e-3),
        loop=runs.Loop(steps=4, batch_size=batch_size),
        seed=seed,
        device="cpu",
    )


def with_workers(run: runs.Run, workers: int) -> runs.Run:
    """Return the same run with so many workers."""
    return msgspec.structs.replace(run, data=msgspec.structs.replace(run.data, workers=workers))


def batches_of(
    run: runs.Run, steps: int, rank: int = 0, world: int = 1, *, first: int = 0, texts: Texts | None = None
) -> list[Batch]:
    """Return a few batches; the tokenizer is learned once a source."""
    with open_batches(run, rank, world, first, texts or texts_of(run)) as batches:
        return list(islice(batches, steps))


def texts_of(run: runs.Run) -> Texts:
    """Return what `run_texts` does, which is known for a source that was asked for before."""
    key = msgspec.json.encode((run.data.kind, run.data.path, run.text))
    if key not in _known:
        _known[key] = run_texts(run)
    return _known[key]


def assert_same(some: Sequence[Batch], others: Sequence[Batch]) -> None:
    """Compare batches bit for bit."""
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert torch.equal(one.pixels, other.pixels)
        assert torch.equal(one.tokens, other.tokens)
        assert (one.views is None) == (other.views is None)
        assert one.views is None or torch.equal(one.views, other.views)
        assert one.bad == other.bad


def joined(parts: Sequence[Batch]) -> Batch:
    """Put the batches of all processes together."""
    views = None if parts[0].views is None else torch.cat([part.views for part in parts if part.views is not None])
    return Batch(
        torch.cat([part.pixels for part in parts]),
        torch.cat([part.tokens for part in parts]),
        views,
        [sentence for part in parts for sentence in part.bad],
    )


def table(folder: Path, count: int, name: str = "pairs.csv") -> Path:
    """Write a table of small pictures, each of its own colour."""
    rows = [(f"{number}.png", f"picture number {number}") for number in range(count)]
    for number, (picture, _) in enumerate(rows):
        paint(folder / picture, colour(number), (44, 36))
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("filepath", "title"), *rows])
    return folder / name


def colour(number: int) -> tuple[int, int, int]:
    """Return a colour that tells the number."""
    return number * 7 % 256, 255 - number * 7 % 256, 50


def shard(path: Path, numbers: Sequence[int], extra: Mapping[str, bytes] | None = None) -> Path:
    """Write an archive of pairs, then further files."""
    files: dict[str, bytes] = {}
    for number in numbers:
        files |= {f"{number:04}.jpg": jpeg(colour(number)), f"{number:04}.txt": f"picture number {number}".encode()}
    return archive(path, files | dict(extra or {}))


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write an archive of these files, in order."""
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, BytesIO(data))
    return path
